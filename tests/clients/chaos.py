"""The long form (`make assurance`): random Markdown up to a megabyte, written by processes that are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.random_markdown import Writer
from tests.clients.test_notion_writer import (
    DATABASE,
    FAST,
    MARKER,
    Notion,
    assert_same,
    comes_back,
    limited,
    numbered,
    numbers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["limited"]

SIZES = (300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
CHILD = """
import sys
from pathlib import Path
from pydantic import SecretStr
from clients.notion.client import NotionClient
from clients.notion.service import NotionSettings
from clients.transport import http_client

url, token, rate, path = sys.argv[1:]
settings = NotionSettings(
    token=SecretStr(token), base_url=url, requests_per_second=float(rate)
)
with http_client() as http:
    client = NotionClient(settings, http)
    print("begins", flush=True)
    page = client.items.create("Tasks", "Text", {}, Path(path).read_text(encoding="utf-8"), marker="m" * 32)
    print(page["id"], flush=True)
"""


@numbers
@pytest.mark.parametrize("seed", range(100, 140))
def test_random_markdown_of_any_size_comes_back(limited: Notion, number: str, seed: int) -> None:
    comes_back(limited, numbered(Writer(seed).text(SIZES[seed % len(SIZES)]), number))


@numbers
@pytest.mark.parametrize("seed", range(5))
def test_a_writer_that_is_killed_again_and_again_leaves_one_whole_page(
    limited: Notion, tmp_path: Path, number: str, seed: int
) -> None:
    text = numbered(Writer(1000 + seed).text(300_000), number)
    path = tmp_path / "text.md"
    path.write_text(text, encoding="utf-8")
    limited.run(lambda client: client.items.create(DATABASE, "Before", {}, "", marker="other"))
    limited.limit(100.0)  # slow enough that there is something to kill
    moments = random.Random(seed)
    page = ""
    for attempt in range(40):
        # Ever more patient, so that it comes to its end on a slow machine, too.
        page = _killed_after(moments.uniform(0.2, 1.0) * 1.2**attempt, _arguments(limited, path))
        if page:
            break
        # What was on its way when the process died still arrives.
        time.sleep(0.2)
    assert page, "it never came to its end"
    limited.limit(FAST)
    assert len(limited.items()) == 2
    assert_same(limited.run(lambda client: client.pages.text(page))["markdown"], text)
    assert limited.run(lambda client: client.items.find(DATABASE, MARKER))["id"] == page


def _arguments(notion: Notion, path: Path) -> list[str]:
    endpoint = notion.standins["notion"]
    return [endpoint.base_url, endpoint.token, str(notion.rate / 2), str(path)]


def _killed_after(seconds: float, arguments: list[str]) -> str:
    """Let a process write; kill it so long after it has begun. Its page's id where it was done before."""
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", CHILD, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "begins\n"
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        return child.stdout.read().strip()
