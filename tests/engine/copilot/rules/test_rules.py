"""The co-pilot without a model: what it understands, what it finds, and what it does not guess."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, InvalidInput, NotAllowed
from engine.copilot.rules.explaining import explained
from engine.copilot.rules.passages import passages
from engine.copilot.rules.rules import FORMS, fitting_samples
from engine.orchestra import Orchestra
from engine.people.access import Principal
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
    "Wie führe ich Python Code aus?": "code",
    "which expressions are there for lists": "expressions",
    "compare two versions of a prompt": "prompts",
    "set a breakpoint and debug": "control",
    "prometheus metrics": "observability",
    "start runs from Kafka": "ingress",
    "use a workflow as an MCP tool": "mcp",
    "branch of a workflow and merge it": "editing",
    "different database in production and staging": "environments",
    "answer questions from my own documents": "retrieval",
    "my own step type with tests": "tools",
    "limit what an agent may do": "agents",
    "docker compose": "deployment",
    "query a postgres database": "databases",
    "watch a feed": "feeds-and-chats",
    "upload files to Nextcloud": "drives",
    "add an event to my calendar": "calendar-and-sheets",
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


REQUESTS: dict[str, Any] = {
    "rename issue to ticket": {"op": "rename", "step": "issue", "to": "ticket"},
    "Rename step 'Open an issue' to ticket.": {"op": "rename", "step": "issue", "to": "ticket"},
    "benenne Schritt issue in ticket um": {"op": "rename", "step": "issue", "to": "ticket"},
    "remove the step label": {"op": "remove", "steps": ["label"]},
    "lösche label": {"op": "remove", "steps": ["label"]},
    "set title of issue to {{ mail.subject }}": {
        "op": "set",
        "step": "issue",
        "field": "with.title",
        "value": "{{ mail.subject }}",
    },
    "change timeout_seconds of classify to 30": {
        "op": "set",
        "step": "classify",
        "field": "timeout_seconds",
        "value": 30,
    },
    "retry all github steps 5 times": {"op": "set", "step": "issue", "field": "retry", "value": {"attempts": 5}},
    "wiederhole classify 4 mal": {
        "op": "set",
        "step": "classify",
        "field": "retry",
        "value": {"attempts": 4, "backoff_seconds": 2},
    },
    "ask me before issue": {"op": "set", "step": "issue", "field": "approve", "value": "always"},
    'call this workflow "Sort my mail"': {"op": "set", "field": "title", "value": "Sort my mail"},
}


@pytest.mark.parametrize("said", REQUESTS)
def test_a_change_in_plain_words_is_proposed_and_nothing_is_changed(orchestra: Orchestra, said: str) -> None:
    before = orchestra.editing.canvas(OWNER, NAME)
    made = orchestra.copilot.rules.answer(OWNER, said, NAME).proposal
    assert made is not None
    assert made.ops == [REQUESTS[said]]
    assert made.source == "rules"
    assert orchestra.editing.canvas(OWNER, NAME) == before


def test_all_writing_steps_are_changed_at_once(orchestra: Orchestra) -> None:
    made = orchestra.copilot.rules.answer(OWNER, "ask me before every writing step", NAME).proposal
    assert made is not None
    writes = [one.id for one in orchestra.editing.canvas(OWNER, NAME).steps if one.effect == "writes"]
    assert [one["step"] for one in made.ops] == writes
    assert made.is_acceptable


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("rename isue to ticket", "Did you mean 'issue'?"),
        ("remove nothing_like_it", "The steps are: mails"),
        ("retry all slack steps 3 times", "The steps use: github, gmail, llm, notion"),
        ("ask me before classify", "nothing to approve"),
    ],
)
def test_a_step_that_there_is_not_is_named_and_nothing_is_proposed(orchestra: Orchestra, said: str, told: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, NAME)
    assert told in answer.text
    assert answer.proposal is None
    assert answer.examples == [*FORMS]


def test_a_change_that_does_not_compile_says_why_and_cannot_be_accepted(orchestra: Orchestra) -> None:
    made = orchestra.copilot.rules.answer(OWNER, "set title of issue to {{ nothing.there }}", NAME).proposal
    assert made is not None
    assert not made.is_acceptable
    assert any("nothing" in one.message for one in made.problems)


def test_workflows_and_steps_are_explained(orchestra: Orchestra) -> None:
    whole = orchestra.copilot.rules.answer(OWNER, "What does this workflow do?", NAME).text
    assert "Open an issue: writes GitHub, github.create_issue, only if" in whole
    step = orchestra.copilot.rules.answer(OWNER, "explain issue", NAME).text
    assert step.splitlines()[0].startswith("- Open an issue: writes")
    assert "classify" in step
    assert "Nothing is wrong" in orchestra.copilot.rules.answer(OWNER, "is anything wrong?", NAME).text


def test_an_explanation_says_what_starts_it_in_the_words_of_the_canvas(orchestra: Orchestra) -> None:
    told = orchestra.copilot.rules.answer(OWNER, "explain this workflow", NAME).text.splitlines()
    assert told[1:5] == [
        "- Starts when a mail arrives in Gmail (query: in:inbox).",
        "  - Read mail: reads Gmail, gmail.search_messages",
        "  - Each mail: for each of {{ steps.mails.output.messages }}",
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
        for said in ("explain this workflow", "what does this workflow do?", "fix it", "retry a 5 times"):
            with pytest.raises(InvalidFile) as refused:
                orchestra.copilot.rules.answer(OWNER, said, name)
            assert f"workflows/{name}.json:{problem}" in str(refused.value)
        assert problem in orchestra.copilot.rules.answer(OWNER, "what is wrong?", name).text
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


def test_what_is_not_understood_says_so_and_shows_what_would_be(orchestra: Orchestra) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, "xyzzy", NAME)
    assert "no rule for this" in answer.text
    assert answer.examples == [*FORMS]
    assert answer.note.startswith("No model was asked")


@pytest.mark.parametrize("said", ["call my mother", "archive the newsletters", "stop this workflow"])
def test_of_a_wish_that_is_not_understood_that_is_said_before_the_passages(orchestra: Orchestra, said: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, NAME)
    assert answer.text == "I did not understand this as a change. The documentation has:"
    assert answer.examples == list(FORMS), "how a change is said"
    assert answer.passages


def test_a_passage_is_plain_text_without_asterisks() -> None:
    found = [one.excerpt for one in passages("which of several fixed destinations is used", 9)]
    assert any("may decide which branch runs" in one for one in found)


@pytest.mark.parametrize("said", ["how do I undo a run", "what is a budget", "gibt es ein Budget?", "Lauf rückgängig?"])
def test_a_question_gets_the_passages_alone(orchestra: Orchestra, said: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, NAME)
    assert answer.text == "The documentation says:"


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


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("post it to another channel", "Which channel? Say its name. Say the whole request again"),
        ("make it better", "Say the whole request again, with the answer in it."),
    ],
)
def test_a_question_says_how_to_answer_it(orchestra: Orchestra, said: str, asked: str) -> None:
    assert asked in orchestra.copilot.rules.answer(OWNER, said, NAME).text


def test_of_a_workflow_that_is_not_there_that_is_said_beside_the_answer(orchestra: Orchestra) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, "xyzzy plugh", "inbox-triag")
    assert answer.text.startswith("There is no workflow named 'inbox-triag'. Did you mean 'inbox-triage'?\n")
    assert answer.examples == list(FORMS)


def test_a_viewer_cannot_ask_for_changes(orchestra: Orchestra) -> None:
    with pytest.raises(NotAllowed):
        orchestra.copilot.rules.answer(VIEWER, "remove label", NAME)


def test_a_name_that_cannot_be_one_is_refused(orchestra: Orchestra) -> None:
    with pytest.raises(InvalidInput):
        orchestra.copilot.rules.answer(OWNER, "remove label", "../x")


def test_a_folder_without_documentation_answers_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from engine.copilot.rules import passages as module

    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    module._index.cache_clear()
    try:
        assert passages("undo") == []
    finally:
        module._index.cache_clear()
