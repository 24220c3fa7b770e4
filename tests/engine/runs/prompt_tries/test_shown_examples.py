"""Runs, tries and tests of a prompt send the same examples, and a retry sends those of the first attempt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import MatrixRequest
from engine.runs.prompt_tries.try_requests import TryRequest
from tests.engine.runs.prompt_tries.conftest import Desk
from tests.engine.runs.prompt_tries.test_case_tests import BUG, NAME, OWNER, PROMPT
from tests.patience import PATIENCE_SECONDS, until

ASKED = "The import crashes with an error. It is broken."
WITH_EXAMPLES = {**PROMPT, "examples": 2}
EXAMPLES = [
    {"role": "user", "content": "The newsletter has an error. Unsubscribe."},
    {"role": "assistant", "content": '{"kind": "nothing"}'},
    {"role": "user", "content": BUG},
    {"role": "assistant", "content": '{"kind": "bug"}'},
]
SENT = [{"role": "system", "content": "Sort the mail."}, *EXAMPLES, {"role": "user", "content": ASKED}]


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """A prompt in production with examples, and three cases."""
    desk.config()
    prompts, cases = desk.orchestra.prompts, desk.orchestra.cases
    prompts.save(OWNER, NAME, json.dumps(WITH_EXAMPLES), None)
    prompts.save_version(OWNER, NAME, json.dumps(WITH_EXAMPLES), prompts.get(OWNER, NAME).etag, "production")
    for name, text, kind in (
        ("crash", BUG, "bug"),
        ("letter", EXAMPLES[0]["content"], "nothing"),
        ("same", ASKED, "bug"),
    ):
        expected = [{"type": "field_equals", "field": "kind", "value": kind}]
        cases.add(OWNER, NAME, {"name": name, "variables": {"text": text}, "assertions": expected})
    step = {"prompt": f"{NAME}@production", "variables": {"text": ASKED}, "model": "big"}
    retry = {"attempts": 2, "backoff_seconds": 0}
    desk.workflow([{"id": "sort", "uses": "llm.extract", "connection": "llm", "with": step, "retry": retry}])
    return desk


def sent(run: Any) -> Any:
    """What the run has recorded of the messages."""
    return run["steps"][0]["request"]["messages"]


def test_runs_tries_and_tests_send_the_same_examples(ready: Desk) -> None:
    tests, tries, prompts = ready.orchestra.case_tests, ready.orchestra.tries, ready.orchestra.prompts
    assert sent(ready.run()) == SENT
    one = tries.start(OWNER, NAME, TryRequest(variables={"text": ASKED}))
    tries.wait(OWNER, NAME, one["id"], PATIENCE_SECONDS)
    assert [{"role": each["role"], "content": each["content"]} for each in one["messages"]] == SENT
    assert one["tokens"] == sum(each["tokens"] for each in one["messages"]), "the estimate counts them"
    assert prompts.render(OWNER, f"{NAME}@production", {"text": ASKED}).messages == SENT
    assert [each["content"] for each in prompts.marked(OWNER, NAME, WITH_EXAMPLES, {"text": ASKED})] == [
        each["content"] for each in SENT
    ]
    tests.start(OWNER, NAME, MatrixRequest([TriedColumn()]))
    first = tests.wait(OWNER, NAME, PATIENCE_SECONDS)
    assert (first["asked"], first["columns"][0]["passed"]) == (3, 3)
    ready.orchestra.cases.delete(OWNER, NAME, "letter")
    tests.start(OWNER, NAME, MatrixRequest([TriedColumn()]))
    again = tests.wait(OWNER, NAME, PATIENCE_SECONDS)
    assert (again["asked"], again["reused"]) == (2, 0), "the questions to the others have changed"


def test_a_retry_sends_the_examples_of_the_first_attempt(ready: Desk) -> None:
    ready.standins.faults("openai", match="POST /v1/chat", times=1, status=503, delay_seconds=0.5)
    run_id = ready.orchestra.runs.start(OWNER, "work", {})
    until(lambda: ready.asked == 1)
    ready.orchestra.cases.delete(OWNER, NAME, "crash")
    run = ready.wait(run_id)
    assert (run["status"], ready.asked) == ("succeeded", 2)
    assert sent(run) == SENT
    assert len(sent(ready.run())) == len(SENT) - 2, "the next run has one less"
