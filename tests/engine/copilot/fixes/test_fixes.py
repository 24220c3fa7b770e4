"""Fixes: each mends its problem and brings no other one; what cannot be mended surely has none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine.base.errors import InvalidInput, NotAllowed
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.counted_steps import at_most
from tests.workspaces import init

OWNER, VIEWER = Principal("owner", "owner", confirmed=True), Principal("viewer", "viewer")
MAILS = {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox"}}
ISSUES = {"id": "issues", "uses": "github.list_issues", "with": {"repository": "acme/app"}}


QUERY = {"id": "pages", "uses": "notion.get_database", "with": {"database": "Backlog"}}


def each(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    loop = {"id": "each_mail", "foreach": "{{ steps.mails.output.messages }}", "as": "mail", "key": "{{ mail.id }}"}
    return {**loop, **more, "steps": list(steps)}


def issue(**fields: Any) -> dict[str, Any]:
    given = {"repository": "acme/app", "title": "A", **fields}
    return {"id": "issue", "uses": "github.create_issue", "with": given}


def text_step(text: str) -> dict[str, Any]:
    return {"id": "words", "uses": "flow.set", "with": {"values": {"text": text}}}


def without_key(loop: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in loop.items() if name != "key"}


BROKEN: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a field of an item": ([MAILS, each(issue(title="{{ mail.subjekt }}"))], "{{ mail.subject }}"),
    "a step": ([MAILS, text_step("{{ size(steps.mail.output.messages) }} mails")], "steps.mails.output"),
    "a step type": ([{**MAILS, "uses": "gmail.search_message"}], "gmail.search_messages"),
    "a field of a step": ([{**MAILS, "with": {"querry": "in:inbox"}}], '"query": "in:inbox"'),
    "a method of JavaScript": ([MAILS, each(issue(title="{{ mail.subject.toUpperCase() }}"))], "upperAscii()"),
    "a list": ([MAILS, each(issue(labels="bug, mail"))], '"bug",'),
    "no list": ([{**MAILS, "with": {"limit": [20]}}], '"limit": 20'),
    "text and a number": ([ISSUES, text_step("{{ 'open: ' + size(steps.issues.output.issues) }}")], "string(size("),
    "a key": ([MAILS, without_key(each(issue(title="{{ mail.subject }}")))], '"key": "{{ mail.id }}"'),
    "the address of a stranger": (
        [MAILS, each({"id": "thanks", "uses": "gmail.send", "with": {"to": "{{ mail.from }}", "subject": "Hi"}})],
        '"approve": "always"',
    ),
    "the address of a stranger with a rule": (
        [
            MAILS,
            each(
                {
                    "id": "thanks",
                    "uses": "gmail.send",
                    "approve": {"by": ["owner", "not_self"]},
                    "with": {"to": "{{ mail.from }}", "subject": "Hi"},
                }
            ),
        ],
        '"not_self"',
    ),
    "a connection": ([{**MAILS, "connection": "gmial"}], '"connection": "gmail"'),
}
HOPELESS: dict[str, list[dict[str, Any]]] = {
    "a step type like nothing": [{"id": "a", "uses": "fax.dial", "with": {}}],
    "a field that is missing": [{"id": "a", "uses": "github.create_issue", "with": {"repository": "acme/app"}}],
    "a name like nothing": [text_step("{{ zzz.qqq }}")],
    "no problem": [MAILS],
}


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    folder = tmp_path_factory.mktemp("fixes") / "workspace"
    init(folder)
    opened = Orchestra.open(folder, demo=True)
    yield opened
    opened.close()


def saved(orchestra: Orchestra, what: str, steps: list[dict[str, Any]]) -> str:
    name = what.lower().replace(" ", "-")
    text = json.dumps({"schema_version": 1, "title": what, "steps": steps}, indent=2)
    orchestra.workflows.save(OWNER, name, text, None)
    return name


@pytest.mark.parametrize("what", BROKEN)
def test_a_fix_mends_its_problem_and_brings_none(orchestra: Orchestra, what: str) -> None:
    steps, has = BROKEN[what]
    name = saved(orchestra, what, steps)
    problems = orchestra.editing.canvas(OWNER, name).problems
    [fix] = orchestra.copilot.fixes.list(OWNER, name)
    assert problems[fix.problem].code == fix.code
    made = orchestra.copilot.fixes.propose(OWNER, name)
    assert made is not None
    assert made.is_acceptable
    assert not [one for one in made.problems if one.severity == "error"]
    text = orchestra.editing.applied_to(name, orchestra.editing.draft_text(OWNER, name).text, fix.ops).text
    assert has in text


def test_all_problems_are_mended_one_after_another(orchestra: Orchestra) -> None:
    steps = [{**MAILS, "with": {"limit": [20], "querry": "x"}}, without_key(each(issue(title="{{ mail.subjekt }}")))]
    name = saved(orchestra, "many", steps)
    made = orchestra.copilot.fixes.propose(OWNER, name)
    assert made is not None
    assert made.problems == []
    assert len(made.ops) >= 4


@pytest.mark.timeout(60)  # with Python's own patterns each of these takes hours
@pytest.mark.parametrize("piece", [" ", "a.", " if x else", "| ", "+ ", "'"])
def test_fixes_are_looked_for_in_linear_time(orchestra: Orchestra, piece: str) -> None:
    name = saved(
        orchestra,
        f"long {ord(piece[0])} {len(piece)}",
        [text_step("{{ a if" + piece * (10_000 // len(piece)) + "b }}")],
    )
    assert isinstance(orchestra.copilot.fixes.list(OWNER, name), list)


def test_a_long_name_is_compared_in_few_steps(orchestra: Orchestra) -> None:
    uses = "github." + "create_issue_" * 4_000
    name = saved(orchestra, "a long type", [{"id": "a", "uses": uses, "with": {}}])
    with at_most(10_000_000):
        assert isinstance(orchestra.copilot.fixes.list(OWNER, name), list)


@pytest.mark.parametrize("what", HOPELESS)
def test_what_cannot_be_mended_surely_has_no_fix(orchestra: Orchestra, what: str) -> None:
    name = saved(orchestra, what, HOPELESS[what])
    assert orchestra.copilot.fixes.list(OWNER, name) == []
    assert orchestra.copilot.fixes.propose(OWNER, name) is None


def test_viewers_are_shown_no_fixes(orchestra: Orchestra) -> None:
    with pytest.raises(NotAllowed):
        orchestra.copilot.fixes.list(VIEWER, "inbox-triage")


RUNS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "an empty list": (
        [
            {"id": "releases", "uses": "github.list_releases", "with": {"repository": "acme/app"}},
            {**text_step("{{ steps.releases.output.releases[0].tag }}")},
        ],
        '"if": "{{ size(steps.releases.output.releases) > 0 }}"',
    ),
    "a database": ([QUERY], '"database": "Tasks"'),
}


@pytest.mark.parametrize("what", RUNS)
def test_a_failed_run_is_explained_and_mended(orchestra: Orchestra, what: str) -> None:
    steps, has = RUNS[what]
    name = saved(orchestra, f"run with {what}", steps)
    run_id = orchestra.runs.start(OWNER, name, {})
    assert orchestra.runs.wait(OWNER, run_id, 30)["status"] == "failed"
    for given in (run_id, ""):
        why = orchestra.copilot.without_model.answer(OWNER, "why did it fail", name, given)
        assert why.proposal is None
        assert run_id in why.text
        assert "It had written nothing." in why.text
        assert len(why.fixes) == 1
    made = orchestra.copilot.without_model.answer(OWNER, "fix", name).proposal
    assert made is not None
    assert made.is_acceptable
    orchestra.copilot.proposals.accept(OWNER, name, made.id, steps=None, ticks=[one.id for one in made.ticks])
    draft = orchestra.editing.draft_text(OWNER, name)
    assert has in draft.text
    orchestra.editing.save(OWNER, name, draft.text, draft.state.etag)
    advice = orchestra.copilot.without_model.answer(OWNER, "why did it fail", name, run_id).text
    assert 'The workflow has changed since. Press "Try again" on its page' in advice
    again = orchestra.runs.start(OWNER, name, {})
    assert orchestra.runs.wait(OWNER, again, 30)["status"] == "succeeded"


def test_a_run_whose_finished_step_was_changed_is_to_be_run_again(orchestra: Orchestra) -> None:
    steps = [text_step("before"), {**QUERY, "with": {"database": "Nowhere"}}]
    name = saved(orchestra, "a finished step is changed", steps)
    run_id = orchestra.runs.start(OWNER, name, {})
    assert orchestra.runs.wait(OWNER, run_id, 30)["status"] == "failed"
    draft = orchestra.editing.draft_text(OWNER, name)
    orchestra.editing.save(OWNER, name, draft.text.replace("before", "after"), draft.state.etag)
    with pytest.raises(InvalidInput, match="what has finished was changed"):
        orchestra.runs.resume(OWNER, run_id, newest=True)
    advice = orchestra.copilot.without_model.answer(OWNER, "why did it fail", name, run_id).text
    assert 'The workflow has changed since. Press "Run again"' in advice
    assert '"Try again" uses the workflow as it was.' in advice


def test_a_name_that_is_an_input_is_mended_there_and_a_run_keeps_its_own(orchestra: Orchestra) -> None:
    query = {**QUERY, "with": {"database": "{{ inputs.database }}"}}
    name = saved(orchestra, "an input", [query])
    document = json.loads(orchestra.workflows.get(OWNER, name).text)
    inputs = {"type": "object", "properties": {"database": {"type": "string", "default": "Backlog"}}}
    etag = orchestra.workflows.get(OWNER, name).etag
    orchestra.workflows.save(OWNER, name, json.dumps({**document, "inputs": inputs}), etag)
    run_id = orchestra.runs.start(OWNER, name, {})
    assert orchestra.runs.wait(OWNER, run_id, 30)["status"] == "failed"
    made = orchestra.copilot.without_model.answer(OWNER, "fix", name, run_id).proposal
    assert made is not None
    assert [(op["field"], op["value"]) for op in made.ops] == [("inputs.properties.database.default", "Tasks")]
    why = orchestra.copilot.without_model.answer(OWNER, "why did it fail", name, run_id).text
    assert '"With different inputs"' in why


def test_of_a_name_that_is_not_known_the_command_that_gives_it_is_said(orchestra: Orchestra) -> None:
    issues = {"id": "issues", "uses": "github.list_issues", "with": {"repository": "acme/ap"}}
    name = saved(orchestra, "a repository", [issues])
    run_id = orchestra.runs.start(OWNER, name, {})
    assert orchestra.runs.wait(OWNER, run_id, 30)["status"] == "failed"
    answer = orchestra.copilot.without_model.answer(OWNER, "fix", name)
    assert answer.proposal is None
    assert answer.text.endswith("I do not know which name is meant. Give it: set issues.repository to NAME")
    made = orchestra.copilot.without_model.answer(OWNER, "set issues.repository to acme/app", name).proposal
    assert made is not None
    assert made.is_acceptable


def test_problems_that_a_person_has_to_decide_about_come_with_buttons(orchestra: Orchestra) -> None:
    name = saved(orchestra, "wrong twice", [{**MAILS, "with": {"querry": "in:inbox"}}, text_step("{{ zzz.qqq }}")])
    answer = orchestra.copilot.without_model.answer(OWNER, "fix", name)
    assert "querry" in answer.text
    [listed] = orchestra.copilot.fixes.list(OWNER, name)
    made = answer.proposal
    assert made is not None
    assert made.ops == listed.ops
    assert orchestra.copilot.without_model.answer(OWNER, "fix", "inbox-triage").fixes == []


def test_a_run_of_another_workflow_is_not_explained(orchestra: Orchestra) -> None:
    name = saved(orchestra, "another", [MAILS])
    run_id = orchestra.runs.start(OWNER, name, {})
    orchestra.runs.wait(OWNER, run_id, 30)
    with pytest.raises(InvalidInput, match="is one of 'another', and not of 'inbox-triage'"):
        orchestra.copilot.without_model.answer(OWNER, "why did it fail", "inbox-triage", run_id)
