"""Folders that a `file` connection may have: none that holds the program's own files, however it is reached."""

from __future__ import annotations

import errno
import io
import multiprocessing
import os
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Literal

import pytest

import clients
from clients.client import Opening
from clients.errors import Conflict, InvalidRequest, NotFound, Unavailable
from clients.file.client import FileClient
from clients.file.service import FileSettings


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with its own files, and with links around it."""
    root = tmp_path / "workspace"
    for name in (".orchestra/blobs", ".git", "logs", "workflows", "prompts/fragments", "inbox"):
        (root / name).mkdir(parents=True)
    for name in ("config.yaml", "config.yaml.bak", "config.yaml~", ".env", ".env.old", "inbox/a.txt", "inbox/.b.txt"):
        (root / name).write_text("secret")
    (tmp_path / "scans").mkdir()
    (tmp_path / "to workspace").symlink_to(root)
    (tmp_path / "to state").symlink_to(root / ".orchestra")
    (tmp_path / "to parent").symlink_to(tmp_path)
    return root


def client(workspace: Path, folder: str = "", output: str = "files") -> FileClient:
    """A client as the engine opens it."""
    private = frozenset(workspace / name for name in (".orchestra", "logs", "config.yaml"))
    opening = Opening(workspace=workspace, private=private)
    return FileClient.open(FileSettings(folder=folder, output=output), opening)


@pytest.mark.parametrize(
    ("folder", "output"),
    [
        pytest.param(".orchestra", "files", id="state"),
        pytest.param(".orchestra/blobs", "files", id="inside the state"),
        pytest.param(".git", "files", id="hidden"),
        pytest.param("logs", "files", id="logs"),
        pytest.param("../to state", "files", id="link to the state"),
        pytest.param("../to workspace/.orchestra", "files", id="state behind a link"),
        pytest.param("", "", id="output: everything"),
        pytest.param("", ".", id="output: everything, with a dot"),
        pytest.param("", "workflows", id="output: workflows"),
        pytest.param("", "Workflows/x", id="output: inside workflows, in capitals"),
        pytest.param("", "prompts", id="output: prompts"),
        pytest.param("", "environments", id="output: environments"),
        pytest.param("", "agents", id="output: agents"),
        pytest.param("", "tools/iban-check", id="output: inside tools"),
        pytest.param("", "mcp", id="output: accepted tools of servers"),
        pytest.param("", "logs", id="output: logs"),
        pytest.param("", ".hidden", id="output: hidden"),
        pytest.param("..", "", id="output: the parent"),
        pytest.param("..", "workspace", id="output: the workspace from above"),
        pytest.param("workflows", "", id="folder workflows, output: all of it"),
        pytest.param("../to workspace", "workflows", id="output: workflows behind a link"),
    ],
)
def test_a_folder_of_the_program_is_refused_in_a_check_and_at_use(workspace: Path, folder: str, output: str) -> None:
    opened = client(workspace, folder, output)
    line = opened.check()[0]
    assert (line.what, line.ok) == ("folder", False)
    assert line.text.endswith(".")
    with pytest.raises(InvalidRequest):
        opened.write("x.json", io.BytesIO(b"{}"), on_exists="replace")
    if output == "files":
        with pytest.raises(InvalidRequest):
            list(opened.listed("", "*", is_deep=True))


PROGRAM = Path(clients.__file__).parent


@pytest.mark.parametrize(
    ("folder", "output", "why"),
    [
        pytest.param("/", "files", "of the system", id="all of the machine"),
        pytest.param("/etc", "files", "of the system", id="settings of the system"),
        pytest.param("/etc/ssl/certs", "files", "of the system", id="inside them"),
        pytest.param("/proc/self", "files", "of the system", id="processes"),
        pytest.param("/dev/shm", "files", "of the system", id="devices"),
        pytest.param("/sys", "files", "of the system", id="the kernel"),
        pytest.param("/usr/lib", "files", "of the system", id="programs"),
        pytest.param("../to etc", "files", "of the system", id="a link to them"),
        pytest.param("~/.ssh", ".", "hidden", id="keys of the home folder"),
        pytest.param("~/.config/x", "files", "hidden", id="a hidden folder of the home folder"),
        pytest.param("../other/.ssh", ".", "hidden", id="keys of another home folder"),
        pytest.param(sys.prefix, "files", "AI-Orchestra itself", id="the installed packages"),
        pytest.param(str(PROGRAM), "files", "AI-Orchestra itself", id="a package of the program"),
        pytest.param(str(PROGRAM.parent / "engine"), "steps", "AI-Orchestra itself", id="another package of it"),
        pytest.param(str(PROGRAM.parent), "gallery", "AI-Orchestra itself", id="beside its packages"),
        pytest.param(str(PROGRAM.parent.parent), ".", "AI-Orchestra itself", id="output: around the program"),
    ],
)
def test_a_folder_of_the_machine_itself_is_refused(workspace: Path, folder: str, output: str, why: str) -> None:
    if Path(folder) in workspace.parents:
        pytest.skip("The program is beside the workspaces of the tests, which are refused for what they have.")
    (workspace.parent / "other/.ssh").mkdir(parents=True)
    (workspace.parent / "to etc").symlink_to("/etc")
    opened = client(workspace, folder, output)
    line = opened.check()[0]
    assert (line.ok, why in line.text, "Correct `" in line.text) == (False, True, True), line.text
    with pytest.raises(InvalidRequest, match=why):
        opened.place("authorized_keys")
    with pytest.raises(InvalidRequest, match=why):
        list(opened.listed("", "*", is_deep=False))


def test_a_workspace_that_is_the_folder_of_the_program_is_used_but_for_its_packages() -> None:
    root = PROGRAM.parent
    assert client(root).check()[0].ok
    assert client(root, "docs").check()[0].ok
    for folder, output in (("engine", "."), ("", "clients/file"), ("", "engine")):
        assert "AI-Orchestra itself" in client(root, folder, output).check()[0].text


def test_a_workspace_in_a_hidden_folder_and_its_neighbours_are_used(tmp_path: Path) -> None:
    root = tmp_path / ".work" / "workspace"
    (root / "inbox").mkdir(parents=True)
    (tmp_path / ".work" / "scans").mkdir()
    for folder in ("", "inbox", "../scans"):
        assert client(root, folder).check()[0].ok
    (tmp_path / ".other" / "workspace" / "inbox").mkdir(parents=True)
    assert "hidden (.other)" in client(root, "../../.other/workspace/inbox").check()[0].text


@pytest.mark.parametrize(("folder", "before"), [("", ""), ("../to workspace", ""), ("..", "workspace/"),
                                                ("../to parent", "workspace/")])  # fmt: skip
@pytest.mark.parametrize("path", ["config.yaml", "config.yaml.bak", "config.yaml~", "Config.YAML.old", ".env",
                                  ".env.old", "inbox/.b.txt", "logs/x", ".orchestra/x"])  # fmt: skip
def test_private_files_stay_private_however_the_folder_is_reached(
    workspace: Path, folder: str, before: str, path: str
) -> None:
    opened = client(workspace, folder)
    with pytest.raises(InvalidRequest), opened.opened(before + path):
        pass
    assert [one.path for one in opened.listed(f"{before}inbox", "*", is_deep=True)] == [f"{before}inbox/a.txt"]
    assert not list(opened.listed("", "*config*", is_deep=True))


@pytest.mark.parametrize("folder", ["", "../to workspace", "inbox", "../scans"])
def test_other_folders_are_read_and_written(workspace: Path, folder: str) -> None:
    opened = client(workspace, folder)
    assert opened.check()[0].ok
    opened.write("x.txt", io.BytesIO(b"x"))
    named = Path(os.path.abspath(workspace / folder / "files" / "x.txt"))  # noqa: PTH100 - links stay
    for path in ("files/x.txt", str(named), str(named.resolve())):
        with opened.opened(path) as found:
            assert found.path == "files/x.txt"


def test_a_state_folder_around_the_workspace_closes_nothing(workspace: Path) -> None:
    around = Opening(workspace=workspace, private=frozenset({workspace, workspace.parent, workspace / "config.yaml"}))
    with FileClient.open(FileSettings(), around).opened("inbox/a.txt") as found:
        assert found.path == "inbox/a.txt"


def test_all_of_a_folder_elsewhere_may_be_written(workspace: Path) -> None:
    client(workspace, "../scans", "").write("x.txt", io.BytesIO(b"x"))
    assert (workspace.parent / "scans" / "x.txt").read_bytes() == b"x"


@pytest.mark.parametrize("name", ["env.bak", "prod.env", "prod.env.bak", "id_rsa", "id_ed25519.old", "server.key~",
                                  "service-account.json", "Client_Secret_1.json", "credentials-2.json",
                                  "token_mail.json", "state-backup.db", "state.db-wal"])  # fmt: skip
def test_names_that_hold_secrets_by_custom_are_private(workspace: Path, name: str) -> None:
    (workspace / "inbox" / name).write_text("secret")
    opened = client(workspace)
    with pytest.raises(InvalidRequest, match="may hold a key"), opened.opened(f"inbox/{name}"):
        pass
    assert [one.path for one in opened.listed("inbox", "*", is_deep=True)] == ["inbox/a.txt"]


@pytest.mark.parametrize("name", ["environment.md", "keys.csv", "tokens.csv", "statement.db.csv", "identity.txt"])
def test_other_names_are_not(workspace: Path, name: str) -> None:
    (workspace / "inbox" / name).write_text("plain")
    assert f"inbox/{name}" in client(workspace).paths()


def test_nothing_is_written_over_a_hard_link(workspace: Path) -> None:
    (workspace / "files").mkdir()
    (workspace / "files" / "x.txt").hardlink_to(workspace / ".env")
    with pytest.raises(InvalidRequest, match="hard link") as caught:
        client(workspace).write("x.txt", io.BytesIO(b"x"), on_exists="replace")
    assert "cp FILE COPY" in caught.value.remedy
    assert (workspace / ".env").read_text() == "secret"


def test_what_is_written_is_private_whatever_the_umask(workspace: Path) -> None:
    before = os.umask(0o022)
    try:
        client(workspace).write("reports/2026/may.txt", io.BytesIO(b"secret"))
    finally:
        os.umask(before)
    made = [workspace / "files" / path for path in ("", "reports", "reports/2026", "reports/2026/may.txt")]
    assert [stat.S_IMODE(one.stat().st_mode) for one in made] == [0o700, 0o700, 0o700, 0o600]


class _FullDisk(io.BytesIO):
    """A content of which only the first piece fits."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().read(min(size or 1, 4))


def test_a_file_that_does_not_fit_leaves_nothing(workspace: Path) -> None:
    with pytest.raises(Unavailable, match="No space left"):
        client(workspace).write("x.txt", _FullDisk(b"far too much"))
    assert list((workspace / "files").iterdir()) == []


def test_a_file_is_not_listed_before_it_is_whole(workspace: Path) -> None:
    seen: list[list[str]] = []

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            seen.append([one.path for one in client(workspace).listed("files", "*", is_deep=True)])
            return super().read(size)

    client(workspace).write("x.txt", Slow(b"text"))
    assert seen == [[], []]


def test_a_path_of_what_a_step_has_written_is_named(workspace: Path) -> None:
    (workspace / "files").mkdir()
    (workspace / "files/a.csv").write_text("a")
    with pytest.raises(NotFound) as told, client(workspace).opened("a.csv"):
        pass
    assert told.value.remedy == "It is in 'files/a.csv'."


_WRITERS, _ROUNDS = 4, 300


def _write_rounds(workspace: Path, writer: int, on_exists: Literal["fail", "number"], begin: Barrier) -> None:
    """Write one file in each round, at the same moment as the other writers; leave what was reported in a file."""
    opened, paths = client(workspace), list[str]()
    for at in range(_ROUNDS):
        begin.wait()
        try:
            written = opened.write(f"s{at}/invoice.pdf", io.BytesIO(b"x" * (writer + 1)), on_exists=on_exists)
        except Conflict:
            continue
        paths.append(f"{written.path} {written.size_bytes}")
    (workspace / f"reported-{writer}").write_text("\n".join(paths))


@pytest.mark.slow
@pytest.mark.parametrize(("on_exists", "kept"), [("number", _WRITERS), ("fail", 1)])
def test_writers_at_the_same_moment_lose_no_file(
    workspace: Path, on_exists: Literal["fail", "number"], kept: int
) -> None:
    context = multiprocessing.get_context("spawn")
    begin = context.Barrier(_WRITERS)
    writers = [context.Process(target=_write_rounds, args=(workspace, at, on_exists, begin)) for at in range(_WRITERS)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    reported = [line for at in range(_WRITERS) for line in (workspace / f"reported-{at}").read_text().splitlines()]
    found = [one for one in (workspace / "files").rglob("*") if one.is_file()]
    assert sorted(reported) == sorted(f"{one.relative_to(workspace).as_posix()} {one.stat().st_size}" for one in found)
    assert len(found) == kept * _ROUNDS


@pytest.mark.slow
def test_a_name_of_ten_thousand_files_is_used_again(workspace: Path) -> None:
    folder = workspace / "files"
    folder.mkdir()
    for name in ("a.pdf", *(f"a ({number}).pdf" for number in range(2, 10_002))):
        (folder / name).touch()
    assert client(workspace).write("a.pdf", io.BytesIO(b"x"), on_exists="number").path == "files/a (10002).pdf"


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="what a process has read is counted as on Linux")
def test_a_file_is_compared_with_a_few_of_its_name_and_an_earlier_attempt_is_found(workspace: Path) -> None:
    size, opened, begun_at = 200_000, client(workspace), datetime.now(UTC)

    def write(at: int, since: datetime | None = None) -> str:
        content = io.BytesIO(f"{at:03}".encode() + bytes(size - 3))
        return opened.write("a.pdf", content, on_exists="number", since=since).path

    paths = [write(at) for at in range(60)]
    assert len({*paths}) == 60
    before = _read_bytes()
    assert write(59) == paths[59]
    assert write(60) == "files/a (61).pdf"
    assert _read_bytes() - before < 2 * 12 * size
    assert write(0, begun_at + timedelta(seconds=1)) == paths[0]


def _read_bytes() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))
