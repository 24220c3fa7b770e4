"""The cases that ship with a prompt pass, catch seeded regressions, and leave harmless changes alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import MatrixRequest
from engine.runs.prompt_tries.reports import TryReport, report_of
from tests.few import every
from tests.patience import PATIENCE_SECONDS
from tests.workspaces import init

OWNER = Principal("owner", "owner")
NAME = "classify-mail"


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    root: Path = tmp_path_factory.mktemp("shipped") / "workspace"
    init(root)
    opened = Orchestra.open(root, demo=True)
    yield opened
    opened.close()


def result_of(orchestra: Orchestra, name: str = NAME, **change: Any) -> TryReport:
    """Test a prompt with a change against production."""
    document = {**(orchestra.prompts.get(OWNER, name).document or {}), **change}
    orchestra.case_tests.start(OWNER, name, MatrixRequest([TriedColumn(), TriedColumn(text=json.dumps(document))]))
    return report_of(orchestra.case_tests.wait(OWNER, name, PATIENCE_SECONDS))


def messages(user: str, system: str = "Sort the mail: task, bug, nothing or unsure.") -> list[dict[str, str]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def format_with(*choices: str, kind: str = "kind", **more: Any) -> dict[str, Any]:
    """Return a format of the answer with these choices."""
    properties = {kind: {"type": "string", "enum": list(choices)}, **more}
    return {"output_schema": {"type": "object", "required": list(properties), "properties": properties}}


@pytest.mark.parametrize(
    ("name", "cases"),
    [(NAME, 20), ("draft-reply", 20), ("summarize-issue", 20), ("summarize-commits", 20)],
)
def test_all_shipped_cases_pass(orchestra: Orchestra, name: str, cases: int) -> None:
    report = result_of(orchestra, name)
    assert (report["cases"], report["passed"], report["failed"]) == (cases, cases, [])


MAIL = "Subject: {{ subject }}\n\n{{ text }}"
CHOICES = ("task", "bug", "nothing", "unsure")
TEXT = {"type": "string"}
HARMLESS: dict[str, dict[str, Any]] = {
    "other title": {"title": "Sort mail"},
    "other description": {"description": "Another one."},
    "no samples": {"samples": []},
    "shorter instructions": {"messages": messages(MAIL)},
    "instructions in German": {"messages": messages(MAIL, "Ordne die Mail ein: task, bug, nothing oder unsure.")},
    "instructions in the other order": {"messages": messages(MAIL, "unsure, nothing, bug or task? Sort the mail.")},
    "instructions before the mail": {"messages": [{"role": "user", "content": f"Sort this mail.\n\n{MAIL}"}]},
    "choices in the other order": format_with(*reversed(CHOICES)),
    "fields in the other order": format_with(*CHOICES, summary=TEXT, title=TEXT),
    "one more field": format_with(*CHOICES, title=TEXT, summary=TEXT, language=TEXT),
}
REGRESSIONS: dict[str, dict[str, Any]] = {
    "text forgotten": {"messages": messages("Subject: {{ subject }}")},
    "subject forgotten": {"messages": messages("{{ text }}")},
    "mail forgotten": {"messages": messages("Sort this mail.")},
    "format forgotten": {"output_schema": None},
    "text in place of the subject": {"messages": messages("Subject: {{ text }}")},
    "an example in place of the mail": {"messages": messages(f"{MAIL}", "Sort.") + messages("Subject: Hi\n\nThanks!")},
    "choice forgotten": format_with("task", "nothing", "unsure"),
    "no way out": format_with("task", "bug", "nothing"),
    "choice renamed": format_with("todo", "bug", "nothing", "unsure"),
    "field renamed": format_with(*CHOICES, kind="category"),
}


def test_there_are_ten_of_each() -> None:
    assert (len(HARMLESS), len(REGRESSIONS)) == (10, 10)


@pytest.mark.parametrize("change", every(4, [pytest.param(one, id=name) for name, one in HARMLESS.items()]))
def test_a_harmless_change_is_not_flagged(orchestra: Orchestra, change: dict[str, Any]) -> None:
    assert result_of(orchestra, **change)["regressions"] == []


@pytest.mark.parametrize("change", every(4, [pytest.param(one, id=name) for name, one in REGRESSIONS.items()]))
def test_a_regression_is_caught(orchestra: Orchestra, change: dict[str, Any]) -> None:
    report = result_of(orchestra, **change)
    assert report["regressions"] != []
    assert report["status"] == "failed"
