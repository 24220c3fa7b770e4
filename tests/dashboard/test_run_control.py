"""What the page of a run tells of waiting, calling, ending early and steps for a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.dashboard.test_run import asked, fault, labels, tables, words
from tests.patience import PATIENCE_SECONDS, until

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
ASK: dict[str, Any] = {"id": "ask", "title": "Ask Ada", "uses": "flow.approve", "with": {"message": "Send it?"}}
FAIL: dict[str, Any] = {"id": "no", "title": "Give up", "uses": "flow.fail", "with": {"message": "It cannot be."}}


def saved(orchestra: Orchestra, name: str, *steps: dict[str, Any], **more: Any) -> None:
    document = {"schema_version": 1, "title": name.capitalize(), "steps": list(steps), **more}
    problems = orchestra.workflows.save(OWNER, name, json.dumps(document), None).problems
    assert [one for one in problems if one.severity == "error"] == []


def ran(orchestra: Orchestra, name: str) -> Any:
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, {}), 60)


def links(at: AppTest) -> dict[str, str]:
    """The links of a page: where each label leads."""
    return {one.proto.label: one.proto.query_string for one in at.get("page_link")}


def test_a_waiting_run_says_until_when(orchestra: Orchestra, open_page: Open) -> None:
    saved(orchestra, "nap", {"id": "nap", "title": "Sleep", "uses": "flow.wait", "with": {"seconds": 7200}})
    run = ran(orchestra, "nap")
    assert "**Sleep** waits until" in words(open_page("run", id=run["run_id"]))
    assert "**Sleep** waits until" in words(open_page("run", id=run["run_id"], open="nap"))


def test_a_run_says_whose_answer_it_waits_for_and_until_when(orchestra: Orchestra, open_page: Open) -> None:
    mail = next(iter(orchestra.demo.show(OWNER)["gmail"]["messages"]))["id"]
    fields = {"message": mail, "days": 2, "from": ["ann@nowhere.example", "bob.example"]}
    saved(orchestra, "await", {"id": "w", "title": "Her *yes*", "uses": "gmail.wait_for_reply", "with": fields})
    run = ran(orchestra, "await")
    assert run["status"] == "waiting", run["error"]
    said = words(open_page("run", id=run["run_id"])).replace("\\", "").replace(":color[]", "")
    assert "**Her *yes*** waits for a reply from ann@nowhere.example, bob.example until" in said


@pytest.mark.parametrize(
    ("status", "held", "is_told"),
    [
        pytest.param("waiting", None, True, id="the run waits"),
        pytest.param("running", None, False, id="other steps are at work: the table has it"),
        pytest.param("running", {"by": "GitHub", "message": "Slow down"}, True, id="a service asks for it"),
        pytest.param("interrupted", None, False, id="nothing goes on by itself"),
    ],
)
def test_a_wait_stands_on_top_where_it_is_what_the_run_waits_for(status: str, held: Any, is_told: bool) -> None:
    step = {"path": "a", "id": "a", "title": "Sleep", "uses": "flow.wait", "status": "waiting"}
    document = {"status": status, "ended_at": None, "steps": [{**step, "due_at": "2026-11-20T08:00:00Z", "held": held}]}
    at = AppTest.from_function(_waits, default_timeout=PATIENCE_SECONDS, kwargs={"run": document}).run()
    assert ("Sleep" in words(at)) is is_told


def _waits(run: object) -> None:
    from dashboard.run.waits import run_waits

    run_waits(None, run)  # type: ignore[arg-type] # nothing is asked, so nobody is looked up


def test_a_run_says_which_service_asked_it_to_wait_and_that_nothing_has_failed(
    orchestra: Orchestra, open_page: Open
) -> None:
    read = {"repository": "acme/app", "issue": 1}
    saved(orchestra, "look", {"id": "look", "title": "Look", "uses": "github.get_issue", "with": read})
    fault(orchestra, "github", match="GET /repos", status=403, retry_after=3000)
    run = ran(orchestra, "look")
    assert run["status"] == "waiting"
    at = open_page("run", id=run["run_id"])
    assert "**Look**: GitHub asks to wait until" in words(at)
    assert any("nothing has failed" in str(one.help) for one in at.markdown)
    orchestra.runs.cancel(OWNER, run["run_id"])


def test_a_cancelled_run_says_what_calls_have_used_whose_answers_came_too_late(
    orchestra: Orchestra, open_page: Open
) -> None:
    said = [{"role": "user", "content": "Sum up."}]
    saved(orchestra, "look", {"id": "look", "uses": "llm.chat", "with": {"messages": said}})
    fault(orchestra, "openai", match="POST /v1/chat/completions", delay_seconds=1)
    budget(orchestra, 9)
    run_id = orchestra.runs.start(OWNER, "look", {})
    until(lambda: asked(orchestra, "openai", "POST /v1/chat/completions"))  # a call that is not sent yet uses nothing
    orchestra.runs.cancel(OWNER, run_id)
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert "including calls whose answer no step has: " in words(open_page("run", id=run_id))


def budget(orchestra: Orchestra, calls: int | None) -> None:
    orchestra.budgets.set(OWNER, {} if calls is None else {"day": {"calls": calls}})


def test_a_run_that_waits_for_a_budget_says_so_once_as_it_is_now_and_where_it_resumes(
    orchestra: Orchestra, open_page: Open
) -> None:
    ask = {"id": "a", "uses": "llm.chat", "with": {"messages": [{"role": "user", "content": "What is new?"}]}}
    budget(orchestra, 0)
    saved(orchestra, "ask", {"id": "each", "foreach": "{{ [1, 2, 3] }}", "as": "one", "parallel": 3, "steps": [ask]})
    run_id = orchestra.runs.start(OWNER, "ask", {})
    until(lambda: sum(bool(one.get("held")) for one in orchestra.runs.get(OWNER, run_id)["steps"]) == 3)
    at = open_page("run", id=run_id)
    said = words(at).replace("\\", "").replace(":color[]", "")
    assert said.count("is used up: 0 calls of 0 calls") == 1
    assert "**3 steps wait.**" in said
    assert "press Resume on the page Budgets" in said
    assert "orchestra budgets" not in said
    assert "`" not in said
    assert "Open Budgets" in links(at)

    budget(orchestra, 9)
    said = words(open_page("run", id=run_id)).replace("\\", "")
    assert "Today's budget of all workflows has room again: 0 calls of 9 calls" in said
    assert "is used up" not in said
    budget(orchestra, None)
    assert "The budget is no longer used up" in words(open_page("run", id=run_id)).replace("\\", "")
    orchestra.budgets.resume(OWNER)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"


def test_a_run_that_has_used_up_its_own_budget_says_what_ends_that(orchestra: Orchestra, open_page: Open) -> None:
    ask = {"id": "a", "uses": "llm.chat", "with": {"messages": [{"role": "user", "content": "What is new?"}]}}
    saved(orchestra, "ask", ask, budget={"run": {"calls": 0}})
    run_id = orchestra.runs.start(OWNER, "ask", {})
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "waiting")
    said = words(open_page("run", id=run_id, open="a")).replace("\\", "")
    assert said.count("**Ask a model** waits.") == 2, "on top, and beside the step"
    assert "The budget of this run of workflow 'ask' is used up: 0 calls of 0 calls." in said
    assert "orchestra runs resume" not in said
    orchestra.runs.cancel(OWNER, run_id)


def test_a_run_that_waits_for_a_person_shows_the_question_in_words_and_on_the_table(
    orchestra: Orchestra, open_page: Open
) -> None:
    saved(orchestra, "letters", ASK)
    run = ran(orchestra, "letters")
    at = open_page("run", id=run["run_id"], open="ask")
    assert "Send it?" in words(at)
    assert "waits for a person's answer" in words(at)
    assert tables(at)[0]["status"] == ["◷ Asks"]


def test_a_called_run_and_its_caller_lead_to_each_other(orchestra: Orchestra, open_page: Open) -> None:
    saved(orchestra, "inner", ASK)
    saved(orchestra, "outer", {"id": "call", "title": "Call", "uses": "workflow.run", "with": {"workflow": "inner"}})
    outer = ran(orchestra, "outer")
    inner = outer["steps"][0]["child_run_id"]
    orchestra.runs.wait(OWNER, inner, 60)
    at = open_page("run", id=outer["run_id"])
    assert "waits for the run that it called" in words(at)
    assert inner in links(at)["Open that run"]
    assert outer["run_id"] in links(open_page("run", id=inner))["Called by a step of outer"]

    orchestra.approvals.approve(OWNER, orchestra.approvals.list(OWNER)[0].id)
    until(lambda: orchestra.runs.get(OWNER, outer["run_id"])["status"] == "succeeded")
    at = open_page("run", id=outer["run_id"], open="call")
    assert inner in links(at)["The run that it called"]


def test_a_run_that_was_ended_early_says_why(orchestra: Orchestra, open_page: Open) -> None:
    for name, message, said in (("early", "No mail.", "No mail\\."), ("silent", "", "no reason")):
        stop = {"id": "stop", "uses": "flow.stop", "with": {"message": message, "outputs": {"count": 0}}}
        saved(orchestra, name, stop, {**FAIL, "id": "never"})
        run = ran(orchestra, name)
        assert run["status"] == "succeeded"
        [info] = open_page("run", id=run["run_id"]).info
        assert "The workflow ended it here" in info.value
        assert said in info.value


def test_the_steps_for_a_failure_are_a_section_of_their_own(orchestra: Orchestra, open_page: Open) -> None:
    after = {
        "id": "note",
        "title": "Take a note",
        "uses": "flow.set",
        "with": {"values": {"why": "{{ error.message }}"}},
    }
    saved(orchestra, "sad", FAIL, on_failure={"steps": [after]})
    run = ran(orchestra, "sad")
    assert run["status"] == "failed"
    at = open_page("run", id=run["run_id"], open="on_failure.note")
    assert not at.exception
    assert "Because it failed" in words(at)
    main, failure = tables(at)
    assert main["title"] == ["Give up"]
    assert failure["title"] == ["Take a note"]
    assert "It cannot be" in words(at)
    at.query_params["tab"] = "map"
    assert "Take a note" in words(at.run())

    saved(orchestra, "worse", FAIL, on_failure={"steps": [{**FAIL, "id": "too", "with": {"message": "Nor this."}}]})
    at = open_page("run", id=ran(orchestra, "worse")["run_id"])
    assert any("It cannot be" in str(one.value) for one in at.error)
    assert any("Nor this" in str(one.value) for one in at.warning), "those that fail are told beside the failure"

    note = {"id": "note", "uses": "flow.set", "with": {"values": {"a": 1}}}
    saved(orchestra, "glad", note, on_failure={"steps": [{**note, "id": "never"}]})
    at = open_page("run", id=ran(orchestra, "glad")["run_id"])
    assert "Because it failed" not in words(at), "it did not"
    assert len(tables(at)) == 1


def test_a_run_that_is_being_cancelled_says_what_it_waits_for(orchestra: Orchestra, open_page: Open) -> None:
    mail = {"to": ["ada@example.org"], "subject": "Hello", "text": "Hello"}
    saved(orchestra, "letter", {"id": "draft", "uses": "gmail.create_draft", "with": mail})
    fault(orchestra, "gmail", match="POST drafts", delay_seconds=6, times=1)
    run_id = orchestra.runs.start(OWNER, "letter", {})
    until(lambda: is_sent(orchestra))
    orchestra.runs.cancel(OWNER, run_id)
    at = open_page("run", id=run_id)
    assert "Cancelling: one write is ending" in words(at)
    assert at.button(key="cancel").disabled
    assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "cancelled"
    at = open_page("run", id=run_id)
    assert "Cancelling" not in words(at)
    at.button(key="panel-undo-button").click().run()
    assert "Undo 1 write" in labels(at), "the receipt that came after all"


def is_sent(orchestra: Orchestra) -> bool:
    """Whether the draft is on its way."""
    base = orchestra.demo.endpoints()["gmail"]["base_url"]
    seen = httpx.get(f"{base}/_demo/requests", trust_env=False, timeout=PATIENCE_SECONDS).json()["requests"]
    return any(name.startswith("POST") and "drafts" in name for name in seen)
