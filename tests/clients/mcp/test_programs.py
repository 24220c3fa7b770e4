"""MCP servers that are programs: behind walls, with nothing of ours, and nothing left when a conversation ends."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client as Session

from clients.client import Opening
from clients.errors import InvalidRequest, LimitExceeded, SandboxMissing, ServiceError, Timeout, Unavailable
from clients.mcp.answers import SaidAnswers, ToolResult
from clients.mcp.client import McpClient, _called
from clients.mcp.service import McpSettings
from clients.reads_only import reads_only
from engine.base import threads
from engine.sandbox.code import process
from engine.sandbox.walls import walls
from tests.patience import until

SERVER = Path(__file__).with_name("served.py")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with the server, and with something that nobody may see."""
    (tmp_path / "work" / "servers").mkdir(parents=True)
    (tmp_path / "work" / "servers" / "served.py").write_bytes(SERVER.read_bytes())
    (tmp_path / "work" / ".orchestra").mkdir()
    (tmp_path / "work" / ".orchestra" / "secret").write_text("a secret")
    return tmp_path / "work"


@pytest.fixture(autouse=True)
def nothing_left(root: Path) -> Iterator[None]:
    """Nothing is left behind by any conversation: no process, no folder, no open descriptor."""
    before = traces()
    yield
    until(lambda: traces() <= before, f"the end of {traces() - before}")


def traces() -> set[str]:
    mine = str(os.getpid())
    found = set()
    for one in Path("/proc").glob("[0-9]*"):
        try:
            words = (one / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if one.name != mine and ("inside/command.py" in words or "served.py" in words or "sleep 98765" in words):
            found.add(f"{one.name} {words[:200]}")
    return found | {str(one) for one in Path("/tmp").glob("orchestra-program-*")}


def opened(root: Path, how: str = "well", *, is_demo: bool = False, **settings: Any) -> McpClient:
    """The client of a server in this workspace."""
    given = {
        "command": sys.executable,
        "args": ["-I", *([] if how == "official" else ["-S"]), str(root / "servers" / "served.py"), how],
        "folders": ["servers"],
        **settings,
    }
    start = partial(process.talking, root=root, private=[root / ".orchestra", root / "config.yaml"])
    return McpClient.open(McpSettings.model_validate(given), Opening(is_demo=is_demo, start=start))


def called(client: McpClient, name: str, **arguments: Any) -> tuple[str, bool]:
    """What a tool says, and whether that is an error."""

    async def ask(session: Session, answers: SaidAnswers) -> ToolResult:
        await _called(session, name, arguments)
        return answers.result()

    result = client._asked(ask)
    return result.text, result.is_error


def called_bare(name: str, **arguments: Any) -> tuple[str, bool]:
    """The same without walls."""

    async def talk() -> Any:
        given = StdioServerParameters(command=sys.executable, args=["-I", "-S", str(SERVER)])
        async with Session(given) as session:
            return await session.call_tool(name, arguments)

    result: Any = anyio.run(talk)
    return result.content[0].text, result.is_error


@pytest.mark.parametrize("how", ["well", "official", "rubbish"])
def test_tools_are_listed_and_called(root: Path, how: str) -> None:
    client = opened(root, how)
    assert [one.name for one in client.tools()][:2] == ["say", "open"]
    assert called(client, "say", words="hello") == ("said hello", False)
    assert client.check()[0].ok
    assert client.account() == Path(sys.executable).name


def test_it_gets_its_own_environment_and_nothing_of_ours(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", "hush")
    text, _ = called(opened(root, env={"ITS_KEY": "its secret"}), "environment")
    found = json.loads(text)
    assert found["ITS_KEY"] == "its secret"
    assert set(found) <= {"ITS_KEY", "PATH", "HOME", "LANG", "LC_CTYPE", "PWD"}


def test_secrets_of_its_environment_are_in_no_command_line(root: Path) -> None:
    seen: list[bytes] = []

    def look() -> None:
        until(lambda: any("served.py" in one for one in traces()), "the server")
        seen.extend(one.read_bytes() for one in Path("/proc").glob("[0-9]*/cmdline") if one.exists())

    looking = threading.Thread(target=look)
    looking.start()
    with pytest.raises(Timeout):
        called(opened(root, env={"ITS_KEY": "its-secret-word"}, limits={"seconds": 2}), "hang")
    looking.join()
    assert b"served.py" in b"".join(seen)
    assert b"its-secret-word" not in b"".join(seen)


def test_it_sees_its_folders_and_no_other_file(root: Path) -> None:
    files = {
        "/etc/passwd": "/etc/passwd",
        "home": str(Path(__file__)),
        "the workspace": str(root / ".orchestra" / "secret"),
        "this process": f"/proc/{os.getpid()}/environ",
    }
    client = opened(root)
    for what, path in files.items():
        assert called(client, "open", path=path)[1], what
    assert called(client, "open", path=str(root / "servers" / "served.py"))[0].startswith('"""An MCP server')
    assert called(client, "write", path=str(root / "servers" / "new"))[1]
    for what, path in list(files.items())[:3]:
        assert not called_bare("open", path=path)[1], f"{what}: the control"


def test_it_reaches_only_its_hosts(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for client in (opened(root), opened(root, network=["api.example.org"])):
            assert called(client, "connect", host="127.0.0.1", port=port)[1]
        assert called_bare("connect", host="127.0.0.1", port=port) == ("reached 127.0.0.1", False)


@pytest.mark.parametrize("is_planning", [False, True])
def test_what_is_on_its_list_is_reached_through_the_proxy(root: Path, *, is_planning: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        client = opened(root, f"reach {host}", network=[host], allow_hosts=[host])
        with reads_only() if is_planning else nullcontext():
            assert client.tools()[-1].name == "200"
    assert opened(root, "reach other.example:80", network=[host], allow_hosts=[host]).tools()[-1].name == "403"


@pytest.mark.parametrize(
    ("how", "tool", "limits", "error", "words", "outcome"),
    [
        ("well", "die", {}, Unavailable, "ended before it answered", "unknown"),
        ("well", "hang", {"seconds": 1}, Timeout, "did not answer in time", "unknown"),
        ("well", "flood", {"output_kb": 100}, LimitExceeded, "`limits.output_kb`", "unknown"),
        ("silent", "say", {"seconds": 1}, Timeout, "did not answer in time", "not_done"),
        ("deaf", "say", {"seconds": 2}, Timeout, "did not answer in time", "unknown"),
        ("dead", "say", {}, Unavailable, "It said: Cannot find module 'server'", "not_done"),
    ],
)
def test_a_server_that_misbehaves_is_ended_and_told(
    root: Path,
    how: str,
    tool: str,
    limits: Mapping[str, int],
    error: type[ServiceError],
    words: str,
    outcome: str,
) -> None:
    with pytest.raises(error) as raised:
        called(opened(root, how, limits=limits), tool, words="x" * 1_000_000)
    assert words in raised.value.message
    assert raised.value.outcome == outcome


def test_what_it_starts_ends_with_it(root: Path) -> None:
    assert not called(opened(root), "start", seconds="98765")[1]
    assert not [one for one in traces() if "sleep 98765" in one]


def test_a_call_that_nobody_waits_for_ends_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = threading.Event()
    threads._abandoned.set(given_up)
    try:
        threading.Timer(1.0, given_up.set).start()
        begun = time.monotonic()
        with pytest.raises(Timeout, match="cancelled"):
            called(opened(root), "hang")
        assert time.monotonic() - begun < 30
    finally:
        threads._abandoned.set(None)


def test_while_a_plan_is_made_nothing_but_questions_and_reads_are_sent(root: Path) -> None:
    client = opened(root)
    with reads_only():
        assert client.tools()
        with pytest.raises(ServiceError, match="was not sent"):
            called(client, "say", words="x")


def test_without_walls_and_in_the_demo_nothing_starts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidRequest, match="The demo starts no programs"):
        opened(root, is_demo=True).tools()
    monkeypatch.setattr(process, "walls", lambda: None)
    with pytest.raises(SandboxMissing):
        opened(root).tools()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"folders": ["."]}, "has the secrets or the state"),
        ({"folders": [".orchestra"]}, "has the secrets or the state"),
        ({"folders": ["/"]}, "no program may see"),
        ({"folders": ["/proc"]}, "no program may see"),
        ({"folders": ["nowhere"]}, "does not exist"),
        ({"command": "no-such-program"}, "There is no program 'no-such-program'"),
        ({"command": "servers/nothing"}, "is not a program"),
        ({"command": "servers/served.py"}, "is not a program"),
    ],
)
def test_settings_that_cannot_be_are_refused(root: Path, settings: dict[str, Any], words: str) -> None:
    (root / "link").symlink_to(root / ".orchestra")
    with pytest.raises(InvalidRequest, match=words):
        opened(root, **settings).tools()
    with pytest.raises(InvalidRequest, match="has the secrets or the state"):
        opened(root, folders=["link"]).tools()


@pytest.mark.parametrize(
    "change", [{"args": ["other"]}, {"command": "/usr/bin/env"}, {"env": {"A": "b"}}, {"network": ["a.example"]},
               {"folders": ["/usr"]}],
)  # fmt: skip
def test_acceptance_is_for_one_command_with_all_that_it_may_have(change: dict[str, Any]) -> None:
    known = {"command": "node", "args": ["server.js"], "env": {"KEY": "1"}}
    first = McpSettings.model_validate(known).server
    assert McpSettings.model_validate({**known, "env": {"KEY": "2"}}).server == first  # a new key is no new server
    assert McpSettings.model_validate({**known, **change}).server != first
