"""General forms in other words than those of the evaluation; what is not said, or not there, changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.copilot.rules.contents import contained
from engine.copilot.rules.handling import handled
from engine.copilot.rules.requests import NotThere
from engine.workflows.editing.graph import canvas_steps

DOCUMENT: dict[str, Any] = {
    "title": "Mail",
    "inputs": {"type": "object", "properties": {"limit": {"type": "integer", "default": 25}}},
    "steps": [
        {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox newer_than:9d"}},
        {
            "id": "each",
            "foreach": "{{ steps.mails.output.messages }}",
            "as": "mail",
            "steps": [
                {"id": "sum", "uses": "llm.summarize", "with": {"text": "{{ mail.text }}"}},
                {
                    "id": "read",
                    "uses": "llm.extract",
                    "with": {"schema": {"type": "object", "properties": {"total": {"type": "number"}}}},
                },
                {
                    "id": "issue",
                    "if": "{{ mail.can_reply }}",
                    "uses": "github.create_issue",
                    "approve": {"when": "always", "expires_after": "3d"},
                    "with": {"repository": "acme/app", "labels": ["mail"]},
                },
                {"id": "tell", "uses": "slack.send_message", "with": {"channel": "#a", "text": "x"}},
            ],
        },
    ],
}


def ops(said: str) -> list[tuple[str, str, Any]]:
    steps = canvas_steps(DOCUMENT)
    found = handled(said, DOCUMENT, steps) or contained(said, DOCUMENT, steps)
    sent = [one for one in (found.ops if found is not None else []) if one["op"] != "add"]
    return [(str(one.get("step", "")), str(one.get("field", one["op"])), one.get("value")) for one in sent]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("opening tickets deserves seven attempts", [("issue", "retry", {"attempts": 7})]),
        ("die Slack-Nachricht notfalls viermal wiederholen", [("tell", "retry", {"attempts": 4})]),
        ("wiederhole die Slack-Nachricht 4 mal", [("tell", "retry", {"attempts": 4})]),
        ("stop asking about tickets", [("issue", "approve", None)]),
        (
            "the question may stay open for two weeks",
            [("issue", "approve", {"when": "always", "expires_after": "14d"})],
        ),
        ("every step that writes needs my approval", [("tell", "approve", "always")]),
        ("if Slack is down carry on anyway", [("tell", "on_error", "continue")]),
        ("the model may take at most 2 minutes", [("sum", "timeout_seconds", 120), ("read", "timeout_seconds", 120)]),
        ('put the tag "new" on tickets', [("issue", "with.labels", ["mail", "new"])]),
        ("sum up in Spanish", [("sum", "with.language", "Spanish")]),
        ("nur E-Mails der vergangenen 4 Tage", [("mails", "with.query", "in:inbox newer_than:4d")]),
        ("höchstens acht Mails pro Lauf", [("", "inputs.properties.limit.default", 8)]),
        (
            'überspringe Mails mit dem Absender "o\'hara"',
            [
                (
                    "each",
                    "foreach",
                    "{{ steps.mails.output.messages.filter(m, !m.from.lowerAscii().contains('o\\'hara')) }}",
                )
            ],
        ),
        (
            'überspringe Mails mit dem Betreff "ÄRGER (neu)"',
            [
                (
                    "each",
                    "foreach",
                    "{{ steps.mails.output.messages.filter(m, !m.subject.matches('(?i)ÄRGER \\\\(neu\\\\)')) }}",
                )
            ],
        ),
        (
            "skip everything above 99.5",
            [
                ("issue", "if", "{{ steps.read.output.total <= 99.5 && (mail.can_reply) }}"),
                ("tell", "if", "{{ steps.read.output.total <= 99.5 }}"),
            ],
        ),
        ("tell me about attempts", []),
        ("what does the model cost per week", []),
        ("how do I ask before a page is written?", []),
    ],
)
def test_a_form_means_these_operations(said: str, wanted: list[tuple[str, str, Any]]) -> None:
    found = ops(said)
    assert found == wanted, json.dumps(found)


OF_WIZARD = [
    {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 50}},
    {"id": "issues", "uses": "github.list_issues", "with": {"repository": "acme/app", "limit": 200}},
    {"id": "sum", "uses": "llm.summarize", "with": {"text": "{{ steps.mails.output }}"}},
]
"""Steps that read, as the wizard makes them: with a limit of their own."""


@pytest.mark.parametrize(
    ("said", "steps", "wanted"),
    [
        ("at most 10 mails per run", OF_WIZARD, ("mails", 10)),
        ("höchstens acht Nachrichten pro Lauf", OF_WIZARD, ("mails", 8)),
        ("at most 10 issues per run", OF_WIZARD, ("issues", 10)),
        ("at most 10 items per run", OF_WIZARD, None),
        ("at most 10 items per run", OF_WIZARD[:1], ("mails", 10)),
        ("at most 10 rows per run", OF_WIZARD, None),
        ("at most 10 seconds per run", OF_WIZARD, None),
    ],
)
def test_at_most_so_many_is_the_limit_of_the_step_that_reads_them(
    said: str, steps: list[dict[str, Any]], wanted: tuple[str, int] | None
) -> None:
    found = contained(said, {"steps": steps}, canvas_steps({"steps": steps}))
    made = found.ops if found is not None else []
    assert [(one["step"], one["field"], one["value"]) for one in made] == (
        [(wanted[0], "with.limit", wanted[1])] if wanted else []
    )


def test_at_most_none_is_refused() -> None:
    with pytest.raises(NotThere, match="from 1 on"):
        contained("at most 0 mails per run", DOCUMENT, canvas_steps(DOCUMENT))


def test_one_more_place_gets_the_text_of_the_model() -> None:
    found = contained("also tell #b", DOCUMENT, canvas_steps(DOCUMENT))
    assert found is not None
    [op] = found.ops
    assert op["after"] == "tell"
    assert op["step"]["with"] == {"channel": "#b", "text": "{{ steps.sum.output.text }}"}
