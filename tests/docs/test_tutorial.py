"""The tutorial works: its commands run in the order of the page, with the ids that they print, and do what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from cli import main
from tests.docs.pages import blocks, text_of
from tests.workspaces import init

PAGE = "docs/tutorial.md"
BY_HAND = {"make run", "source .venv/bin/activate"}
"""What a person does first; `.ci/fresh` does the same."""
EXIT_CODES = {"plans apply": 5, "run": 5, "runs cancel": 0}
"""Commands that end with another code than 0: the run waits for an answer."""
PRINTED = {
    "run --plan": {"PLAN_ID": r"^Plan (\S+) of bugs: 3 writes"},
    "plans apply": {"RUN_ID": r"^Run (\S+): waiting\."},
    "approvals list": {
        "UPLOAD_ID": r"^(\w+) .*App crashes when I upload",
        "CSV_ID": r"^(\w+) .*CSV export",
        "SCHOOLS_ID": r"^(\w+) .*price for schools",
    },
    "run": {"AGAIN_ID": r"^Run (\S+): waiting\."},
}
"""Where the output of a command has the ids that later ones take."""
SAID = {
    "validate": "No problem found.",
    "approvals show": '"repository": "acme/app"',
    "approvals reject": "2 issues",
    "runs show": "2 issues",
    "run": "2 already done",
    "runs undo": "undone",
}


def name_of(words: list[str]) -> str:
    """The command without what follows it; a plan is another command than a run."""
    if words[1] == "run":
        return "run --plan" if "--plan" in words else "run"
    return " ".join(words[1:3]) if words[1] != "validate" else words[1]


@pytest.mark.slow
def test_the_commands_of_the_tutorial_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    init(tmp_path / "workspace")
    monkeypatch.chdir(tmp_path / "workspace")
    [workflow] = blocks(PAGE, "json")
    Path("workflows/bugs.json").write_text(workflow)
    ids: dict[str, str] = {}
    done = set()
    for line in "".join(blocks(PAGE, "sh")).splitlines():
        if line in BY_HAND:
            continue
        words = [ids.get(word, word) for word in shlex.split(line)]
        assert words[0] == "orchestra"
        assert not [word for word in words if re.fullmatch("[A-Z_]+_ID", word)], line
        capsys.readouterr()
        code, name = main(words[1:]), name_of(words)
        said = capsys.readouterr()
        assert code == EXIT_CODES.get(name, 0), (line, said)
        assert SAID.get(name, "") in said.out, (line, said)
        for placeholder, pattern in PRINTED.get(name, {}).items():
            [ids[placeholder]] = re.findall(pattern, said.out, re.MULTILINE)
        done.add(name)
    assert {*EXIT_CODES, *PRINTED, *SAID} <= done


def test_the_mistake_of_the_tutorial_is_told_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    init(tmp_path / "workspace")
    monkeypatch.chdir(tmp_path / "workspace")
    [wrong] = re.findall(r"write `(mail\.\w+)` somewhere", text_of(PAGE))
    Path("workflows/bugs.json").write_text(blocks(PAGE, "json")[0].replace("mail.subject", wrong, 1))
    assert main(["validate", "bugs"]) == 2
    said = capsys.readouterr()
    assert re.search(r"line \d+|:\d+", said.out + said.err), said
    assert "subject" in said.out + said.err, said
