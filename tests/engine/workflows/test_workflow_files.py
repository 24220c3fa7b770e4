"""The workflows area: rights, audit, conflicts, and a list that no damaged file breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from engine.base.clock import utc_now
from engine.base.errors import (
    InUse,
    InvalidFile,
    InvalidInput,
    NotAllowed,
    OrchestraError,
    StaleEdit,
    UnknownName,
)
from engine.compiler.compiler import CompilerContext
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.prompts.prompts import PromptStore
from engine.record.run_log import RunLogs
from engine.runs.renaming import Renaming
from engine.store.blobs.disk import DiskBlobs
from engine.store.sql.people.audit import SqlAudit
from engine.store.sql.renames import SqlRenames
from engine.store.sqlite.database import SqliteStateDatabase
from engine.workflows.compiled_files import CompiledFiles
from engine.workflows.workflow_files import WorkflowFiles
from engine.workspace.layout import StepLook
from engine.workspace.workspace import Workspace
from tests.few import examples

EDITOR = Principal("ann", "editor")
VIEWER = Principal("vic", "viewer")
GOOD: dict[str, Any] = {
    "schema_version": 1,
    "title": "Good",
    "description": "Does good.",
    "steps": [{"id": "a", "uses": "flow.set", "with": {"values": {"x": 1}}}],
    "outputs": {"x": "{{ steps.a.output.x }}"},
}
TEXT = json.dumps(GOOD)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def database(workspace: Workspace) -> SqliteStateDatabase:
    return SqliteStateDatabase(workspace.state_dir)


@pytest.fixture
def audit(database: SqliteStateDatabase) -> Audit:
    return Audit(SqlAudit(database), utc_now)


@pytest.fixture
def area(workspace: Workspace, database: SqliteStateDatabase, audit: Audit) -> WorkflowFiles:
    store = PromptStore(workspace)
    services = {"gmail": "gmail", "github": "github", "notion": "notion", "llm": "openai"}
    logs = RunLogs(DiskBlobs(workspace.logs))
    return WorkflowFiles(
        workspace,
        CompiledFiles(workspace.workflows, lambda: CompilerContext(services, store.resolve)),
        audit,
        Renaming(SqlRenames(database), logs, workspace, utc_now),
    )


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
def test_a_workflow_is_saved_as_it_is_written_and_comes_back(area: WorkflowFiles, indent: int | str | None) -> None:
    typed = json.dumps({**dict(reversed(GOOD.items())), "id": "mine"}, indent=indent)
    saved = area.save(EDITOR, "good", f"{typed}  \n\n", None)
    assert saved.text == f"{typed}\n"
    assert saved.document == {**GOOD, "id": "mine"}
    assert saved.problems == []
    assert area.get(VIEWER, "good") == saved
    [row] = area.list(VIEWER)
    assert (row.name, row.title, row.description, row.problems, row.steps, row.services) == (
        "good",
        "Good",
        "Does good.",
        0,
        1,
        [],
    )
    assert area.plan(VIEWER, "good").name == "good"


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda area: area.save(VIEWER, "b", TEXT, None), id="save"),
        pytest.param(lambda area: area.create_from_sample(VIEWER, "inbox-triage", "b"), id="sample"),
        pytest.param(lambda area: area.duplicate(VIEWER, "good", "b"), id="duplicate"),
        pytest.param(lambda area: area.rename(VIEWER, "good", "b"), id="rename"),
        pytest.param(lambda area: area.delete(VIEWER, "good"), id="delete"),
        pytest.param(lambda area: area.move_steps(VIEWER, "good", {}), id="move-steps"),
        pytest.param(lambda area: area.change_looks(VIEWER, "good", {}), id="change-looks"),
    ],
)
def test_a_viewer_changes_nothing(area: WorkflowFiles, act: Callable[[WorkflowFiles], object]) -> None:
    saved = area.save(EDITOR, "good", TEXT, None)
    with pytest.raises((NotAllowed, UnknownName)) as caught:
        act(area)
    assert isinstance(caught.value, NotAllowed) or "saved version" in caught.value.message
    assert [row.name for row in area.list(VIEWER)] == ["good"]
    assert area.get(VIEWER, "good") == saved


def test_every_change_leaves_an_audit_line(area: WorkflowFiles, audit: Audit) -> None:
    saved = area.save(EDITOR, "a", TEXT, None)
    area.save(EDITOR, "a", TEXT.replace("Good", "Better"), saved.etag)
    area.duplicate(EDITOR, "a", "b")
    area.rename(EDITOR, "b", "c")
    area.create_from_sample(EDITOR, "reply-drafts", "d")
    area.delete(EDITOR, "c")
    assert [(line.principal, line.action, line.target) for line in reversed(audit.latest())] == [
        ("ann", "workflows.save", "a"),
        ("ann", "workflows.save", "a"),
        ("ann", "workflows.duplicate", "b"),
        ("ann", "workflows.rename", "c"),
        ("ann", "workflows.create", "d"),
        ("ann", "workflows.delete", "c"),
    ]


def test_a_second_editor_is_told_and_overwrites_nothing(area: WorkflowFiles) -> None:
    first = area.save(EDITOR, "a", TEXT, None)
    second = area.save(EDITOR, "a", TEXT.replace("Good", "Second"), first.etag)
    with pytest.raises(StaleEdit):
        area.save(EDITOR, "a", TEXT.replace("Good", "Third"), first.etag)
    with pytest.raises(InUse):
        area.save(EDITOR, "a", TEXT, None)
    assert area.get(VIEWER, "a") == second


def test_a_text_that_is_no_json_object_is_not_saved_and_its_place_is_named(area: WorkflowFiles) -> None:
    with pytest.raises(InvalidFile) as caught:
        area.save(EDITOR, "a", '{"schema_version": 1,\n "steps": [,]}', None)
    assert [(one.file, one.line, one.column) for one in caught.value.problems] == [("workflows/a.json", 2, 12)]
    with pytest.raises(InvalidFile):
        area.save(EDITOR, "a", "[]", None)
    assert area.list(VIEWER) == []


def test_work_with_other_mistakes_is_kept_and_does_not_run(area: WorkflowFiles) -> None:
    saved = area.save(EDITOR, "a", TEXT.replace("flow.set", "flow.sett"), None)
    assert [one.code for one in saved.problems] == ["unknown_step_type"]
    assert area.list(VIEWER)[0].problems == 1
    with pytest.raises(InvalidFile, match=r"flow\.sett"):
        area.plan(VIEWER, "a")


def test_a_copy_has_a_title_of_its_own(area: WorkflowFiles) -> None:
    area.save(EDITOR, "a", TEXT, None)
    area.move_steps(EDITOR, "a", {"a": [0, 10]})
    copy = area.duplicate(EDITOR, "a", "b")
    assert copy.document is not None
    assert copy.document["title"] == "Copy of Good"
    assert area.positions(VIEWER, "b") == {"a": [0, 10]}
    with pytest.raises(InUse):
        area.duplicate(EDITOR, "a", "b")


def test_a_damaged_layout_is_no_layout(area: WorkflowFiles, workspace: Workspace) -> None:
    area.save(EDITOR, "a", TEXT, None)
    for damage in (b"[]", b"{", b"\xff", b'{"positions": 5}'):
        workspace.workflows.layout_path("a").write_bytes(damage)
        assert area.positions(VIEWER, "a") == {}


def test_the_look_of_a_step_is_kept_beside_its_place_and_reset_part_by_part(
    area: WorkflowFiles, workspace: Workspace
) -> None:
    area.save(EDITOR, "a", TEXT, None)
    area.move_steps(EDITOR, "a", {"a": [0, 10]})
    area.change_looks(EDITOR, "a", {"a": {"size": [300, 90], "icon": "mail"}})
    look = StepLook([300, 90], "mail", "blue")
    assert area.change_looks(EDITOR, "a", {"a": {"color": "blue"}}) == area.looks(VIEWER, "a") == {"a": look}
    assert json.loads(workspace.workflows.layout_path("a").read_text()) == {
        "schema_version": 2,
        "positions": {"a": [0, 10]},
        "looks": {"a": {"size": [300, 90], "icon": "mail", "color": "blue"}},
    }
    area.change_looks(EDITOR, "a", {"a": {"size": None, "icon": ""}})
    area.move_steps(EDITOR, "a", {"a": None})
    assert area.looks(VIEWER, "a") == {"a": StepLook(color="blue")}
    area.change_looks(EDITOR, "a", {"a": {"color": None}, "gone": {"icon": None}})
    assert not workspace.workflows.layout_path("a").exists()


ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize("icon", ["star", "📮", "❤️", "👍🏽", "👩‍💻", "🏳️‍🌈", "🇩🇪", "3️⃣", ENGLAND])
def test_an_icon_is_one_of_the_names_or_an_emoji(area: WorkflowFiles, icon: str) -> None:
    area.save(EDITOR, "a", TEXT, None)
    assert area.change_looks(EDITOR, "a", {"a": {"icon": icon}}) == {"a": StepLook(icon=icon)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"icon": "stars"}, "'stars' is not an icon for the step 'a'. Give one emoji, or one of mail, "),
        ({"icon": "📮📮"}, "is not an icon"),
        ({"icon": "A"}, "is not an icon"),
        ({"icon": "\u202e"}, "is not an icon"),
        ({"icon": "📮\u200d<"}, "is not an icon"),
        ({"color": "red"}, "'red' is not a color for the step 'a'. Give one of blue, "),
        ({"color": ["blue"]}, "is not a color"),
        ({"size": [300]}, "is not a size"),
        ({"size": [300, 1e9]}, "two numbers from 40 to 4000"),
        ({"size": [True, 90]}, "is not a size"),
        ({"size": "300,90"}, "is not a size"),
    ],
)
def test_a_look_that_cannot_be_drawn_is_refused_and_in_a_file_it_is_left_out(
    area: WorkflowFiles, workspace: Workspace, change: dict[str, Any], words: str
) -> None:
    area.save(EDITOR, "a", TEXT, None)
    with pytest.raises(InvalidInput) as refused:
        area.change_looks(EDITOR, "a", {"a": change})
    assert words in f"{refused.value} {refused.value.remedy}"
    layout = {"schema_version": 2, "looks": {"a": change, "b": {"icon": "star"}, "c": 5}}
    workspace.workflows.layout_path("a").write_text(json.dumps(layout))
    assert area.looks(VIEWER, "a") == {"b": StepLook(icon="star")}


DAMAGES = [
    pytest.param(b'{"schema_version": 1,\n "steps": [', 2, 12, id="cut"),
    pytest.param(b"", 1, 1, id="empty"),
    pytest.param(b'{\n"a": \xff}', 2, 6, id="not-utf8"),
    pytest.param(b'{"a": NaN}', 1, 7, id="nan"),
    pytest.param(b"[" * 1000, 1, 65, id="thousand-levels"),
    pytest.param(b'{"steps": [{"id": "a"}, {"id": 5}]}', 1, 1, id="wrong-form"),
    pytest.param(b"null", 1, 1, id="null"),
    pytest.param(b'{"steps": "x", "title": 5, "description": []}', 1, 1, id="wrong-types"),
    pytest.param(b'{"x": "' + b"y" * 1_000_001 + b'"}', 1, 1, id="large"),
    pytest.param(None, 1, 1, id="folder"),
]


@pytest.mark.parametrize(("damage", "line", "column"), DAMAGES)
def test_a_damaged_file_is_listed_with_its_place_and_breaks_nothing(
    area: WorkflowFiles, workspace: Workspace, damage: bytes | None, line: int, column: int
) -> None:
    area.save(EDITOR, "good", TEXT, None)
    path = workspace.workflows.folder / "bad.json"
    path.mkdir() if damage is None else path.write_bytes(damage)
    bad, good = area.list(VIEWER)
    assert (bad.name, bad.title) == ("bad", "bad")
    assert bad.problems >= 1
    assert good.problems == 0
    problem = area.get(VIEWER, "bad").problems[0]
    assert (problem.file, problem.line, problem.column) == ("workflows/bad.json", line, column)


def test_files_with_names_that_cannot_be_used_are_listed_too(area: WorkflowFiles, workspace: Workspace) -> None:
    workspace.workflows.folder.mkdir()
    (workspace.workflows.folder / "My Flow.json").write_text(TEXT)
    (workspace.workflows.folder / "link.json").symlink_to("/etc/hostname")
    rows = area.list(VIEWER)
    assert [(row.name, row.problems) for row in rows] == [("My Flow", 1), ("link", 1)]
    with pytest.raises(InvalidInput):
        area.get(VIEWER, "My Flow")


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_that_rot_anywhere_never_break_the_list(
    area: WorkflowFiles, workspace: Workspace, data: st.DataObject
) -> None:
    workspace.workflows.folder.mkdir(exist_ok=True)
    rotten = bytearray(TEXT.encode())
    if data.draw(st.booleans()):
        del rotten[data.draw(st.integers(0, len(rotten) - 1)) :]
    for _ in range(data.draw(st.integers(0, 3))):
        if rotten:
            rotten[data.draw(st.integers(0, len(rotten) - 1))] = data.draw(st.integers(0, 255))
    (workspace.workflows.folder / "rotten.json").write_bytes(rotten)
    [row] = area.list(VIEWER)
    file = area.get(VIEWER, "rotten")
    assert row.problems == sum(one.severity == "error" for one in file.problems)
    for problem in file.problems:
        assert problem.file == "workflows/rotten.json"
        assert problem.line >= 1


def test_a_damaged_file_can_be_deleted_and_duplicated(area: WorkflowFiles, workspace: Workspace) -> None:
    workspace.workflows.folder.mkdir()
    (workspace.workflows.folder / "bad.json").write_text("{")
    copy = area.duplicate(EDITOR, "bad", "copy")
    assert copy.text == "{"
    area.delete(EDITOR, "bad")
    area.save(EDITOR, "copy", TEXT, copy.etag)
    assert [row.name for row in area.list(VIEWER)] == ["copy"]


@pytest.mark.parametrize("name", ["../config", "a/b", "", "con"])
def test_no_name_leaves_the_folder(area: WorkflowFiles, name: str) -> None:
    for act in (
        lambda: area.get(VIEWER, name),
        lambda: area.check(VIEWER, name, TEXT),
        lambda: area.save(EDITOR, name, TEXT, None),
        lambda: area.plan(VIEWER, name),
        lambda: area.create_from_sample(EDITOR, "inbox-triage", name),
        lambda: area.create_from_sample(EDITOR, name, "b"),
    ):
        with pytest.raises(OrchestraError):
            act()
    assert area.list(VIEWER) == []
