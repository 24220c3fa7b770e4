"""What is written of people's mail is for the owner of the workspace alone, whatever the umask and whoever wrote it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from cli import main
from engine.orchestra import Orchestra
from engine.people.access import local_user
from tests.patience import PATIENCE_SECONDS, until

_LARGE = {
    "schema_version": 1,
    "title": "Large",
    "steps": [
        {"id": "mails", "uses": "gmail.search_messages", "connection": "gmail", "with": {"query": "in:inbox"}},
        {"id": "long", "uses": "flow.set", "with": {"values": {"v": "{{ ['x'.replace('x', inputs.s)] }}"}}},
    ],
    "inputs": {"type": "object", "properties": {"s": {"type": "string", "default": "y" * 300_000}}},
}


def _command(umask: int, *arguments: str) -> list[str]:
    return ["sh", "-c", f'umask {umask:03o}; exec "$@"', "sh", sys.executable, "-m", "cli", *arguments]


def _done(umask: int, *arguments: str) -> None:
    with _masked(umask):
        assert main(arguments) == 0


@contextmanager
def _masked(umask: int) -> Iterator[None]:
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


def _delete(umask: int, root: Path, name: str) -> None:
    """Delete a workflow as its page does; there is no command for that."""
    with _masked(umask), closing(Orchestra.open(root)) as orchestra:
        orchestra.workflows.delete(local_user(), name)


def _tree(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield folder
        yield from folder.rglob("*")


def _open_to_others(root: Path) -> list[str]:
    """What under logs and state somebody else could read, list or write; with how it could."""
    return [
        f"{stat.S_IMODE(path.lstat().st_mode):04o} {path.relative_to(root)}"
        for path in _tree(root / "logs", root / ".orchestra")
        if path.lstat().st_mode & 0o077
    ]


def _use(umask: int, root: Path) -> None:
    """Do what writes: runs with large values and without, a file deleted and renamed, a server that was used."""
    place = ("--workspace", str(root))
    _done(umask, "run", "inbox-triage", "--demo", "--input", "limit=3", *place)
    _done(umask, "workflows", "rename", "commit-digest", "digest", *place)
    _delete(umask, root, "digest")
    _done(umask, "run", "large", "--demo", *place)
    served = subprocess.Popen(_command(umask, "serve", "--json", *place), stdout=subprocess.PIPE, text=True)
    try:
        assert served.stdout is not None
        line = json.loads(served.stdout.readline())
        with httpx.Client(base_url=line["url"], trust_env=False, timeout=PATIENCE_SECONDS) as client:
            assert client.post("/login", data={"token": line["login_url"].partition("token=")[2]}).status_code == 303
            body = {"workflow": "inbox-triage", "inputs": {"limit": 3}}
            origin = {"Origin": line["url"]}
            started = client.post("/workflows/execute", json=body, headers=origin)
            assert started.is_success, started.text
            run_id = started.json()["run_id"]
            until(lambda: client.get(f"/api/runs/{run_id}").json()["ended_at"] is not None, "the end of the run")
        found = _open_to_others(root)  # while it serves, with its locks and its journal
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(PATIENCE_SECONDS)
        assert served.stdout is not None
        served.stdout.close()
    assert found == []


def _made(umask: int, root: Path) -> None:
    _done(umask, "init", str(root))
    (root / "workflows" / "large.json").write_text(json.dumps(_LARGE))


@pytest.mark.slow
def test_logs_and_state_are_for_their_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    _made(0o000, root)
    assert _open_to_others(root) == []
    _use(0o000, root)
    assert _open_to_others(root) == []
    assert any(path.suffix == ".files" for path in _tree(root / "logs")), "large values were written, too"
    assert [path for path in _tree(root) if path.lstat().st_mode & 0o002] == [], "nobody else decides what is run"


@pytest.mark.slow
@pytest.mark.parametrize("umask", [0o000, 0o077], ids="{:03o}".format)
def test_what_belongs_into_git_has_the_persons_own_permissions(umask: int, tmp_path: Path) -> None:
    root, place = tmp_path / "workspace", ("--workspace", str(tmp_path / "workspace"))
    _made(umask, root)
    _done(umask, "workflows", "rename", "commit-digest", "digest", *place)
    for name in ("inbox-triage", "digest"):
        assert stat.S_IMODE((root / "workflows" / f"{name}.json").stat().st_mode) == 0o664 & ~umask


@pytest.mark.slow
def test_a_workspace_made_before_is_closed_when_it_is_opened(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    _made(0o022, root)
    _done(0o022, "run", "large", "--demo", "--workspace", str(root))
    _delete(0o022, root, "commit-digest")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("none of ours")
    elsewhere.chmod(0o644)
    for path in _tree(root / "logs", root / ".orchestra"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (root / "logs" / "link").symlink_to(elsewhere)
    _done(0o022, "runs", "list", "--workspace", str(root))
    (root / "logs" / "link").unlink()
    assert _open_to_others(root) == []
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644


@pytest.mark.slow
def test_a_state_folder_among_other_things_leaves_those_as_they_are(tmp_path: Path) -> None:
    root, state = tmp_path / "workspace", tmp_path / "shared"
    _done(0o022, "init", str(root))
    state.mkdir()
    state.chmod(0o755)
    (state / "other.txt").write_text("none of ours")
    other = stat.S_IMODE((state / "other.txt").stat().st_mode)
    config = (root / "config.yaml").read_text()
    (root / "config.yaml").write_text(config.replace("state_dir: .orchestra", f"state_dir: {state}"))
    _done(0o022, "runs", "list", "--workspace", str(root))
    os.chmod(state / "state.db", 0o644)  # noqa: PTH101
    _done(0o022, "runs", "list", "--workspace", str(root))
    assert stat.S_IMODE((state / "other.txt").stat().st_mode) == other
    assert stat.S_IMODE(state.stat().st_mode) == 0o755
    assert stat.S_IMODE((state / "state.db").stat().st_mode) == 0o600
