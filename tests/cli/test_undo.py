"""`orchestra runs undo`: what a demo run has written is undone after a question on a terminal, and reported in full."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cli import main
from demo.store import Store
from tests.cli.conftest import Orchestra, Result

WORK = {
    "schema_version": 1,
    "title": "Work",
    "steps": [
        {
            "id": "each",
            "foreach": "{{ ['a', 'b'] }}",
            "key": "{{ item }}",
            "steps": [
                {
                    "id": "issue",
                    "uses": "github.create_issue",
                    "with": {"repository": "acme/app", "title": "Issue {{ item }}"},
                }
            ],
        },
        {
            "id": "mail",
            "uses": "gmail.send",
            "approve": "never",
            "with": {"to": "ann@example.org", "subject": "Done", "text": "Two issues."},
        },
    ],
}


@pytest.fixture
def run_id(workspace: Path, orchestra: Orchestra) -> str:
    """A demo run that has written two issues and a mail."""
    (workspace / "workflows" / "work.json").write_text(json.dumps(WORK))
    result = orchestra("run", "work", "--demo", "--json")
    assert result.code == 0, result.out
    return str(result.json["run_id"])


def open_issues(orchestra: Orchestra) -> list[str]:
    issues = orchestra("demo", "show", "--json").json["github"]["issues"]
    return [issue["title"] for issue in issues if issue["state"] == "open" and issue["title"].startswith("Issue ")]


def answered(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str, *words: str) -> Result:
    """Run a command as if on a terminal, and answer its question."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda text: print(text) or answer == "y")  # noqa: T201 - the question
    capsys.readouterr()
    code = main(words)
    written = capsys.readouterr()
    return Result(code, written.out, written.err)


def test_a_run_is_undone_and_every_write_is_told(orchestra: Orchestra, run_id: str) -> None:
    item = orchestra("runs", "undo", run_id, "--item", "a", "--json")
    assert (item.code, [line["path"] for line in item.json["undone"]]) == (0, ["each[0].issue"])
    assert open_issues(orchestra) == ["Issue b"]
    rest = orchestra("runs", "undo", run_id)
    assert rest.code == 0
    assert "each[1].issue (github.create_issue)" in rest.out
    assert "What stays: the closed issue, with the note." in rest.out
    assert "1 write undone, 0 refused." in rest.out
    assert "cannot be recalled" in rest.err
    assert "undone before" in rest.err
    assert open_issues(orchestra) == []
    shown = orchestra("runs", "show", run_id).out
    undone_lines = [line for line in shown.splitlines() if "(undone at 20" in line]
    assert [line.split()[0] for line in undone_lines] == ["each[0].issue", "each[1].issue"]
    assert "2 of 3 writes were undone." in shown
    assert shown.count("(undone)") == 2
    again: Any = orchestra("runs", "undo", run_id, "--json").json
    assert (again["undone"], len(again["left"]), len(again["cannot"])) == ([], 2, 1)


def test_on_a_terminal_it_lists_and_asks(
    orchestra: Orchestra, run_id: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said_no = answered(capsys, monkeypatch, "n", "runs", "undo", run_id)
    assert said_no.code == 1
    assert "each[1].issue" in said_no.out
    assert "Undo 2 writes?" in said_no.out
    assert open_issues(orchestra) == ["Issue a", "Issue b"]
    assert answered(capsys, monkeypatch, "y", "runs", "undo", run_id).code == 0
    assert open_issues(orchestra) == []


def test_what_somebody_changed_is_refused_with_exit_code_1(orchestra: Orchestra, run_id: str, workspace: Path) -> None:
    store = Store(workspace / ".orchestra" / "demo" / "demo.db")
    issue = next(each for each in store.all("github/issues") if each["title"] == "Issue b")
    store.put("github/issues", f"acme/app#{issue['number']}", {**issue, "title": "Mine"})
    store.close()
    refused = orchestra("runs", "undo", run_id)
    assert refused.code == 1
    assert f"refused: each[1].issue (github.create_issue)  {issue_url(orchestra, 'Mine')}" in refused.err
    assert "The title of issue" in refused.err
    assert "1 write undone, 1 refused." in refused.out


def issue_url(orchestra: Orchestra, title: str) -> str:
    issues = orchestra("demo", "show", "--json").json["github"]["issues"]
    return str(next(issue["html_url"] for issue in issues if issue["title"] == title))


def test_a_damaged_log_is_named_before_anything_is_undone(run_id: str, workspace: Path, orchestra: Orchestra) -> None:
    (path,) = (workspace / "logs").rglob(f"{run_id}.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "counts": {}}))
    result = orchestra("runs", "undo", run_id, "--demo", "--yes")
    assert result.code == 2
    assert f"{run_id}.json" in result.err
    assert "`$.counts`" in result.err
    assert "Take it from a backup" in result.err
    assert open_issues(orchestra) == ["Issue a", "Issue b"]
