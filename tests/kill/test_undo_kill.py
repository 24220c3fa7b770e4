"""The power goes in the middle of an undo, again and again: the next one goes on, and nothing is done twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kill.harness import REPOSITORY, Setting, setting

pytestmark = pytest.mark.slow

_PATIENCE_SECONDS = 60.0
STAGES = {
    "POST /repos/acme/app/issues": "notes",
    "PATCH /repos/acme/app/issues": "closed",
    "PATCH /v1/pages": "pages",
    "/modify": "labels",
}
"""What a fault switch matches, and what a person sees change when it has happened."""


def test_killed_after_each_kind_of_effect_an_undo_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    with setting(tmp_path / "workspace") as place:
        before = counted(place)
        assert place.finish("run") == "succeeded"
        run_id = next(place.root.glob("logs/*/*.json")).stem
        after_run = counted(place)
        written = Counter({"closed": after_run["open"] - before["open"], "pages": after_run["pages"]})
        assert min(written.values()) > 1
        for match, kind in STAGES.items():
            place.delay_answers(match, 30)
            killed_after(place, run_id, kind)
        done, left = finished(place, run_id)
        assert left > 0, "the killed ones had written down what they had undone"
        now = counted(place)
        assert now["open"] == before["open"]
        assert now["closed"] == now["notes"] == written["closed"], "one note for each issue, none twice"
        assert (now["pages"], now["labels"]) == (0, 0)
        assert finished(place, run_id) == (0, done + left)
        assert counted(place) == now


def counted(place: Setting) -> Counter[str]:
    """What a person would count in the three services."""
    shown = {name: show(place, name) for name in ("github", "notion", "gmail")}
    names = {label["id"]: label["name"] for label in shown["gmail"]["labels"]}
    labels = [names[label] for mail in shown["gmail"]["messages"] for label in mail.get("labelIds", [])]
    issues = [(issue["state"], issue["state_reason"]) for issue in shown["github"]["issues"]]
    return Counter(
        open=sum(state == "open" for state, _ in issues),
        closed=sum(reason == "not_planned" for _, reason in issues),
        notes=sum("that was undone" in comment["body"] for comment in shown["github"]["comments"]),
        pages=sum(bool(key_of(page)) for page in shown["notion"]["pages"]),
        labels=sum(label in ("triaged", "needs a look") for label in labels),
    )


def key_of(page: dict[str, Any]) -> list[Any]:
    found: list[Any] = page["properties"].get("Orchestra key", {}).get("rich_text") or []
    return found


def show(place: Setting, service: str) -> dict[str, Any]:
    answer = httpx.get(f"{place.endpoints[service]['base_url']}/_demo/show", trust_env=False, timeout=30)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def started(place: Setting, run_id: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.kill.undo_child", str(place.root), run_id]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)


def killed_after(place: Setting, run_id: str, kind: str) -> None:
    """Undo, and kill -9 once something of this kind has happened and its answer is still held back."""
    then = counted(place)[kind]
    process = started(place, run_id)
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while counted(place)[kind] == then:
        assert process.poll() is None, f"it ended before it did anything to {kind}"
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    process.kill()
    process.communicate()


def finished(place: Setting, run_id: str) -> tuple[int, int]:
    """Undo to the end; give how many writes were undone, and how many had been before."""
    process = started(place, run_id)
    output, _ = process.communicate(timeout=180)
    done, left = output.split()
    return int(done), int(left)
