"""What the model is told beside the request: the last changes, problems, the last failed run, and what to mend."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from bench.copilot.scripted import MODEL, Answer
from engine.copilot.talking.records import TurnLimits
from engine.record.types.run import Run
from tests.engine.copilot.talking.conftest import ADA, Opened, Talk

pytestmark = pytest.mark.slow

DONE = Answer("It retries now.")
RETRY = {"op": "set", "step": "issue", "field": "retry", "value": {"attempts": 5, "backoff_seconds": 1}}
STOPS = {"id": "stop", "uses": "flow.fail", "with": {"message": "{{ inputs.words }}"}}
WORDS = {"type": "object", "properties": {"words": {"type": "string", "default": "canary-4714"}}}


def propose(*ops: Any) -> Answer:
    return Answer("", [("propose", {"ops": list(ops), "why": "As you said."})])


def told(talk: Talk, request: int = -1) -> str:
    """The words of a request that stand before what is asked."""
    return str(talk.model.requests[request]["messages"][-1]["content"])


def tool_answers(talk: Talk) -> list[Any]:
    """What the tools have told the model by its last request."""
    return [one["content"] for one in talk.model.requests[-1]["messages"] if one["role"] == "tool"]


def run_that_fails(talk: Talk, message: str = "{{ inputs.words }}") -> Run:
    """Save the workflow `fails` with this message, run it, and return the run."""
    p = replace(ADA, confirmed=True)
    document = {"schema_version": 1, "inputs": WORDS, "steps": [{**STOPS, "with": {"message": message}}]}
    talk.orchestra.workflows.save(ADA, "fails", json.dumps(document), None)
    run = talk.orchestra.runs.wait(p, talk.orchestra.runs.start(p, "fails", {}), 30)
    assert run["status"] == "failed"
    return run


def test_without_a_run_the_last_failed_one_is_told_without_a_value(talking: Opened) -> None:
    look = Answer(calls=[("run_facts", {"run": "", "step": ""})])
    talk = talking([look, DONE])
    run = run_that_fails(talk)
    turn = talk.ask("it broke again", workflow="fails", values=["stop"])
    assert (turn.status, [one.ok for one in turn.calls]) == ("done", [True]), turn
    assert f'# The last run, which has failed\n<data>\n{{"run": "{run["run_id"]}"' in told(talk, 0)
    [answer] = tool_answers(talk)
    for words in (told(talk, 0), answer):
        assert '"type": "AssertionFailed"' in words
        assert '"message": "text of 11 characters"' in words
    assert "canary-4714" not in json.dumps([one["messages"][2:] for one in talk.model.requests[1:]])
    assert (turn.sent.steps_with_values, turn.sent.from_outside) == ([], False)


def test_a_last_run_that_has_succeeded_is_not_told(talking: Opened) -> None:
    talk = talking([Answer(calls=[("run_facts", {"run": "", "step": ""})]), DONE])
    document = {"schema_version": 1, "steps": [{"id": "a", "uses": "flow.set", "with": {"values": {"a": 1}}}]}
    talk.orchestra.workflows.save(ADA, "works", json.dumps(document), None)
    talk.orchestra.runs.wait(ADA, talk.orchestra.runs.start(ADA, "works", {}), 30)
    turn = talk.ask("it broke again", workflow="works")
    assert "# The last run" not in told(talk, 0)
    assert [one.ok for one in turn.calls] == [False]
    assert "has not failed" in tool_answers(talk)[0]


def test_the_last_changes_and_the_problems_are_told(talking: Opened) -> None:
    talk = talking([DONE])
    rev = talk.orchestra.editing.draft_text(ADA, "issues").state.rev
    wrong = {"op": "set", "step": "issue", "field": "with.title", "value": "{{ mail.subjct }}"}
    edited = talk.orchestra.editing.apply(ADA, "issues", rev, [RETRY])
    talk.orchestra.editing.apply(ADA, "issues", edited.rev, [wrong])
    words = [one.words for one in talk.orchestra.editing.draft_text(ADA, "issues").revisions]
    talk.ask("Go on.")
    assert "# The last changes\n" + "\n".join(words[-10:]) + "\n\n" in told(talk)
    assert len(words) >= 2
    [problem] = json.loads(told(talk).partition("# Problems\n")[2].partition("\n\n#")[0])
    assert (problem["step"], problem["field"]) == ("issue", "with.title")
    assert "did you mean `mail.subject`?" in problem["message"] + problem["remedy"]


def test_a_button_of_an_answer_makes_the_proposal_that_mends_the_draft(talking: Opened) -> None:
    talk = talking([DONE], agreed=False)
    state = talk.orchestra.editing.draft_text(ADA, "issues").state
    wrong = {"op": "set", "step": "issue", "field": "with.title", "value": "{{ mail.subjct }}"}
    rev = talk.orchestra.editing.apply(ADA, "issues", state.rev, [wrong]).rev
    turn = talk.ask("what is wrong?")
    [part] = [one for one in turn.parts if one.kind == "buttons"]
    [button] = part.buttons
    assert button.kind == "ops"
    made = talk.orchestra.copilot.proposals.make(ADA, "issues", rev, button.ops, button.label, source="rules")
    assert (made.is_acceptable, "{{ mail.subject }}" in made.diff) == (True, True)


WRONG = {"uses": "flow.set", "with": {"values": {"a": "{{ mails.subjct }}"}}}
LOOP = {"foreach": "{{ steps.mails.output.messages }}", "as": "one", "key": "{{ one.id }}"}
FRAGMENTS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "set": (
        {"op": "set", "step": "issue", "field": "with.title", "value": "{{ mail.subjct }}"},
        "issue",
        {"with": {"repository": "acme/app", "title": "{{ mail.subjct }}", "body": "{{ mail.text }}"}},
    ),
    "replaced": ({"op": "replace_step", "step": "issue", "new": {"id": "issue", **WRONG}}, "issue", WRONG),
    "inner": ({"op": "add", "step": {"id": "others", **LOOP, "steps": [{"id": "inner", **WRONG}]}}, "inner", WRONG),
    "wrapped": (
        {"op": "wrap", "steps": ["each"], "group": {"id": "around", "foreach": "{{ steps.nobody }}", "as": "a"}},
        "around",
        {"foreach": "{{ steps.nobody }}"},
    ),
}


@pytest.mark.parametrize("case", FRAGMENTS)
def test_what_does_not_compile_goes_back_with_its_step_as_proposed(talking: Opened, case: str) -> None:
    op, step, has = FRAGMENTS[case]
    talk = talking([propose(op), propose(RETRY), DONE])
    turn = talk.ask("Do it.")
    assert (turn.status, turn.repairs) == ("done", 1), turn
    problems = json.loads(tool_answers(talk)[0])["problems"]
    fragment = next(one["fragment"] for one in problems if one["step"] == step)
    assert has.items() <= fragment.items()
    assert fragment["id"] == step


def test_a_proposal_has_the_tokens_and_the_money_of_its_turn_until_then(talking: Opened) -> None:
    look = Answer(calls=[("step_types", {"names": ["flow.set"]})], usage=(2_000, 500, 100))
    made = Answer("", [("propose", {"ops": [RETRY], "why": ""})], usage=(3_000, 0, 200))
    talk = talking([look, made, Answer("Done.", usage=(4_000, 0, 300))], prices={MODEL: {"input": 1, "output": 2}})
    turn = talk.ask("Try the issue five times.")
    [one] = talk.orchestra.copilot.proposals.list(ADA, "issues")
    assert one.usage is not None
    assert (one.usage.input_tokens, one.usage.output_tokens) == (5_000, 300)
    assert one.usage.cost_usd == pytest.approx(5_000 / 1e6 + 300 / 5e5)
    assert turn.usage.tokens == 9_600


def test_a_try_in_the_demo_ends_with_the_turn(talking: Opened) -> None:
    slow = {"id": "slow", "uses": "code.run", "with": {"code": "import time\ntime.sleep(50)"}}

    def script(body: dict[str, Any], number: int) -> Answer:
        if number == 0:
            return propose({"op": "add", "step": slow, "after": "each"})
        tools = [one["content"] for one in body["messages"] if one["role"] == "tool"]
        return Answer(calls=[("try_in_demo", {"proposal": json.loads(tools[0])["proposal"]})])

    talk = talking(script)
    talk.orchestra.copilot.talking.limits = TurnLimits(seconds=6)
    began = time.monotonic()
    turn = talk.ask("Wait a while, and try it.")
    assert (turn.status, "6 seconds" in turn.problem) == ("limited", True), turn
    assert time.monotonic() - began < 30
    [made] = talk.orchestra.copilot.proposals.list(ADA, "issues")
    assert made.demo is not None
    assert "its time was over" in made.demo.problems[0]
    run = talk.orchestra.runs.wait(ADA, made.demo.run_id, 30)
    assert run["status"] == "cancelled"
