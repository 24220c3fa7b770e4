"""`orchestra serve`: one parent, its port, its children, and what is left when any of them dies."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.network.address import listen_near
from engine.base.errors import InUse
from tests.cli.conftest import Orchestra, Running, Start, is_alive, listed
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port

pytestmark = pytest.mark.slow


def _served(start: Start, *options: str, **environment: str) -> tuple[Running, dict[str, Any]]:
    """A served workspace and the line it printed; `--json` on a port of its own."""
    running = start("serve", "--json", "--port", str(free_port()), *options, **environment)
    line: dict[str, Any] = json.loads(running.line())
    return running, line


def _get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=PATIENCE_SECONDS, trust_env=False)


def _named(pid: int) -> Iterator[tuple[str, int]]:
    """Each process of a parent with what it is: "serving" or "demo"."""
    for line in listed("-A", "-o", "pid=,ppid=,args=").splitlines():
        child, parent, arguments = line.split(maxsplit=2)
        for name, word in (("serving", "api.process"), ("demo", "-m demo")):
            if int(parent) == pid and word in arguments:
                yield name, int(child)


def _children(pid: int) -> dict[str, int]:
    return dict(_named(pid))


def _answers(url: str) -> bool:
    try:
        return _get(url).status_code == 200
    except httpx.TransportError:
        return False


def _environment(pid: int) -> str:
    return listed("eww", "-p", str(pid))


def _ports(workspace: Path) -> dict[str, int]:
    """Where the stand-ins answer."""
    written = json.loads((workspace / ".orchestra" / "demo" / "endpoints.json").read_text())
    return {str(name): int(port) for name, port in written["ports"].items()}


def _press(workspace: Path, path: str = "/acme/app/issues/1", service: str = "github") -> httpx.Response:
    """Open a link that leads to a stand-in, as somebody does who has it from a page, a run or a mail."""
    return _get(f"http://127.0.0.1:{_ports(workspace)[service]}{path}")


def _with_stand_ins(pid: int, workspace: Path) -> dict[str, int]:
    """Both children of a parent, once somebody has asked for a stand-in."""
    assert _press(workspace).status_code == 200
    until(lambda: len(_children(pid)) == 2, "both children")
    return _children(pid)


def test_it_answers_rests_without_stand_ins_refuses_a_second_one_and_stops_without_a_trace(
    start: Start, orchestra: Orchestra, workspace: Path
) -> None:
    settings = (workspace / "config.yaml").read_text()
    (workspace / "config.yaml").write_text(settings.replace("log_format: text", "log_format: json"))
    running, line = _served(start, "--log-level", "info")
    assert set(line) == {"url", "login_url", "port", "pid"}
    assert (line["pid"], line["url"]) == (running.process.pid, f"http://127.0.0.1:{line['port']}")
    assert _get(f"{line['url']}/health").json()["status"] == "ok"
    _rests_without_stand_ins(running, line, orchestra)
    _starts_stand_ins_anew(running, workspace)

    refused = orchestra("serve", "--json")
    assert (refused.code, refused.json["error"]["type"]) == (4, "InUse"), "a second one, beside it"
    assert f"already served by process {running.process.pid}." in refused.json["error"]["message"]
    assert _get(f"{line['url']}/api/runs/secret").status_code == 401
    with socket.create_connection(("127.0.0.1", line["port"])) as garbled:
        garbled.sendall(b"\x00\x01 this is no HTTP\r\n\r\n")
        garbled.recv(1024)

    another = orchestra("login-link", "--json").json
    assert (another["url"], another["is_served"]) == (line["url"], True)
    children, ports = _children(running.process.pid), _ports(workspace)
    assert running.end(signal.SIGTERM) == 0
    assert not any(map(is_alive, children.values())), "the parent ends after its children"
    assert (running.out.count("\n"), running.err) == (1, "")
    assert orchestra("login-link", "--json").json["is_served"] is False
    _has_logged(workspace)

    running, line = _served(start)
    assert _ports(workspace) == ports, "it opens the links of the one before"
    _outlives_its_engine_and_leaves_nothing(running, line, workspace)


def _rests_without_stand_ins(running: Running, line: dict[str, Any], orchestra: Orchestra) -> None:
    """There are none until somebody needs them; the link signs in once."""
    until(lambda: "serving" in _children(running.process.pid), "the serving process")
    time.sleep(2.0)
    assert orchestra("connections", "list", "--json").code == 0
    assert len(orchestra("demo", "show", "--json").json["github"]["repositories"]) > 0
    children = _children(running.process.pid)
    assert set(children) == {"serving"}
    assert "demo" not in _children(children["serving"])

    token = line["login_url"].partition("token=")[2]
    with httpx.Client(base_url=line["url"], timeout=PATIENCE_SECONDS, trust_env=False) as browser:
        browser.headers["Origin"] = line["url"]
        assert browser.post("/login", data={"token": token}).status_code == 303
        assert len(browser.cookies) == 2, "the session, and that this browser is known"
        assert browser.post("/login", data={"token": token}).status_code == 403
        assert set(_children(running.process.pid)) == {"serving"}
        asked = {"workflow": "inbox-triage", "inputs": {"limit": 3}, "wait_seconds": 60}
        answer = browser.post("/workflows/execute", json=asked).json()
    assert answer["status"] == "succeeded", answer


def _starts_stand_ins_anew(running: Running, workspace: Path) -> None:
    first = _children(running.process.pid)["demo"]
    for _ in range(2):
        os.kill(first, signal.SIGKILL)
        assert _press(workspace).status_code == 200, "a link to a stand-in opens at once"
        assert set(_children(running.process.pid)) == {"serving", "demo"}
        second = _children(running.process.pid)["demo"]
        assert second != first
        assert listed("-p", str(first), "-o", "pid=") == "", "no zombie"
        first = second


def _has_logged(workspace: Path) -> None:
    """As JSON, as the settings say, and without a secret."""
    text = (workspace / ".orchestra" / "serve.log").read_text()
    assert "Traceback" not in text
    assert "token=" not in text
    log = [json.loads(one) for one in text.splitlines()]
    [refused] = [one for one in log if one["level"] == "warning"]
    assert (refused["logger"], refused["event"]) == ("uvicorn.error", "Invalid HTTP request received.")
    asked = [one["event"] for one in log if one["logger"] == "api.network.request_counts"]
    assert any(one.startswith("GET /api/runs/{run_id} 401 in ") for one in asked)


def _outlives_its_engine_and_leaves_nothing(running: Running, line: dict[str, Any], workspace: Path) -> None:
    """A killed engine is started again on the same port, and nothing outlives a killed parent."""
    children = _with_stand_ins(running.process.pid, workspace)
    assert f"ORCHESTRA_PARENT_PID={running.process.pid} " in _environment(children["serving"]), "may be killed"
    os.kill(children["serving"], signal.SIGKILL)
    assert _get(f"{line['url']}/health").json()["status"] == "ok"  # waits in the parent's socket meanwhile
    again = _with_stand_ins(running.process.pid, workspace)
    assert again["serving"] != children["serving"]
    assert again["demo"] == children["demo"], "the stand-ins outlive the engine"
    until(lambda: "ended by SIGKILL; it is being restarted." in running.err, "a word about it")
    assert running.out.count("\n") == 1, "the link is printed once"

    running.end(signal.SIGKILL)
    until(lambda: not any(map(is_alive, again.values())), "the end of the children")
    with socket.create_server(("127.0.0.1", line["port"])):
        pass


def test_a_busy_port_that_was_asked_for_is_refused(orchestra: Orchestra) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        result = orchestra("serve", "--port", str(port), "--json")
    assert (result.code, result.json["error"]["type"]) == (4, "InUse")
    assert f"Port {port} is in use." in result.json["error"]["message"]


def test_for_people_it_says_where_and_how_to_sign_in_and_which_port_is_free_where_theirs_is_not(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        running = start("serve", ORCHESTRA_SERVER__PORT=str(port))
        said = running.line()
    told = re.match(f"Port {port} is in use; using port ([0-9]+)", said)
    assert told is not None
    until(lambda: "Ctrl-C" in running.out, "the last line")
    assert f"at http://127.0.0.1:{told[1]}\n" in running.out
    assert f"http://127.0.0.1:{told[1]}/login?token=" in running.out
    assert running.end(signal.SIGINT) == 0


def test_when_every_port_is_taken_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.network.address._TRIED_PORTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as busy, pytest.raises(InUse, match="is free"):
        listen_near("127.0.0.1", busy.getsockname()[1])


@pytest.mark.chaos
def test_many_who_need_the_stand_ins_at_once_start_them_once(start: Start, workspace: Path) -> None:
    running, _ = _served(start)
    services = [name for name in _ports(workspace) for _ in range(8)]
    with ThreadPoolExecutor(len(services)) as pool:
        answers = list(pool.map(lambda name: _press(workspace, "/_demo/requests", name).status_code, services))
    assert answers == [200] * len(services)
    assert [name for name, _ in _named(running.process.pid)].count("demo") == 1
    assert running.end(signal.SIGTERM) == 0


@pytest.mark.chaos
def test_what_the_stand_ins_show_links_to_where_they_answer_before_they_ever_ran(
    start: Start, orchestra: Orchestra, workspace: Path
) -> None:
    running, _ = _served(start)
    issue = orchestra("demo", "show", "--json").json["github"]["issues"][0]
    assert issue["html_url"].startswith(f"http://127.0.0.1:{_ports(workspace)['github']}/")
    assert _get(issue["html_url"]).status_code == 200
    assert running.end(signal.SIGTERM) == 0


@pytest.mark.chaos
def test_the_server_takes_over_from_a_command_whose_stand_ins_end(start: Start, workspace: Path) -> None:
    alone = start("demo", "start", "--json")
    github = json.loads(alone.line())["github"]["base_url"]
    running, _ = _served(start)
    assert _get(f"{github}/acme/app/issues/1").status_code == 200
    assert "demo" not in _children(running.process.pid)
    alone.end(signal.SIGTERM)
    until(lambda: _answers(f"{github}/acme/app/issues/1"), "the same address")
    assert "demo" in _children(running.process.pid)
    assert running.end(signal.SIGTERM) == 0


@pytest.mark.chaos
def test_demo_start_beside_a_server_names_its_stand_ins_and_stays_as_long(start: Start, workspace: Path) -> None:
    running, _ = _served(start)
    beside = start("demo", "start", "--json")
    line = json.loads(beside.line())
    assert {name: int(line[name]["base_url"].split(":")[2].partition("/")[0]) for name in _ports(workspace)} == _ports(
        workspace
    )
    assert _get(line["github"]["base_url"] + "/acme/app/issues/1").status_code == 200
    assert "demo" in _children(running.process.pid)
    assert running.end(signal.SIGTERM) == 0
    assert beside.process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.chaos
def test_stand_ins_that_cannot_start_keep_nobody_waiting(start: Start, workspace: Path) -> None:
    running, line = _served(start)
    (workspace / ".orchestra" / "demo" / "demo.db").write_bytes(b"not a database" * 100)
    with pytest.raises(httpx.TransportError):
        _press(workspace)
    assert "did not start." in running.err
    (workspace / ".orchestra" / "demo" / "demo.db").unlink()
    assert _press(workspace).status_code == 200, "they are tried again for the next"
    assert _get(f"{line['url']}/health").status_code == 200
    assert running.end(signal.SIGTERM) == 0


def test_ctrl_c_before_it_answers_leaves_nothing(start: Start) -> None:
    running = start("serve", "--port", str(free_port()))
    until(lambda: "serving" in _children(running.process.pid), "the serving process")
    children = _children(running.process.pid)
    assert running.end(signal.SIGINT) == 0
    until(lambda: not any(map(is_alive, children.values())), "the end of the children")


@pytest.mark.chaos
def test_a_server_that_never_comes_up_is_given_up(start: Start, tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise SystemExit('this uvicorn is broken')")
    running = start("serve", "--json", "--port", str(free_port()), PYTHONPATH=str(tmp_path))
    assert running.process.wait(PATIENCE_SECONDS) == 4
    error = json.loads(running.out)["error"]
    assert "5 times in a row, before it answered: this uvicorn is broken" in error["message"]
    assert running.err.count("it is being restarted.") == 4


@pytest.mark.chaos
def test_a_server_that_starts_slowly_gets_more_time(start: Start, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import api.serve\napi.serve._START_SECONDS = 1.0")
    running, line = _served(start, PYTHONPATH=str(tmp_path))
    assert "has not answered within 1 s" in running.err
    assert "The next one has 2 s." in running.err
    assert _get(f"{line['url']}/health").status_code == 200


def test_a_state_that_the_serving_process_cannot_use_is_not_tried_again(start: Start, workspace: Path) -> None:
    (workspace / ".orchestra").mkdir(exist_ok=True)
    (workspace / ".orchestra" / "token.key").write_text("not a key")
    running = start("serve", "--port", str(free_port()), "--json")
    assert running.process.wait(PATIENCE_SECONDS) == 4
    assert "token.key" in json.loads(running.out)["error"]["message"]
    assert running.err == ""


@pytest.mark.chaos
def test_a_run_of_the_demo_beside_the_server_is_seen_by_both(start: Start, orchestra: Orchestra) -> None:
    running, _ = _served(start)
    result = orchestra("run", "inbox-triage", "--demo", "--input", "limit=3", "--json")
    assert (result.code, result.json["status"]) == (0, "succeeded")
    assert result.json["counts"]["items"] == 3
    assert "demo" in _children(running.process.pid)
    assert running.end(signal.SIGTERM) == 0
