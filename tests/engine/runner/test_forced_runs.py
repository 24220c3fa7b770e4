"""A run that writes everything anew: once more for this run, never twice in it, and nothing is forgotten for others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step
from tests.patience import PATIENCE_SECONDS


def test_a_forced_rerun_writes_once_more_and_its_resume_does_not(
    root: Path, run: Run, orchestra: Orchestra, service: Service
) -> None:
    w = post_step("w", service.url("/w"), once="for all")
    b = get_step("b", service.url("/b"), needs=["w"], retry={"attempts": 1})
    first = run([w, b])
    service.answers = {"/b": [500]}
    forced = orchestra.runs.rerun(OWNER, first["run_id"], receipts="force")
    assert orchestra.runs.wait(OWNER, forced, PATIENCE_SECONDS)["status"] == "failed"
    orchestra.runs.resume(OWNER, forced)
    again = orchestra.runs.wait(OWNER, forced, PATIENCE_SECONDS)
    assert (again["status"], service.seen["/w"], service.seen["/b"]) == ("succeeded", 2, 3)
    effect: Any = again["steps"][0]["effect"]
    assert (effect["reused"], json.loads(effect["identity"])[-1]) == (False, ["again", forced])
    plain = run([w, b])
    assert (plain["steps"][0]["effect"]["reused"], service.seen["/w"]) == (True, 2)
    assert plain["steps"][0]["effect"]["identity"] == first["steps"][0]["effect"]["identity"]
