"""One sentence for what happened."""

from __future__ import annotations

from typing import Any

import pytest

from engine.runs.document import counts
from engine.runs.summary import sentence

WRITES = {"task": "notion.upsert_page", "issue": "github.create_issue", "label": "gmail.add_labels"}


def step(path: str, status: str = "succeeded", *, reused: bool | None = None, **more: Any) -> dict[str, Any]:
    step_id = path.rsplit(".", 1)[-1].split("[", maxsplit=1)[0]
    effect = None if reused is None else {"reused": reused, "outcome": "done", "receipt": None, "identity": path}
    made = {"id": step_id, "path": path, "status": status, "uses": WRITES.get(step_id), "effect": effect}
    return {**made, "error": None, "title": step_id.capitalize(), "usage": None, **more}


def run(*steps: dict[str, Any], status: str = "succeeded", error: dict[str, Any] | None = None) -> dict[str, Any]:
    definition = {"workflow": {"steps": [{"id": "each", "steps": [{"id": name} for name in WRITES]}]}}
    found = {"status": status, "error": error, "steps": list(steps), "counts": counts(steps)}
    return {**found, "definition": definition}


def mails(*done: str, reused: bool = False) -> list[dict[str, Any]]:
    """A loop over mails; each text names what was done with one, e.g. "task label" or "failed"."""
    steps = [step("each", items=[], noun="mail")]
    for index, words in enumerate(done):
        ended = words if words in ("failed", "pending", "cancelled") else "succeeded"
        steps.append(step(f"each[{index}]", ended))
        steps += [step(f"each[{index}].{word}", reused=reused) for word in words.split() if word in WRITES]
    return steps


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param(
            mails("task label", "issue label", "label", "label", "failed"),
            "5 mails: 1 task, 1 issue, 2 only labelled, 1 failed.",
            id="mixed",
        ),
        pytest.param(mails("task label"), "1 mail: 1 task.", id="one"),
        pytest.param(mails("task", "label", "label task"), "3 mails: 2 tasks, 2 label.", id="some-labelled"),
        pytest.param(mails("label", "failed"), "2 mails: 1 label, 1 failed.", id="only-labels"),
        pytest.param(mails("issue", "issue"), "2 mails: 2 issues.", id="all-the-same"),
        pytest.param(mails(), "No mails: nothing to do.", id="none"),
        pytest.param(mails("", ""), "2 mails: 2 left as they were.", id="nothing-written"),
        pytest.param(mails("task", "pending", "cancelled"), "3 mails: 1 task, 2 not finished.", id="open"),
        pytest.param(mails("task", "task", reused=True), "2 mails: 2 tasks. 0 new, 2 already done.", id="again"),
    ],
)
def test_a_loop_is_told_by_its_items(steps: list[dict[str, Any]], said: str) -> None:
    assert sentence(run(*steps)) == said


@pytest.mark.parametrize(
    ("error_step", "said"),
    [
        pytest.param("after", "1 mail: 1 task. Failed: No paper.", id="after-the-loop"),
        pytest.param("each", "1 mail: 1 task.", id="the-loop"),
        pytest.param("each[0].task", "1 mail: 1 task.", id="in-the-loop"),
        pytest.param("each_other", "1 mail: 1 task. Failed: No paper.", id="similar-name"),
    ],
)
def test_a_failure_elsewhere_is_told_too(error_step: str, said: str) -> None:
    error = {"type": "X", "message": "No paper.", "step": error_step}
    assert sentence(run(*mails("task"), status="failed", error=error)) == said


@pytest.mark.parametrize(
    ("made", "said"),
    [
        pytest.param(run(step("a"), step("b")), "Done: 2 steps done.", id="done"),
        pytest.param(run(step("a")), "Done: 1 step done.", id="one"),
        pytest.param(run(status="queued"), "Not started yet: 0 steps done.", id="queued"),
        pytest.param(run(step("a"), status="cancelled"), "Cancelled: 1 step done.", id="cancelled"),
        pytest.param(run(step("issue", reused=True)), "Done: 1 step done. 0 new, 1 already done.", id="reused"),
        pytest.param(
            run(step("issue", "failed")), "Done: 0 steps done, 1 failed.", id="amber"
        ),
        pytest.param(
            run(status="failed", error={"message": "No.", "step": "a"}), "Failed: No.", id="failed"
        ),
    ],
)  # fmt: skip
def test_steps_are_told_by_their_number(made: dict[str, Any], said: str) -> None:
    assert sentence(made) == said


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("item", "2 items"),
        ("reply", "2 replies"),
        ("box", "2 boxes"),
        ("day", "2 days"),
        ("bug_report", "2 bug reports"),
    ],
)
def test_nouns_have_their_plural(noun: str, many: str) -> None:
    steps = [step("each", items=[], noun=noun), step("each[0]"), step("each[1]")]
    assert sentence(run(*steps)).startswith(many)


def test_a_loop_inside_a_loop_is_not_the_story() -> None:
    steps = [*mails("task"), step("each[0].inner", items=[], noun="line"), step("each[0].inner[0]")]
    assert sentence(run(*steps)) == "1 mail: 1 task."


def test_ten_thousand_items_are_told_at_once() -> None:
    steps = mails(*["label"] * 9_000, *["task label"] * 1_000)
    assert sentence(run(*steps)) == "10000 mails: 1000 tasks, 9000 only labelled."
