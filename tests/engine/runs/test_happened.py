"""What runs have done is added up by their counts: as if one run had done it all."""

from __future__ import annotations

from typing import Any

import pytest

from engine.expressions.json_values import compact_json
from engine.record.summary import sentence, summed_up
from engine.runs.happened import happened
from engine.store.runs import RunsAlike
from tests.engine.record.test_summary import mails, no, run, step


def row(document: Any, times: int = 1, **more: Any) -> RunsAlike:
    said, outcomes = summed_up(document)
    counts = compact_json({**document["counts"], **({"outcomes": outcomes} if outcomes else {})})
    known = {"workflow_id": "w", "demo": 0, "workflow": "triage", "title": "Triage", "newest": "1", "sentence": said}
    return RunsAlike(**{"status": document["status"], "counts": counts, "runs": times, **known, **more})


ONE_BY_ONE = [("task label", 7), ("issue label", 4), ("unsure label", 1), ("label", 5), ("failed", 2)]


def test_a_run_for_each_mail_is_told_like_one_for_all_of_them() -> None:
    [found] = happened([row(run(*mails(words)), times) for words, times in ONE_BY_ONE])
    together = run(*mails(*(words for words, times in ONE_BY_ONE for _ in range(times))))
    assert found.sentence == sentence(together)
    assert found.sentence == "19 mails: 7 tasks, 4 issues, 1 unsure, 5 only labelled, 2 failed."
    assert (found.runs, found.status) == (19, "parts_failed")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param([row(run(step("task", reused=False)), 2), row(run(step("x"), status="failed"))],
                     "3 runs: 2 tasks, 1 failed.", id="without a loop"),
        pytest.param([row(run(*mails("task"))), row(run(status="failed"))],
                     "1 mail: 1 task. 1 run: 1 failed.", id="one failed before its loop"),
        pytest.param([row(run(*mails("task", "task"))), row(run(*mails("task", "task", reused=True)))],
                     "4 mails: 4 tasks. 2 already done.", id="again"),
        pytest.param([row(run(*mails("task", ""), no("each[1].reply")), 2)],
                     "4 mails: 2 tasks, 2 replies rejected by a person.", id="rejected"),
        pytest.param([row(run(*mails("task", "pending"), status="waiting")), row(run(*mails("label")))],
                     "3 mails: 1 task, 1 label, 1 not finished.", id="one waits"),
        pytest.param([row(run(*mails())), row(run(*mails()))], "No mails: nothing to do.", id="nothing"),
        pytest.param([row(run(status="succeeded"), 2, counts="{}"), row(run(status="cancelled"), counts="{}")],
                     "3 runs: 2 done, 1 cancelled.", id="of before there were outcomes"),
    ],
)  # fmt: skip
def test_runs_are_added_up(rows: list[RunsAlike], said: str) -> None:
    assert [one.sentence for one in happened(rows)] == [said]


def keyed(*done: tuple[str, str], reused: bool = False, **more: Any) -> Any:
    """A run over mails that have keys: each is (key, what was done with it)."""
    steps = mails(*(words for _, words in done), reused=reused)
    keys = {f"each[{index}]": key for index, (key, _) in enumerate(done)}
    found = run(*({**one, "key": keys.get(one["path"])} for one in steps), **more)
    [loop] = found["definition"]["workflow"]["steps"]
    return {**found, "definition": {"workflow": {"steps": [{**loop, "key": "{{ item.id }}"}]}}}


FIRST = keyed(("a", "task label"), ("b", "issue label"), ("c", "label"), ("d", "failed"))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param([row(FIRST, 3)], "4 mails: 1 task, 1 issue, 1 only labelled, 1 failed.", id="the same, thrice"),
        pytest.param([row(FIRST), row(keyed(("a", "task label"), ("d", "task label")), newest="2")],
                     "4 mails: 1 issue, 2 tasks, 1 only labelled.", id="one done now"),
        pytest.param([row(FIRST), row(keyed(("a", "issue label")), newest="2")],
                     "4 mails: 2 issues, 1 only labelled, 1 failed.", id="a task became an issue"),
        pytest.param([row(FIRST), row(keyed(("a", "failed"), ("d", "pending")), newest="2")],
                     "4 mails: 1 task, 1 issue, 1 only labelled, 1 not finished.", id="failed later"),
        pytest.param([row(FIRST), row(keyed(("a", "task label"), ("b", "issue label"), reused=True), newest="2")],
                     "4 mails: 1 task, 1 issue, 1 only labelled, 1 failed.", id="again"),
        pytest.param([row(keyed(("a", "task label"), ("e", "task label"), reused=True), newest="2"), row(FIRST)],
                     "5 mails: 1 issue, 2 tasks, 1 only labelled, 1 failed. 1 already done.", id="some before that"),
        pytest.param([row(keyed(("a", "task label"), ("b", "label failed"))),
                      row(keyed(("a", "task label"), ("b", "label failed"), reused=True), newest="2")],
                     "2 mails: 1 task, 1 failed.", id="a failed one again"),
        pytest.param([row(FIRST), row(run(*mails("task label")), newest="2")],
                     "5 mails: 2 tasks, 1 issue, 1 only labelled, 1 failed.", id="one without a key"),
    ],
)  # fmt: skip
def test_a_mail_that_several_runs_have_seen_counts_once(rows: list[RunsAlike], said: str) -> None:
    assert [one.sentence for one in happened(rows)] == [said]


def test_each_workflow_has_its_own_sum_and_failures_come_first() -> None:
    rows = [
        row(run(*mails("task")), newest="1", workflow_id="a", workflow="a"),
        row(run(*mails("failed"), status="failed"), newest="2", workflow_id="b", workflow="b"),
        row(run(*mails("task"), status="waiting"), newest="3", workflow_id="c", workflow="c"),
        row(run(*mails("issue")), newest="4", workflow_id="c", workflow="renamed"),
        row(run(*mails("task")), newest="5", workflow_id="a", workflow="a", demo=1),
    ]
    found = [(one.workflow, one.demo, one.status, one.runs) for one in happened(rows)]
    assert found == [
        ("b", False, "failed", 1),
        ("a", True, "succeeded", 1),
        ("renamed", False, "waiting", 2),
        ("a", False, "succeeded", 1),
    ]
