"""The power goes while a wrong answer is corrected: asked for again, it goes on, and nothing is lost or done twice."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assurance.kill.harness import Setting
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

CHILD = "assurance.kill.correct_child"


@pytest.mark.chaos
def test_killed_at_each_stage_a_correction_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    with closing(Setting(tmp_path / "workspace", latency="0:0")) as place:
        assert place.finish("run") == "succeeded"
        [log] = place.root.glob("logs/*/*.json")
        step = wrong(json.loads(log.read_text()))
        before = counted(place)

        place.delay_answers("PATCH /repos/acme/app/issues", PATIENCE_SECONDS)
        killed_after(place, log.stem, step, "closed")
        assert place.finish(log.stem, step, "before redo", module=CHILD) == "", "it died between undo and redo"
        assert counted(place) - before == Counter({"closed": 1, "notes": 1})
        assert place.finish(log.stem, step, "after redo", module=CHILD) == "", "it died when the redo was accepted"
        if counted(place)["pages"] == before["pages"]:
            place.delay_answers("POST /v1/pages", PATIENCE_SECONDS)
            killed_after(place, log.stem, step, "pages")

        new, status = place.finish(log.stem, step, module=CHILD).split()
        assert status == "succeeded"
        after = counted(place)
        assert after - before == Counter({"closed": 1, "notes": 1, "pages": 1})
        assert before - after == Counter({"open": 1})
        assert {one.stem for one in place.root.glob("logs/*/*.json")} == {log.stem, new}
        [corrected] = [one["corrected"] for one in json.loads(log.read_text())["steps"] if "corrected" in one]
        assert corrected["run_id"] == new
        assert place.finish(log.stem, step, module=CHILD) == f"{new} succeeded"
        assert counted(place) == after


def wrong(run: Any) -> str:
    """Return the first answer that says bug."""
    return next(str(one["path"]) for one in run["steps"] if one["id"] == "classify" and one["output"]["kind"] == "bug")


def counted(place: Setting) -> Counter[str]:
    """What a person would count in the services."""
    github, notion = place.held("github"), place.held("notion")
    issues = [(one["state"], one["state_reason"]) for one in github["issues"]]
    return Counter(
        open=sum(state == "open" for state, _ in issues),
        closed=sum(reason == "not_planned" for _, reason in issues),
        notes=sum("that was undone" in one["body"] for one in github["comments"]),
        pages=len(notion["pages"]),
    )


def killed_after(place: Setting, run_id: str, step: str, kind: str) -> None:
    """Correct, and kill -9 once something of this kind has happened and its answer is still held back."""
    then = counted(place)[kind]
    process = place.start(run_id, step, module=CHILD)
    until(lambda: counted(place)[kind] != then or process.poll() is not None, f"a change of {kind}")
    assert process.poll() is None, f"it ended before it did anything to {kind}"
    process.kill()
    process.communicate()
