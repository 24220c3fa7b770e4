"""`orchestra serve`: one parent, its port, its children, and what is left when any of them dies."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.address import listen_near
from engine.errors import InUse
from tests.cli.conftest import Orchestra, Running, Start, is_alive, listed
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _served(start: Start, *options: str, **environment: str) -> tuple[Running, dict[str, Any]]:
    """A served workspace and the line it printed; `--json` on a port of its own."""
    running = start("serve", "--json", "--port", str(_free_port()), *options, **environment)
    line: dict[str, Any] = json.loads(running.line())
    return running, line


def _get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=PATIENCE_SECONDS, trust_env=False)


def _children(pid: int) -> dict[str, int]:
    """The processes of a parent by what they are: "serving" and "demo"."""
    found = {}
    for line in listed("-A", "-o", "pid=,ppid=,args=").splitlines():
        child, parent, arguments = line.split(maxsplit=2)
        for name, word in (("serving", "api.process"), ("demo", "-m demo")):
            if int(parent) == pid and word in arguments:
                found[name] = int(child)
    return found


def _environment(pid: int) -> str:
    return listed("eww", "-p", str(pid))


def _all_children(pid: int) -> dict[str, int]:
    until(lambda: len(_children(pid)) == 2, "both children")
    return _children(pid)


def test_it_answers_prints_one_link_and_stops_without_a_trace(
    start: Start, orchestra: Orchestra, workspace: Path
) -> None:
    running, line = _served(start)
    assert set(line) == {"url", "login_url", "port", "pid"}
    assert (line["pid"], line["url"]) == (running.process.pid, f"http://127.0.0.1:{line['port']}")
    assert _get(f"{line['url']}/health").json()["status"] == "ok"
    token = line["login_url"].partition("token=")[2]
    signed_in = httpx.post(f"{line['url']}/login", data={"token": token}, timeout=PATIENCE_SECONDS, trust_env=False)
    assert (signed_in.status_code, len(signed_in.cookies)) == (303, 1)
    assert (
        httpx.post(f"{line['url']}/login", data={"token": token}, trust_env=False, timeout=PATIENCE_SECONDS).status_code
        == 403
    )

    another = orchestra("login-link", "--json").json
    assert (another["url"], another["is_served"]) == (line["url"], True)
    children = _all_children(running.process.pid)
    assert running.end(signal.SIGTERM) == 0
    assert not any(map(is_alive, children.values())), "the parent ends after its children"
    assert running.out.count("\n") == 1
    assert orchestra("login-link", "--json").json["is_served"] is False
    log = (workspace / ".orchestra" / "serve.log").read_text()
    assert "Traceback" not in log
    assert "token=" not in log


def test_for_people_it_says_where_and_how_to_sign_in(start: Start) -> None:
    port = _free_port()
    running = start("serve", "--port", str(port))
    until(lambda: "Ctrl-C" in running.out, "the last line")
    assert f"at http://127.0.0.1:{port}\n" in running.out
    assert f"http://127.0.0.1:{port}/login?token=" in running.out
    assert running.end(signal.SIGINT) == 0


def test_a_second_serve_is_refused_and_names_the_process_to_stop(start: Start, orchestra: Orchestra) -> None:
    running, line = _served(start)
    refused = orchestra("serve", "--json")
    assert (refused.code, refused.json["error"]["type"]) == (4, "InUse")
    assert f"already served by process {running.process.pid}." in refused.json["error"]["message"]
    assert _get(f"{line['url']}/health").status_code == 200


def test_a_busy_port_that_was_asked_for_is_refused(orchestra: Orchestra) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        result = orchestra("serve", "--port", str(port), "--json")
    assert (result.code, result.json["error"]["type"]) == (4, "InUse")
    assert f"Port {port} is in use." in result.json["error"]["message"]


def test_without_a_wish_the_next_free_port_is_taken_and_told(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        running = start("serve", ORCHESTRA_SERVER__PORT=str(port))
        assert running.line().startswith(f"Port {port} is in use; this is port ")
        assert running.end(signal.SIGTERM) == 0


def test_when_every_port_is_taken_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.address._TRIED_PORTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as busy, pytest.raises(InUse, match="is free"):
        listen_near("127.0.0.1", busy.getsockname()[1])


def test_a_killed_engine_is_started_again_on_the_same_port(start: Start) -> None:
    running, line = _served(start)
    children = _all_children(running.process.pid)
    assert f"ORCHESTRA_PARENT_PID={running.process.pid} " in _environment(children["serving"]), "may be killed"
    os.kill(children["serving"], signal.SIGKILL)
    assert _get(f"{line['url']}/health").json()["status"] == "ok"  # waits in the parent's socket meanwhile
    again = _all_children(running.process.pid)
    assert again["serving"] != children["serving"]
    assert again["demo"] == children["demo"], "the stand-ins outlive the engine"
    until(lambda: "ended by SIGKILL; it is started again." in running.err, "a word about it")
    assert running.out.count("\n") == 1, "the link is printed once"
    assert running.end(signal.SIGTERM) == 0


def test_stand_ins_that_die_are_started_again(start: Start) -> None:
    running, _ = _served(start)
    first = _all_children(running.process.pid)["demo"]
    os.kill(first, signal.SIGKILL)
    until(lambda: _children(running.process.pid).get("demo", first) != first, "new stand-ins")
    assert listed("-p", str(first), "-o", "pid=") == "", "no zombie"
    assert running.end(signal.SIGTERM) == 0


def test_nothing_outlives_a_parent_that_is_killed(start: Start) -> None:
    running, line = _served(start)
    children = _all_children(running.process.pid)
    running.end(signal.SIGKILL)
    until(lambda: not any(map(is_alive, children.values())), "the end of the children")
    with socket.create_server(("127.0.0.1", line["port"])):
        pass


def test_ctrl_c_before_it_answers_leaves_nothing(start: Start) -> None:
    running = start("serve", "--port", str(_free_port()))
    until(lambda: "serving" in _children(running.process.pid), "the serving process")
    children = _children(running.process.pid)
    assert running.end(signal.SIGINT) == 0
    until(lambda: not any(map(is_alive, children.values())), "the end of the children")


def test_a_server_that_never_comes_up_is_given_up(start: Start, tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise SystemExit('this uvicorn is broken')")
    running = start("serve", "--json", "--port", str(_free_port()), PYTHONPATH=str(tmp_path))
    assert running.process.wait(PATIENCE_SECONDS) == 4
    error = json.loads(running.out)["error"]
    assert "5 times in a row, before it answered: this uvicorn is broken" in error["message"]
    assert running.err.count("it is started again.") == 4


def test_a_state_that_the_serving_process_cannot_use_is_not_tried_again(start: Start, workspace: Path) -> None:
    (workspace / ".orchestra").mkdir(exist_ok=True)
    (workspace / ".orchestra" / "token.key").write_text("not a key")
    running = start("serve", "--port", str(_free_port()), "--json")
    assert running.process.wait(PATIENCE_SECONDS) == 4
    assert "token.key" in json.loads(running.out)["error"]["message"]
    assert running.err == ""


def test_a_run_of_the_demo_beside_the_server_is_seen_by_both(start: Start, orchestra: Orchestra) -> None:
    running, _ = _served(start)
    result = orchestra("run", "inbox-triage", "--demo", "--json")
    assert (result.code, result.json["status"]) == (0, "succeeded")
    assert result.json["counts"]["items"] >= 25
    assert "demo" in _children(running.process.pid)
    assert running.end(signal.SIGTERM) == 0
