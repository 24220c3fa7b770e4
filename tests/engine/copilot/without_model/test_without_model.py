"""The co-pilot without a model: its commands, what it finds, and that it guesses nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, InvalidInput, NotAllowed
from engine.copilot.without_model.commands import COMMANDS, Command, changed, command_in
from engine.copilot.without_model.doc_sections import passages
from engine.copilot.without_model.explaining import explained
from engine.copilot.without_model.without_model import NO_COMMAND, fitting_samples
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.editing.canvas_steps import canvas_steps
from tests.workspaces import init

OWNER, VIEWER = Principal("owner", "owner"), Principal("viewer", "viewer")
NAME = "inbox-triage"


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    folder = tmp_path_factory.mktemp("rules") / "workspace"
    init(folder)
    opened = Orchestra.open(folder, demo=True)
    yield opened
    opened.close()


QUESTIONS = {
    "How do I undo what a run wrote?": "control",
    "Where do I enter my GitHub token?": "own-accounts",
    "How much will it cost me?": "trust",
    "Can somebody approve mails before they are sent?": "trust",
    "start a run every morning": "triggers",
    "What happens if the power goes out?": "reliability",
    "how to run several workers": "scaling",
    "read tables out of PDF files": "documents",
    "send the answers of a form to Notion": "forms",
    "Wie führe ich Python Code aus?": "tools",
    "which expressions are there for lists": "expressions",
    "compare two versions of a prompt": "prompts",
    "set a breakpoint and debug": "control",
    "prometheus metrics": "observability",
    "start runs from Kafka": "ingress",
    "use a workflow as an MCP tool": "mcp",
    "branch of a workflow and merge it": "editing",
    "different database in production and staging": "environments",
    "answer questions from my own documents": "documents",
    "my own step type with tests": "tools",
    "limit what an agent may do": "agents",
    "docker compose": "deployment",
    "query a postgres database": "databases",
    "watch a feed": "service-guides",
    "upload files to Nextcloud": "service-guides",
    "add an event to my calendar": "service-guides",
    "preview of a project": "builder",
    "undo a change on the canvas": "studio",
    "validate data against a schema": "data",
    "Was ist ein Auslöser für neue Nachrichten im Zeitplan?": "triggers",
}


def test_most_questions_find_the_right_page_among_five() -> None:
    missed = [asked for asked, page in QUESTIONS.items() if page not in {one.page for one in passages(asked, 5)}]
    assert len(missed) <= len(QUESTIONS) // 10, missed


def test_what_has_no_word_in_common_finds_nothing() -> None:
    assert passages("xyzzy plugh qwertz") == []
    assert passages("") == []


REQUESTS: dict[str, dict[str, Any]] = {
    "rename issue to ticket": {"op": "rename", "step": "issue", "to": "ticket"},
    "Remove label": {"op": "remove", "steps": ["label"]},
    "set issue.title to {{ mail.subject }}": {
        "op": "set",
        "step": "issue",
        "field": "with.title",
        "value": "{{ mail.subject }}",
    },
    "set classify.timeout_seconds to 30": {"op": "set", "step": "classify", "field": "timeout_seconds", "value": 30},
    'set issue.body to "the mail is below"': {
        "op": "set",
        "step": "issue",
        "field": "with.body",
        "value": "the mail is below",
    },
    "retry issue 5 times": {"op": "set", "step": "issue", "field": "retry", "value": {"attempts": 5}},
    "retry classify 4 times": {
        "op": "set",
        "step": "classify",
        "field": "retry",
        "value": {"attempts": 4, "backoff_seconds": 2},
    },
    "ask me before issue": {"op": "set", "step": "issue", "field": "approve", "value": "always"},
}


@pytest.mark.parametrize("said", REQUESTS)
def test_a_command_is_proposed_and_nothing_is_changed(orchestra: Orchestra, said: str) -> None:
    before = orchestra.editing.canvas(OWNER, NAME)
    made = orchestra.copilot.without_model.answer(OWNER, said, NAME).proposal
    assert made is not None
    assert made.ops == [REQUESTS[said]]
    assert made.source == "rules"
    assert orchestra.editing.canvas(OWNER, NAME) == before


def test_each_form_of_a_command_is_one() -> None:
    filled = {"STEP": "a", "ID": "b", "FIELD": "title", "VALUE": "two words", "N": "3"}
    for form in COMMANDS:
        assert command_in(re.sub(r"[A-Z]+", lambda found: filled[found[0]], form)) is not None
    assert command_in("set a.with.title to two  words") == Command("set", "a", "two  words", "with.title")


@pytest.mark.parametrize(
    "said",
    [
        "please remove label",
        "remove the label",
        "remove label and issue",
        "retry issue 5 times, but not on Mondays",
        "retry issue five times",
        "retry issue \u0665 times",
        "rename issue to ticket too",
        "set title of issue to B",
        "set issue.title",
        "ask me before every write",
        "fix it",
        "explain this workflow",
        "why did the last run fail?",
        "never remove label",
        "call my mother",
        "archive the newsletters",
    ],
)
def test_a_sentence_is_not_guessed(orchestra: Orchestra, said: str) -> None:
    assert command_in(said) is None
    answer = orchestra.copilot.without_model.answer(OWNER, said, NAME)
    assert answer.proposal is None
    assert answer.text.startswith("This is not a command, so nothing is changed.")
    assert "connect a model on the page Connections" in answer.text
    assert answer.examples == [*COMMANDS]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("rename isue to ticket", "Did you mean 'issue'?"),
        ("remove nothing_like_it", "The steps are: mails"),
        ("ask me before classify", "nothing to approve"),
        ("retry issue 1 times", "2 times or more"),
    ],
)
def test_a_command_that_cannot_be_done_says_why_and_nothing_is_proposed(
    orchestra: Orchestra, said: str, told: str
) -> None:
    answer = orchestra.copilot.without_model.answer(OWNER, said, NAME)
    assert told in answer.text
    assert answer.proposal is None
    assert answer.examples == [*COMMANDS]


def test_a_name_that_no_step_can_have_is_refused(orchestra: Orchestra) -> None:
    with pytest.raises(InvalidInput):
        orchestra.copilot.without_model.answer(OWNER, "rename issue to Ticket-1", NAME)


def test_a_change_that_does_not_compile_says_why_and_cannot_be_accepted(orchestra: Orchestra) -> None:
    made = orchestra.copilot.without_model.answer(OWNER, "set issue.title to {{ nothing.there }}", NAME).proposal
    assert made is not None
    assert not made.is_acceptable
    assert any("nothing" in one.message for one in made.problems)


def test_who_approves_and_how_long_they_are_asked_stays() -> None:
    held = {"id": "issue", "uses": "github.create_issue", "approve": {"when": "ask", "expires_after": "2d"}}
    document = {"steps": [held]}
    for said in ("ask me before issue", "set issue.approve to always"):
        command = command_in(said)
        assert command is not None
        [op] = changed(command, document, canvas_steps(document)).ops
        assert op["value"] == {"when": "always", "expires_after": "2d"}


def test_with_a_step_go_the_outputs_that_use_it() -> None:
    document = {
        "steps": [{"id": "all", "foreach": "{{ [1] }}", "steps": [{"id": "sum", "uses": "flow.set"}]}],
        "outputs": {"sums": "{{ steps.all.output.map(one, one.sum) }}", "other": "{{ steps.summary.output }}"},
    }
    command = command_in("remove sum")
    assert command is not None
    assert changed(command, document, canvas_steps(document)).ops == [
        {"op": "remove", "steps": ["sum"]},
        {"op": "unset", "field": ["outputs", "sums"]},
    ]


def test_workflows_and_steps_are_explained_with_a_diagram(orchestra: Orchestra) -> None:
    whole = orchestra.copilot.without_model.answer(OWNER, "explain", NAME)
    assert "Open an issue: writes GitHub, github.create_issue, it runs only if" in whole.text
    assert whole.diagram is not None
    for step in (
        orchestra.copilot.without_model.answer(OWNER, "explain issue", NAME),
        orchestra.copilot.without_model.answer(OWNER, "explain", NAME, selection=["issue"]),
    ):
        assert step.text.splitlines()[0].startswith("- Open an issue: writes")
        assert step.diagram is not None
        assert step.diagram.text == "each_mail, classify -> issue"
    assert "last run has not failed" in orchestra.copilot.without_model.answer(OWNER, "why did it fail", NAME).text
    assert "Nothing is to be mended" in orchestra.copilot.without_model.answer(OWNER, "fix", NAME).text


def test_an_explanation_says_what_starts_it_in_the_words_of_the_canvas(orchestra: Orchestra) -> None:
    told = orchestra.copilot.without_model.answer(OWNER, "explain", NAME).text.splitlines()
    assert told[1:5] == [
        "- Starts when a mail arrives in Gmail (query: in:inbox).",
        "  - Read mail: reads Gmail, gmail.search_messages",
        "  - Each mail: it goes through {{ steps.mails.output.messages }}",
        "    - What is it? asks a model, llm.extract",
    ]
    by_hand = explained({"title": "Work", "triggers": 5}, [])
    assert by_hand == "Work\n- Starts by hand.\nIt writes nothing."


UNREADABLE = {
    "deep": ('{"title":"N","steps":%s}' % ("[" * 3000 + "]" * 3000), "1:85: Objects and lists are nested deeper"),
    "half": ('{"title":"\\ud800","steps":[]}', "1:10: This text contains half of a surrogate pair"),
    "comment": ('{\n  // it\n  "steps": [{"id": "a", "uses": "github.create_issue"}]}', "2:3: JSON has no comments"),
    "twice": ('{"title": "A",\n "title": "B", "steps": [{"id": "a", "uses": "github.create_issue"}]}', "2:2: The key"),
    "list": ("[]", "1:1: A workflow file holds one JSON object."),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_of_a_file_that_cannot_be_read_only_that_is_said(orchestra: Orchestra, name: str) -> None:
    text, problem = UNREADABLE[name]
    path = orchestra.workspace.root / "workflows" / f"{name}.json"
    path.write_text(text)
    try:
        for said in ("explain", "fix", "retry a 5 times"):
            with pytest.raises(InvalidFile) as refused:
                orchestra.copilot.without_model.answer(OWNER, said, name)
            assert f"workflows/{name}.json:{problem}" in str(refused.value)
    finally:
        path.unlink()


def test_samples_are_found_by_what_they_do() -> None:
    wanted = {
        "bug reports in the inbox should become GitHub issues": "bug-reports",
        "I want a digest of my newsletters": "newsletter-digest",
        "put the invoices into a sheet": "invoice-to-sheet",
        "build a small program": "build-software",
        "remind me of mails that nobody has answered": "unanswered-mail",
    }
    found = {said: [one.name for one in fitting_samples(said)] for said in wanted}
    assert [said for said, name in wanted.items() if name not in found[said]] == []


def test_a_passage_is_plain_text_without_asterisks() -> None:
    found = [one.excerpt for one in passages("which of several fixed destinations is used", 9)]
    assert any("may decide which branch runs" in one for one in found)


def test_words_are_looked_up_in_the_documentation_and_without_a_workflow_in_the_samples(orchestra: Orchestra) -> None:
    beside = orchestra.copilot.without_model.answer(OWNER, "how do I undo a run", NAME)
    assert (bool(beside.passages), beside.samples) == (True, [])
    alone = orchestra.copilot.without_model.answer(OWNER, "bug reports in the inbox should become GitHub issues")
    assert alone.samples[0].name == "bug-reports"
    nothing = orchestra.copilot.without_model.answer(OWNER, "xyzzy", NAME)
    assert (nothing.passages, nothing.text) == ([], NO_COMMAND)
    assert nothing.note.startswith("No model was asked")


def test_no_passage_is_about_the_tests_of_the_program() -> None:
    for said in (
        "stop this workflow",
        "random workflows against a model",
        "make assurance",
        "tests kill -9 at random moments",
    ):
        for found in passages(said, 10):
            assert "tests/" not in found.excerpt, found
            assert found.title != "How it is tested"


def test_of_a_workflow_that_is_not_there_that_is_said_beside_the_answer(orchestra: Orchestra) -> None:
    answer = orchestra.copilot.without_model.answer(OWNER, "xyzzy plugh", "inbox-triag")
    assert answer.text.startswith("There is no workflow named 'inbox-triag'. Did you mean 'inbox-triage'?\n")
    assert answer.examples == list(COMMANDS)


def test_a_viewer_cannot_ask_for_changes(orchestra: Orchestra) -> None:
    with pytest.raises(NotAllowed):
        orchestra.copilot.without_model.answer(VIEWER, "remove label", NAME)


def test_a_name_that_cannot_be_one_is_refused(orchestra: Orchestra) -> None:
    with pytest.raises(InvalidInput):
        orchestra.copilot.without_model.answer(OWNER, "remove label", "../x")


def test_a_folder_without_documentation_answers_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from engine.copilot.without_model import doc_sections as module

    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    module._index.cache_clear()
    try:
        assert passages("undo") == []
    finally:
        module._index.cache_clear()
