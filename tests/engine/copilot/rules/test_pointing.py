"""Words that point at the selected steps: what they mean, with a selection and without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.copilot.rules.rules import RuleAnswer
from engine.expressions.expressions import compile_template
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.workspaces import init

OWNER = Principal("owner", "owner")
NAME = "inbox-triage"
RETRY = {"op": "set", "step": "label", "field": "retry", "value": {"attempts": 5}}
APPROVE = {"op": "set", "step": "label", "field": "approve", "value": "always"}
REMOVE = {"op": "remove", "steps": ["label"]}
RENAME = {"op": "rename", "step": "label", "to": "ticket"}


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    folder = tmp_path_factory.mktemp("pointing") / "workspace"
    init(folder)
    opened = Orchestra.open(folder, demo=True)
    yield opened
    opened.close()


def answer(orchestra: Orchestra, said: str, *selection: str) -> RuleAnswer:
    return orchestra.copilot.rules.answer(OWNER, said, NAME, selection=selection)


def put(field: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "step": "label", "field": field, "value": value}


CHANGES: dict[str, dict[str, Any]] = {
    "retry this 5 times": RETRY,
    "Please retry this step 5 times.": RETRY,
    "retry it 5 times if it fails": RETRY,
    "retry 5 times": RETRY,
    "wiederhole diesen Schritt 5 mal": RETRY,
    "remove it": REMOVE,
    "lösche das": REMOVE,
    "rename it to ticket": RENAME,
    "benenne ihn in ticket um": RENAME,
    "ask me before this": APPROVE,
    "ask me before this step writes": APPROVE,
    "frag mich vorher": APPROVE,
    "set timeout_seconds to 30": put("timeout_seconds", 30),
    "set message of this to {{ mail.id }}": put("with.message", "{{ mail.id }}"),
    "this step should take at most 30 seconds": put("timeout_seconds", 30),
    "carry on if this fails": put("on_error", "continue"),
    "only if the mail has an attachment": put("if", "{{ mail.attachments.exists(a, !a.inline) }}"),
    "run this only if {{ mail.is_starred }}": put("if", "{{ mail.is_starred }}"),
    'nur wenn der Betreff "Rechnung" enthält': put("if", "{{ mail.subject.lowerAscii().contains('rechnung') }}"),
}


@pytest.mark.parametrize("said", CHANGES)
def test_a_change_that_points_is_one_of_the_selected_step(orchestra: Orchestra, said: str) -> None:
    made = answer(orchestra, said, "label").proposal
    assert made is not None
    assert made.ops == [CHANGES[said]]


def test_a_condition_is_added_to_the_one_that_a_step_has(orchestra: Orchestra) -> None:
    made = answer(orchestra, "only if the mail has an attachment", "issue").proposal
    assert made is not None
    [op] = made.ops
    before = next(one.condition for one in orchestra.editing.canvas(OWNER, NAME).steps if one.id == "issue")
    assert op["value"] == f"{{{{ mail.attachments.exists(a, !a.inline) && ({before}) }}}}"
    assert made.is_acceptable


@pytest.mark.parametrize("word", ["Straße", "ÄRGER", "INVOICE", "neu (C:\\übrig)", "o'Hära.*"])
def test_a_word_of_a_condition_is_found_in_small_and_in_capital_letters(orchestra: Orchestra, word: str) -> None:
    made = answer(orchestra, f'nur wenn der Betreff "{word}" enthält', "unsure").proposal
    assert made is not None
    condition = compile_template(made.ops[0]["value"], frozenset({"mail", "steps"}))
    sorted_ = {"classify": {"output": {"kind": "unsure"}}}
    subjects = [f"x {word}!", word.lower(), word.upper().replace("SS", "ß"), "Arger", "o'Häraxx"]
    found = [condition.value({"mail": {"subject": one}, "steps": sorted_}) for one in subjects]
    assert found == [True, True, True, False, False]


def test_a_word_that_points_is_no_field(orchestra: Orchestra) -> None:
    made = answer(orchestra, "set this to 5", "issue").proposal
    assert made is None or "this" not in str(made.ops)


def test_too_many_words_for_the_selected_steps_are_refused(orchestra: Orchestra) -> None:
    steps = [one.id for one in orchestra.editing.canvas(OWNER, NAME).steps]
    with pytest.raises(InvalidInput):
        answer(orchestra, "set this to " + "a." * 1_900, *steps)


def test_a_condition_of_a_mail_is_refused_where_there_is_no_mail(orchestra: Orchestra) -> None:
    found = answer(orchestra, "only if the mail has an attachment", "mails")
    assert found.proposal is None
    assert "in no loop over mails" in found.text


@pytest.mark.parametrize(
    "said",
    [
        "explain this",
        "what does this do?",
        "What is it for?",
        "explain",
        "was macht das?",
        "explain the selection",
        "explain the highlighted step",
        "erkläre diesen Schritt",
        "erkläre die ausgewählten Schritte",
        "erkläre dieses",
    ],
)
def test_the_selected_step_is_explained(orchestra: Orchestra, said: str) -> None:
    [line] = [one for one in answer(orchestra, said, "issue").text.splitlines() if one.startswith("- ")]
    assert line.startswith("- Open an issue: writes")


@pytest.mark.parametrize("said", ["explain this run", "erkläre diesen Lauf", "explain this workflow"])
def test_what_is_not_a_step_is_not_taken_for_the_selected_one(orchestra: Orchestra, said: str) -> None:
    assert not answer(orchestra, said, "issue").text.startswith("- Open an issue")


def test_several_selected_steps_are_changed_and_explained_together(orchestra: Orchestra) -> None:
    made = answer(orchestra, "retry them 3 times", "issue", "label").proposal
    assert made is not None
    assert [(one["step"], one["value"]) for one in made.ops] == [
        ("issue", {"attempts": 3}),
        ("label", {"attempts": 3}),
    ]
    assert "Each step needs an id of its own" in answer(orchestra, "rename them to x", "issue", "label").text
    said = answer(orchestra, "what do these do?", "issue", "label").text
    assert [one in said for one in ("github.create_issue", "gmail.add_labels", "llm.classify")] == [True, True, False]


@pytest.mark.parametrize(
    "said",
    ["retry this 5 times", "remove it", "rename it to ticket", "explain this step", "only if the mail has a file"],
)
def test_without_a_selection_the_answer_says_which_steps_there_are(orchestra: Orchestra, said: str) -> None:
    found = answer(orchestra, said)
    assert found.text.startswith("Which step? Select it on the canvas, or say it again with its name: mails"), (
        found.text
    )
    assert found.proposal is None


@pytest.mark.parametrize("said", ["retry this 5 times", "what does this do?", "explain this workflow"])
def test_a_selected_step_that_there_is_not_is_named_with_those_that_there_are(orchestra: Orchestra, said: str) -> None:
    with pytest.raises(InvalidInput, match="There is no step 'gone'") as refused:
        answer(orchestra, said, "issue", "gone")
    assert "There are: classify, each_mail" in refused.value.remedy
    with pytest.raises(InvalidInput, match="belong to a workflow"):
        orchestra.copilot.rules.answer(OWNER, said, selection=["issue"])


def test_words_that_name_a_step_or_the_workflow_mean_that_whatever_is_selected(orchestra: Orchestra) -> None:
    made = answer(orchestra, "retry mails 3 times if it fails", "label").proposal
    assert made is not None
    assert [one["step"] for one in made.ops] == ["mails"]
    assert answer(orchestra, "retry classify 3 times if it fails", "label").proposal is None
    whole = answer(orchestra, "explain this workflow", "label").text
    assert whole == answer(orchestra, "explain this workflow").text
    timed = answer(orchestra, "run this every friday at 4 pm", "label").proposal
    assert timed is not None
    assert [one["field"] for one in timed.ops] == ["triggers"]


def test_what_is_wrong_with_the_selected_step_is_asked_apart(orchestra: Orchestra) -> None:
    assert answer(orchestra, "what is wrong with this?", "label").text == "Nothing is wrong with label."
