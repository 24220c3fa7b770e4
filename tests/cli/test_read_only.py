"""A workspace that cannot be written: what only tells works, and what would write says so with path and remedy."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.cli.conftest import Orchestra, Result
from tests.cli.unprivileged import DAC_OVERRIDE, DAC_READ_SEARCH, as_anybody

pytestmark = pytest.mark.slow

_WRITABLE, _READABLE = 0o755, 0o555

Run = Callable[..., Result]


@pytest.fixture
def run_id(orchestra: Orchestra) -> str:
    """A run that the workspace has had before it became read-only."""
    return str(orchestra("run", "pure", "--json").json["run_id"])


@pytest.fixture
def read_only(workspace: Path, run_id: str, orchestra: Orchestra) -> Iterator[Run]:
    """Run a command as somebody who may read the workspace and not write it."""
    _allow(workspace, _READABLE)

    def run(*arguments: str) -> Result:
        with as_anybody():
            return orchestra(*arguments, "--workspace", str(workspace))

    yield run
    _allow(workspace, _WRITABLE)


def _allow(workspace: Path, mode: int) -> None:
    for path in [workspace, *workspace.rglob("*")]:
        path.chmod(mode if path.is_dir() else mode & 0o666)


def test_what_only_tells_works(read_only: Run, run_id: str) -> None:
    told = read_only("validate", "--json").json
    assert told["valid"]
    assert {problem["severity"] for problem in told["problems"]} <= {"warning"}
    assert read_only("validate", "pure").out.startswith("No problem found.")
    assert "classify-mail" in read_only("prompts", "list").out
    assert '"schema_version": 1' in read_only("prompts", "show", "classify-mail").out
    assert "--- user" in read_only("prompts", "render", "classify-mail", "--sample", "A question").out
    assert read_only("fmt", "--check").code == 1  # the two small workflows are not in their written form
    assert [row["run_id"] for row in read_only("runs", "list", "--json").json["runs"]] == [run_id]
    assert read_only("runs", "show", run_id, "--json").json["status"] == "succeeded"
    shown = read_only("runs", "show", run_id)
    assert (shown.code, shown.err) == (0, "")
    assert {one["name"] for one in read_only("connections", "list", "--json").json["connections"]} >= {"github"}


@pytest.mark.parametrize(
    ("command", "told"),
    [
        pytest.param("tables list", {"tables": [{"name": "seen", "rows": 1}]}, id="tables"),
        pytest.param("tables show seen", {"total": 1}, id="a table"),
        pytest.param("files list", {"has_more": False}, id="files"),
        pytest.param("files show files/a.txt", {"text": "kept"}, id="a file"),
        pytest.param("triggers list", {}, id="triggers"),
        pytest.param("triggers status", {"alarms": []}, id="the status of triggers"),
        pytest.param("triggers dead", {"dead": []}, id="dead items"),
        pytest.param("settings show", {}, id="settings"),
        pytest.param("env list", {"environments": []}, id="environments"),
        pytest.param("users list", {}, id="users"),
        pytest.param("audit list", {}, id="audit"),
        pytest.param("state status", {"writes_held": None}, id="state"),
        pytest.param("attention", {"items": []}, id="attention"),
    ],
)
def test_what_lists_or_shows_works(
    workspace: Path, orchestra: Orchestra, run_id: str, command: str, told: dict[str, object]
) -> None:
    (workspace / "files").mkdir()
    (workspace / "files" / "a.txt").write_text("kept")
    assert orchestra("tables", "set", "seen", "a", "1").code == 0
    before = orchestra(*command.split(), "--json").json
    assert {name: before.get(name) for name in told} == told
    _allow(workspace, _READABLE)
    try:
        with as_anybody():
            found = orchestra(*command.split(), "--json", "--workspace", str(workspace))
    finally:
        _allow(workspace, _WRITABLE)
    assert (found.code, found.json) == (0, before), found


def test_tables_that_are_not_there_are_none(workspace: Path, read_only: Run) -> None:
    assert read_only("tables", "list", "--json").json == {"tables": []}
    assert not [*workspace.rglob("store.db")]


def test_runs_are_listed_while_the_state_has_a_log_beside_it(workspace: Path, orchestra: Orchestra) -> None:
    run_id = orchestra("run", "pure", "--json").json["run_id"]
    state = workspace / ".orchestra" / "state.db"
    held = sqlite3.connect(state)  # another process has it open, so the newest rows are in the log
    held.execute("PRAGMA wal_autocheckpoint=0")
    held.execute("UPDATE runs SET title = 'in the log'")
    held.commit()
    assert state.with_name("state.db-wal").stat().st_size
    _allow(workspace, _READABLE)
    try:
        with as_anybody():
            row = orchestra("runs", "list", "--json").json["runs"][0]
        assert (row["run_id"], row["title"]) == (run_id, "in the log")
    finally:
        _allow(workspace, _WRITABLE)
        held.close()


@pytest.mark.parametrize("missing", [".orchestra", ".orchestra/state.db"])
def test_where_nothing_ran_there_is_nothing_to_tell(workspace: Path, read_only: Run, missing: str) -> None:
    _allow(workspace, _WRITABLE)
    state = workspace / missing
    shutil.rmtree(state) if state.is_dir() else state.unlink()
    _allow(workspace, _READABLE)
    assert read_only("runs", "list", "--json").json["runs"] == []
    assert read_only("validate").code == 0


WRITES = [
    pytest.param(["run", "pure"], id="run"),
    pytest.param(["runs", "cancel", "RUN"], id="runs cancel"),
    pytest.param(["runs", "resume", "RUN"], id="runs resume"),
    pytest.param(["fmt"], id="fmt"),
    pytest.param(["reindex"], id="reindex"),
    pytest.param(["users", "add", "bob"], id="users add"),
    pytest.param(["connections", "add", "http", "--name", "web"], id="connections add"),
    pytest.param(["login-link"], id="login-link"),
    pytest.param(["demo", "reset"], id="demo reset"),
    pytest.param(["serve"], id="serve"),
    pytest.param(["tables", "set", "seen", "a", "1"], id="tables set"),
    pytest.param(["collections", "list"], id="collections list"),
    pytest.param(["demo", "show"], id="demo show"),
]


@pytest.mark.parametrize("command", WRITES)
def test_what_would_write_says_so_in_one_sentence(
    workspace: Path, read_only: Run, run_id: str, command: list[str]
) -> None:
    given = [run_id if word == "RUN" else word for word in command]
    result = read_only(*given, "--json")
    assert (result.code, result.json["error"]["type"]) == (4, "StorageError"), result
    error = result.json["error"]
    assert str(workspace) in error["message"]
    assert "work in a copy of" in error["remedy"]
    assert "free space" not in error["remedy"]
    assert "Errno" not in error["message"]
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        pytest.param(".orchestra", ("runs", "list"), id="the state"),
        pytest.param(".orchestra", ("triggers", "list"), id="the state, of triggers"),
        pytest.param("logs", ("runs", "show"), id="the logs"),
        pytest.param("workflows", ("validate",), id="workflows"),
    ],
)
def test_a_folder_that_may_not_be_entered_is_no_empty_one(
    workspace: Path, orchestra: Orchestra, run_id: str, folder: str, command: tuple[str, ...]
) -> None:
    named = (*command, run_id) if command == ("runs", "show") else command
    (workspace / folder).chmod(0)
    try:
        with as_anybody(DAC_OVERRIDE, DAC_READ_SEARCH):
            done = orchestra(*named, "--workspace", str(workspace))
    finally:
        (workspace / folder).chmod(0o700)
    assert done.code == 4, done
    assert "Permission denied" in done.err
    assert folder in done.err
    assert "Unexpected error" not in done.err


@pytest.fixture
def on_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The state of the workspace is on a server, which could be written."""
    with postgres.schema() as url:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        yield


@pytest.mark.usefixtures("on_server")
def test_with_the_state_on_a_server_reading_works_and_writing_is_refused_in_words(
    workspace: Path, read_only: Run, run_id: str
) -> None:
    assert [row["run_id"] for row in read_only("runs", "list", "--json").json["runs"]] == [run_id]
    assert read_only("prompts", "list").code == 0
    refused = read_only("users", "add", "bob", "--json")
    assert (refused.code, refused.json["error"]["type"]) == (4, "StorageError"), refused
    assert str(workspace) in refused.json["error"]["message"]
