"""The prompts area: rights, audit, and a list that no damaged file breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.base.clock import utc_now
from engine.base.errors import InvalidFile, InvalidInput, NotAllowed, StaleEdit, UnknownName
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.prompts.prompt_files import PromptFiles
from engine.prompts.prompts import PromptStore
from engine.store.sql.people.audit import SqlAudit
from engine.store.sqlite.database import SqliteStateDatabase
from engine.workspace.workspace import Workspace

EDITOR = Principal("ann", "editor")
VIEWER = Principal("vic", "viewer")
PROMPT: dict[str, Any] = {
    "schema_version": 1,
    "title": "Greet",
    "model": "small",
    "variables": {"name": {"type": "string"}},
    "messages": [{"role": "user", "content": ["Hello", "{{ name }}"]}],
}
TEXT = json.dumps(PROMPT)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def audit(workspace: Workspace) -> Audit:
    return Audit(SqlAudit(SqliteStateDatabase(workspace.state_dir)), utc_now)


@pytest.fixture
def area(workspace: Workspace, audit: Audit) -> PromptFiles:
    return PromptFiles(PromptStore(workspace), audit)


def test_a_prompt_is_saved_versioned_and_labelled(area: PromptFiles, audit: Audit) -> None:
    draft = area.save(EDITOR, "greet", TEXT, None)
    assert (draft.versions, draft.labels, draft.problems) == ([], {}, [])
    assert area.save_version(EDITOR, "greet", draft.text, draft.etag, "production") == 1
    now = area.get(VIEWER, "greet")
    assert area.save_version(EDITOR, "greet", now.text.replace("Hello", "Hi"), now.etag, None) == 2
    area.set_label(EDITOR, "greet", "staging", 2)
    file = area.get(VIEWER, "greet")
    assert (file.versions, file.labels, file.problems) == ([1, 2], {"production": 1, "staging": 2}, [])
    assert "Hello" in area.get(VIEWER, "greet", 1).text
    [row] = area.list(VIEWER)
    assert (row.name, row.title, row.versions, row.labels, row.problems) == ("greet", "Greet", [1, 2], file.labels, 0)
    assert [line.action for line in reversed(audit.latest())] == [
        "prompts.save",
        "prompts.save_version",
        "prompts.save_version",
        "prompts.set_label",
    ]


def test_tags_group_prompts_and_belong_to_no_version(area: PromptFiles) -> None:
    area.save_version(EDITOR, "greet", TEXT, None, "production")
    area.save(EDITOR, "other", TEXT, None)
    assert area.tag(EDITOR, "greet", ["mail", "first"]) == ["first", "mail"]
    assert area.tag(EDITOR, "other", ["mail"], []) == ["mail"]
    assert area.tag(EDITOR, "greet", [], ["first"]) == ["mail"]
    file = area.get(VIEWER, "greet")
    assert '"tags": ["mail"],\n  "labels"' in file.text, "their place in the canonical form"
    assert area.save_version(EDITOR, "greet", file.text, file.etag, None) == 2
    assert area.get(VIEWER, "greet", 1).text == area.get(VIEWER, "greet", 2).text, "a tag is part of a version"
    assert [one.name for one in area.list(VIEWER, tags=["mail"])] == ["greet", "other"]
    assert area.list(VIEWER, tags=["mail", "first"]) == []
    assert [one.name for one in area.list(VIEWER, "MAIL")] == ["greet", "other"], "the search looks at tags"
    assert "tags:\n- mail\n" in area.exported(VIEWER, "greet", "production")
    assert area.imported(EDITOR, area.exported(VIEWER, "greet"), "again").tags == ["mail"]
    assert area.tag(EDITOR, "greet", [], ["mail"]) == []
    assert '"tags"' not in area.get(VIEWER, "greet").text


@pytest.mark.parametrize(
    ("add", "remove", "error"),
    [
        pytest.param(["Mail"], [], InvalidInput, id="capital letter"),
        pytest.param(["a b"], [], InvalidInput, id="blank"),
        pytest.param(["a" * 33], [], InvalidInput, id="long"),
        pytest.param([f"t{number}" for number in range(21)], [], InvalidInput, id="many"),
        pytest.param(["mail"], ["mail"], UnknownName, id="removed before it was there"),
    ],
)
def test_a_wrong_tag_changes_nothing(
    area: PromptFiles, add: list[str], remove: list[str], error: type[Exception]
) -> None:
    before = area.save(EDITOR, "greet", TEXT, None)
    with pytest.raises(error):
        area.tag(EDITOR, "greet", add, remove)
    with pytest.raises(NotAllowed):
        area.tag(VIEWER, "greet", ["fine"])
    assert area.get(VIEWER, "greet").etag == before.etag


@pytest.mark.parametrize(
    ("tags", "code", "line"),
    [
        pytest.param('["ok", "ok"]', "tag", 2, id="twice"),
        pytest.param('["Not ok"]', "tag", 2, id="form"),
        pytest.param('"mail"', "wrong_type", 2, id="no list"),
    ],
)
def test_tags_in_the_file_are_checked(area: PromptFiles, tags: str, code: str, line: int) -> None:
    [problem] = area.check(VIEWER, "greet", f'{{"tags":\n{tags}, {TEXT[1:]}')
    assert (problem.code, problem.line) == (code, line)


def test_a_version_or_a_draft_is_rendered(area: PromptFiles) -> None:
    area.save_version(EDITOR, "greet", TEXT, None, "production")
    rendered = area.render(VIEWER, "greet", {"name": "Ann"})
    assert rendered.messages == [{"role": "user", "content": "Hello\nAnn"}]
    assert (rendered.model, rendered.version) == ("small", 1)
    draft = area.render(VIEWER, {**PROMPT, "messages": [{"role": "user", "content": "Bye {{ name }}"}]}, {"name": "B"})
    assert (draft.messages[0]["content"], draft.version) == ("Bye B", None)
    with pytest.raises(InvalidFile):
        area.render(VIEWER, {"messages": 5}, {})
    with pytest.raises(UnknownName):
        area.render(VIEWER, "great", {})


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda area, etag: area.save(VIEWER, "greet", TEXT, etag), id="save"),
        pytest.param(lambda area, etag: area.save_version(VIEWER, "greet", TEXT, etag, None), id="save-version"),
        pytest.param(lambda area, _: area.set_label(VIEWER, "greet", "production", 1), id="set-label"),
    ],
)
def test_a_viewer_changes_nothing(area: PromptFiles, act: Callable[[PromptFiles, str], object]) -> None:
    before = area.save(EDITOR, "greet", TEXT, None)
    with pytest.raises(NotAllowed):
        act(area, before.etag)
    assert area.get(VIEWER, "greet") == before


def test_a_second_editor_is_told(area: PromptFiles) -> None:
    first = area.save(EDITOR, "greet", TEXT, None)
    area.save(EDITOR, "greet", TEXT.replace("Hello", "Hi"), first.etag)
    with pytest.raises(StaleEdit):
        area.save(EDITOR, "greet", TEXT.replace("Hello", "Hey"), first.etag)


@pytest.mark.parametrize(
    ("damage", "line", "column"),
    [
        pytest.param(b'{"schema_version": 1,\n "messages": [', 2, 15, id="cut"),
        pytest.param(b'{\n"a": \xff}', 2, 6, id="not-utf8"),
        pytest.param(b'{"a": NaN}', 1, 7, id="nan"),
        pytest.param(b"[" * 1000, 1, 65, id="thousand-levels"),
        pytest.param(b"[]", 1, 1, id="a-list"),
        pytest.param(b'{"labels": [], "title": 5}', 1, 1, id="wrong-types"),
        pytest.param(None, 1, 1, id="folder"),
    ],
)
def test_a_damaged_file_is_listed_with_its_place_and_breaks_nothing(
    area: PromptFiles, workspace: Workspace, damage: bytes | None, line: int, column: int
) -> None:
    area.save(EDITOR, "greet", TEXT, None)
    path = workspace.prompts.folder / "bad.json"
    path.mkdir() if damage is None else path.write_bytes(damage)
    bad, good = area.list(VIEWER)
    assert (bad.name, bad.title, bad.labels, good.problems) == ("bad", "bad", {}, 0)
    assert bad.problems >= 1
    problem = area.get(VIEWER, "bad").problems[0]
    assert (problem.file, problem.line, problem.column) == ("prompts/bad.json", line, column)


def test_names_that_cannot_be_used_are_listed_too(area: PromptFiles, workspace: Workspace) -> None:
    workspace.prompts.folder.mkdir()
    (workspace.prompts.folder / "My Prompt.json").write_text(TEXT)
    assert [(row.name, row.problems) for row in area.list(VIEWER)] == [("My Prompt", 1)]
