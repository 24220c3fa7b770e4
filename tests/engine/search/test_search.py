from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from engine.people.access import NOTIFIER, Principal
from engine.search.ranking import rank
from tests.workspaces import init

OWNER, VIEWER = Principal("ada", "owner"), Principal("bob", "viewer")
SAY = {"schema_version": 1, "title": "Inbox zero", "steps": [{"id": "a", "uses": "flow.set", "with": {"values": {}}}]}


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    init(tmp_path / "workspace")
    opened = Orchestra.open(tmp_path / "workspace", demo=True)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("query", "best_first"),
    [
        pytest.param("inbox", ["Inbox", "Inbox triage", "The inbox", "Sandinboxes"], id="whole, begins, word, inside"),
        pytest.param("triage in", ["Inbox triage"], id="all words, in any order"),
        pytest.param("INBOX-TR", ["Inbox triage"], id="the name, whatever the case"),
        pytest.param("mail", ["Inbox triage"], id="the text beside"),
        pytest.param("inbox nothing", [], id="one word is nowhere"),
    ],
)
def test_what_fits_better_comes_first(query: str, best_first: list[str]) -> None:
    names = {"The inbox": "x", "Sandinboxes": "y", "Inbox": "z", "Inbox triage": "inbox-triage"}
    ranks = {title: rank(query, title, name, "New mail" * (title == "Inbox triage")) for title, name in names.items()}
    found = {title: fit for title, fit in ranks.items() if fit is not None}
    assert sorted(found, key=lambda title: found[title]) == best_first


def test_everything_of_a_workspace_is_found_by_its_words(orchestra: Orchestra) -> None:
    orchestra.workflows.save(OWNER, "zero", json.dumps(SAY), None)
    orchestra.fragments.save(OWNER, "inbox-tone", "Be kind.", None)
    run_id = orchestra.runs.start(OWNER, "zero", {})
    orchestra.runs.wait(OWNER, run_id, 60)

    def found(query: str) -> list[tuple[str, str]]:
        return [(hit.kind, hit.name) for hit in orchestra.search.find(VIEWER, query)]

    assert found("inbox")[:4] == [
        ("workflow", "zero"), ("fragment", "inbox-tone"), ("workflow", "inbox-triage"), ("run", run_id)
    ]  # fmt: skip
    assert found(run_id[-8:]) == [("run", run_id)]
    (orchestra.workspace.root / "files" / "2026").mkdir(parents=True)
    (orchestra.workspace.root / "files" / "2026" / "umsätze.csv").write_text("a\n")
    (orchestra.workspace.root / "agents").mkdir(exist_ok=True)
    (orchestra.workspace.root / "agents" / "helper.json").write_text('{"title": "Answers questions"}')
    (orchestra.workspace.root / "tools" / "largest").mkdir(parents=True)
    (orchestra.workspace.root / "tools" / "largest" / "tool.json").write_text("{}")
    assert found("umsätze 2026") == [("file", "files/2026/umsätze.csv")]
    assert found("questions answers") == [("agent", "helper")]
    assert found("largest")[0] == ("tool", "largest")
    assert found("classify-mail")[0] == ("prompt", "classify-mail")
    assert ("connection", "gmail") in found("gmail")
    assert found("") == found("no such thing") == []


def test_a_file_that_is_no_json_is_found_by_its_name(orchestra: Orchestra) -> None:
    (orchestra.workspace.workflows.folder / "half-done.json").write_text('{"title": "No')
    assert [hit.title for hit in orchestra.search.find(OWNER, "half")] == ["Half done"]


def test_runs_with_links_that_answer_questions_are_found_by_those_who_may_answer(orchestra: Orchestra) -> None:
    orchestra.workflows.save(OWNER, "zero", json.dumps(SAY), None)
    run_id = orchestra.runs.start(NOTIFIER, "zero", {})
    orchestra.runs.wait(OWNER, run_id, 60)
    assert [hit.name for hit in orchestra.search.find(OWNER, run_id)] == [run_id]
    assert orchestra.search.find(VIEWER, run_id) == []
