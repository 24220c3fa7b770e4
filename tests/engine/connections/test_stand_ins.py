"""Two processes on the demo: the stand-ins that the first one started end with the last that uses them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.connections.stand_ins import StandInProcess
from tests.patience import until

_FIRST = """
import sys
from pathlib import Path
from engine.connections.stand_ins import StandInProcess
first = StandInProcess(Path(sys.argv[1]))
first.endpoints()
print("started", flush=True)
sys.stdin.read()
first.close()
"""


def test_stand_ins_end_although_their_folder_is_gone(tmp_path: Path) -> None:
    alone = StandInProcess(tmp_path / "demo")
    endpoints = alone.endpoints()
    shutil.rmtree(tmp_path / "demo")
    alone.close()
    with pytest.raises(httpx.ConnectError):
        _answers(endpoints)


def _answers(endpoints: Mapping[str, Any]) -> bool:
    return httpx.get(f"{endpoints['github']['base_url']}/rate_limit", trust_env=False).status_code in (200, 401)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["in order", "killed"])
def test_stand_ins_go_on_for_a_process_that_uses_them_when_the_one_that_started_them_ends(
    tmp_path: Path, how: str
) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", _FIRST, str(tmp_path / "demo")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "started\n"
    second = StandInProcess(tmp_path / "demo")
    endpoints = second.endpoints()
    if how == "killed":
        first.kill()
    first.communicate()
    assert _answers(endpoints)
    assert second.endpoints() == endpoints
    second.close()
    until(lambda: not second.is_running(), "the end of the stand-ins")
