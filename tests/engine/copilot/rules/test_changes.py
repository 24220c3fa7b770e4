"""Changes of whole workflows in plain words, refusals and questions: what is understood, and what is not guessed."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.services import services
from engine.copilot.rules.changes import changed
from engine.copilot.rules.limits import question, refusal
from engine.copilot.rules.replacing import replaced
from engine.copilot.rules.requests import NotThere
from engine.workflows.editing.graph import canvas_steps

STEPS: list[dict[str, Any]] = [
    {"id": "get_mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 30}},
    {
        "id": "each_mail",
        "foreach": "{{ steps.get_mails.output.messages }}",
        "as": "mail",
        "key": "{{ mail.id }}",
        "parallel": 4,
        "steps": [
            {"id": "kind", "uses": "llm.classify", "with": {"text": "{{ mail.text }}", "labels": ["bug", "other"]}},
            {"id": "issue", "uses": "github.create_issue", "with": {"repository": "acme/app", "title": "A"}},
            {"id": "tell", "uses": "slack.send_message", "with": {"channel": "#bugs", "text": "New in #bugs"}},
            {"id": "mark", "uses": "gmail.add_labels", "with": {"message": "{{ mail.id }}", "labels": ["seen"]}},
        ],
    },
]
DOCUMENT: dict[str, Any] = {
    "title": "Test",
    "inputs": {"type": "object", "properties": {"days": {"type": "integer", "default": 3}}},
    "steps": STEPS,
    "outputs": {"marked": "{{ size(steps.each_mail.output.filter(m, has(m.mark))) }}"},
}


def ops(said: str) -> list[dict[str, Any]] | None:
    found = changed(said, DOCUMENT, canvas_steps(DOCUMENT))
    return None if found is None else found.ops


def put(step: str, field: Any, value: Any) -> dict[str, Any]:
    return {"op": "set", **({"step": step} if step else {}), "field": field, "value": value}


UNDERSTOOD: dict[str, list[dict[str, Any]]] = {
    "post to #team instead of #bugs": [put("tell", "with.channel", "#team")],
    "Please send them to other/repo, not acme/app": [put("issue", "with.repository", "other/repo")],
    "50 statt 30": [put("get_mails", "with.limit", 50)],
    "three days is too short, make it seven": [put("", "inputs.properties.days.default", 7)],
    "use the title Bugs/all everywhere": [put("issue", "with.title", "Bugs/all")],
    'note "slow" on kind': [{"op": "notes", "step": "kind", "text": "slow"}],
    'put a note "slow" on all github steps': [{"op": "notes", "step": "issue", "text": "slow"}],
    'schreib die Notiz "langsam" an den Schritt kind': [{"op": "notes", "step": "kind", "text": "langsam"}],
    "one mail at a time": [put("each_mail", "parallel", 1)],
    "Keine Schleife darf mehr als 2 gleichzeitig tun": [put("each_mail", "parallel", 2)],
    "run this every Tuesday at 6:30": [
        put("", "triggers", [{"id": "times", "uses": "schedule", "with": {"cron": "30 6 * * 2"}}])
    ],
    "ask me before a message is sent": [put("tell", "approve", "always")],
    "ask me before every step that writes to github": [put("issue", "approve", "always")],
    "frag mich vor jedem Schritt, der etwas schreibt": [
        put(one, "approve", "always") for one in ("issue", "tell", "mark")
    ],
    "remove every step that labels mail": [
        {"op": "remove", "steps": ["mark"]},
        {"op": "unset", "field": ["outputs", "marked"]},
    ],
    'put a note "slow" on each step that asks a model': [{"op": "notes", "step": "kind", "text": "slow"}],
    "every step that asks a model should take at most 20 seconds": [put("kind", "timeout_seconds", 20)],
    "all steps that begin with get_ should begin with read_": [
        {"op": "rename", "step": "get_mails", "to": "read_mails"}
    ],
    "call the step tell announce": [{"op": "rename", "step": "tell", "to": "announce"}],
}


@pytest.mark.parametrize("said", UNDERSTOOD)
def test_a_change_in_words_is_these_operations(said: str) -> None:
    assert ops(said) == UNDERSTOOD[said]


@pytest.mark.parametrize(
    "said",
    [
        "use #team instead of #nowhere",
        "7 instead of 31",
        "make it better",
        "twice as many mails please",
        "run fast",
        "call the step nothing something",
        "the mails should be nicer than the issues",
    ],
)
def test_nothing_is_guessed(said: str) -> None:
    assert ops(said) is None


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("use Old Things instead of in:inbox", [put("get_mails", "with.query", "Old Things")]),
        ("nimm done statt seen", [put("mark", "with.labels", ["done"])]),
        ("use the channel general instead of #Bugs", [put("tell", "with.channel", "general")]),
        ("our repo is acme/web", [put("issue", "with.repository", "acme/web")]),
        ("The repository is called Website.", [put("issue", "with.repository", "Website")]),
        ("the channel is missing", None),
        ("our database is Tasks", None),
        ("use another one instead of seen", None),
        ("use this and that instead of seen", None),
    ],
)
def test_any_value_that_a_step_holds_is_replaced_without_quotation_marks(
    said: str, made: list[dict[str, Any]] | None
) -> None:
    found = replaced(said, DOCUMENT)
    assert (found.ops if found else None) == made


def test_a_value_that_no_step_holds_is_named_with_the_form_that_works() -> None:
    with pytest.raises(NotThere, match=r'No step has the value .sen.\..*: use "done" instead of "seen"'):
        replaced("use done instead of sen", DOCUMENT)


@pytest.mark.parametrize("said", ["remove all steps that dance", 'put a note "x" on all steps that sing'])
def test_steps_that_there_are_not_are_named(said: str) -> None:
    with pytest.raises(NotThere):
        ops(said)


@pytest.mark.parametrize(
    ("said", "has"),
    [
        ("my password is hunter2, use it", "does not belong"),
        ("use ghp_abcdef123456 for GitHub", "does not belong"),
        ("please save it and turn it on", "cannot save"),
        ("run it now on the real account", "cannot save"),
        ("send a Signal message to my boss", "no step for Signal"),
        ("jede Karte in Trello", "no step for Trello"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_do(said: str, has: str) -> None:
    assert has in refusal(said)


@pytest.mark.parametrize("said", ["save the attachments of my mails", "post it to #keys", "run this every Monday"])
def test_other_requests_are_not_refused(said: str) -> None:
    assert refusal(said) == ""


@pytest.mark.parametrize("said", ["use another channel", "schick es an Anna", "make it faster", "delete the old ones"])
def test_what_is_missing_is_asked_for(said: str) -> None:
    assert question(said).endswith(("?", "."))


def test_no_service_that_is_there_is_refused() -> None:
    """The rules name services that there are not: what becomes one must leave their list."""
    said = {one.title: refusal(f"save the file to {one.title}") for one in services()}
    assert {title: why for title, why in said.items() if why} == {}
