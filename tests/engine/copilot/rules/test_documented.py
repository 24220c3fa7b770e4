"""The forms that docs/copilot.md prints mean what it says: an example of each kind, names, and nothing to mend."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from engine.base.checkout import CHECKOUT
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.workspaces import init

OWNER = Principal("owner", "owner", confirmed=True)
NAME = "documented"
APPROVE = {"when": "always", "expires_after": "2d"}
DOCUMENT: dict[str, Any] = {
    "schema_version": 1,
    "title": "Mail",
    "inputs": {"type": "object", "properties": {"limit": {"type": "integer", "default": 25}}},
    "steps": [
        {
            "id": "mails",
            "uses": "gmail.search_messages",
            "with": {"query": "in:inbox newer_than:9d", "limit": "{{ inputs.limit }}"},
        },
        {
            "id": "each",
            "foreach": "{{ steps.mails.output.messages }}",
            "as": "mail",
            "key": "{{ mail.id }}",
            "steps": [
                {"id": "sum", "uses": "llm.summarize", "with": {"text": "{{ mail.text }}"}},
                {
                    "id": "issue",
                    "uses": "github.create_issue",
                    "approve": APPROVE,
                    "with": {"repository": "acme/app", "title": "A"},
                },
                {"id": "tell", "uses": "slack.send_message", "with": {"channel": "#a", "text": "x"}},
            ],
        },
    ],
}
INPUTS: dict[str, Any] = {
    "schema_version": 1,
    "title": "Inputs",
    "inputs": {
        "type": "object",
        "properties": {
            "target": {"type": "string", "default": "acme/app"},
            "database": {"type": "string", "default": "Tasks"},
        },
    },
    "steps": [
        {"id": "issue", "uses": "github.create_issue", "with": {"repository": "{{ inputs.target }}", "title": "A"}},
        {"id": "page", "uses": "notion.get_database", "with": {"database": "{{ inputs.database }}"}},
    ],
}


def examples() -> list[str]:
    """Return the sentences in the row of the documentation that has one of each kind."""
    lines = (CHECKOUT / "docs" / "copilot.md").read_text(encoding="utf-8").splitlines()
    row = next(one for one in lines if one.startswith("| attempts"))
    return re.findall(r"`([^`]+)`", row.split(" | ")[0])


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    folder = tmp_path_factory.mktemp("documented") / "workspace"
    init(folder)
    opened = Orchestra.open(folder, demo=True)
    for name, document in ((NAME, DOCUMENT), ("held", INPUTS)):
        (folder / "workflows" / f"{name}.json").write_text(json.dumps(document, indent=2))
    yield opened
    opened.close()


def test_there_is_an_example_of_each_kind() -> None:
    assert len(examples()) == 11


@pytest.mark.parametrize("said", [*examples(), "the question may stay open for two weeks"])
def test_an_example_is_understood(orchestra: Orchestra, said: str) -> None:
    assert orchestra.copilot.rules.answer(OWNER, said, NAME).proposal is not None


@pytest.mark.parametrize(
    ("said", "input_", "value"),
    [
        ("use the repository acme/web everywhere", "target", "acme/web"),
        ("use the repository acme/web everywhere in here", "target", "acme/web"),
        ("our repository is acme/web", "target", "acme/web"),
        ("nimm das Repository acme/web überall", "target", "acme/web"),
        ("use the database Backlog everywhere", "database", "Backlog"),
        ('our database is "My tasks"', "database", "My tasks"),
    ],
)
def test_a_place_that_an_input_holds_is_found(orchestra: Orchestra, said: str, input_: str, value: str) -> None:
    made = orchestra.copilot.rules.answer(OWNER, said, "held").proposal
    assert made is not None
    assert made.ops == [{"op": "set", "field": f"inputs.properties.{input_}.default", "value": value}]


def test_a_place_that_a_step_holds_is_found(orchestra: Orchestra) -> None:
    made = orchestra.copilot.rules.answer(OWNER, "use the repository acme/web everywhere", NAME).proposal
    assert made is not None
    assert made.ops == [{"op": "set", "step": "issue", "field": "with.repository", "value": "acme/web"}]


@pytest.mark.parametrize("name", ["#a.b", "Ticket", "'my ticket'"])
def test_a_name_that_no_step_can_have_is_named(orchestra: Orchestra, name: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, f"rename sum to {name}", NAME)
    assert name.strip("'") in answer.text.partition(" cannot be the id of ")[0]
    assert " cannot be the id of " in answer.text
    assert (answer.proposal, answer.passages) == (None, [])


@pytest.mark.parametrize(
    "said",
    [
        "fix it",
        "repair this",
        "bitte reparieren",
        "why did the last run fail?",
        "warum ist der letzte Lauf gescheitert?",
    ],
)
def test_where_nothing_is_to_be_mended_that_is_said(orchestra: Orchestra, said: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, "inbox-triage")
    assert answer.text == "Nothing is to be mended: the text compiles, and its last run has not failed."


def test_what_nothing_mends_for_sure_is_said_with_the_problems(orchestra: Orchestra) -> None:
    hopeless = {"schema_version": 1, "title": "H", "steps": [{"id": "a", "uses": "fax.dial", "with": {}}]}
    (orchestra.workspace.root / "workflows" / "hopeless.json").write_text(json.dumps(hopeless))
    answer = orchestra.copilot.rules.answer(OWNER, "fix it", "hopeless")
    assert "fax.dial" in answer.text
    assert "I know no change that certainly mends this." in answer.text


def test_an_unknown_question_about_fixing_still_finds_the_documentation(orchestra: Orchestra) -> None:
    assert orchestra.copilot.rules.answer(OWNER, "how do I repair a broken worker?", "inbox-triage").passages
