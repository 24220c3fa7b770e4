"""`python -m demo` as a process: one line, one process a folder, same ports, whole after kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.__main__ import main
from demo.endpoints import FILES, NAMES
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
Start = Callable[..., tuple[subprocess.Popen[str], dict[str, Any]]]


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The command sets the umask of its process, which is that of other tests where it is called here."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the stand-ins in one folder and give the process with the line that it printed."""
    started: list[subprocess.Popen[str]] = []

    def run(*options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        command = [sys.executable, "-m", "demo", "--dir", str(tmp_path / "demo"), "--latency", "0", *options]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        started.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    yield run
    for process in started:
        process.kill()
        process.wait(PATIENCE_SECONDS)
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


def _github(line: dict[str, Any]) -> httpx.Client:
    headers = {"authorization": f"Bearer {line['github']['token']}"}
    return httpx.Client(base_url=line["github"]["base_url"], headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)


def _issues(line: dict[str, Any]) -> list[str]:
    with _github(line) as http:
        return [each["title"] for each in http.get("/repos/acme/app/issues?state=all&per_page=100").json()]


def test_the_line_says_where_each_service_is(start: Start) -> None:
    _, line = start()
    assert set(line) == {*NAMES, *FILES, "generation"}
    assert line["github"]["repository"] == "acme/app"
    assert line["gmail"]["account"] == f"demo-{line['generation']}@example.com"
    assert line["gmail"]["web_url"] == f"{line['gmail']['base_url']}/mail/"
    assert line["openai"]["base_url"].endswith("/v1")
    assert line["openai"]["model"]
    for name in NAMES:
        origin = line[name]["base_url"].removesuffix("/v1")
        assert httpx.get(f"{origin}/_demo/requests", trust_env=False, timeout=PATIENCE_SECONDS).json()["total"] == 0


def test_a_second_start_gives_the_line_of_the_first_and_ends(start: Start) -> None:
    first, line = start()
    second, same = start()
    assert second.wait(PATIENCE_SECONDS) == 0
    assert same == line
    assert first.poll() is None


@pytest.mark.parametrize("blocks", [0, 8], ids=["ports", "data"])
def test_a_full_disk_is_a_sentence(tmp_path: Path, blocks: int) -> None:
    command = f'ulimit -f {blocks}; exec "$0" -B -m demo --dir "$1"'  # -B: no torn files of Python's own
    process = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, tmp_path], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert (process.returncode, process.stdout) == (4, "")
    assert process.stderr.startswith(f"The demo in {tmp_path} cannot be kept: ")
    assert process.stderr.count("\n") == 1


def test_ports_are_the_same_after_a_restart(start: Start) -> None:
    process, line = start()
    process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 0
    assert start()[1] == line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_even_while_an_answer_drips(start: Start, number: signal.Signals) -> None:
    process, line = start()
    with _github(line) as http:
        http.post("/_demo/faults", json={"drip": 5})
        with http.stream("GET", "/user"):
            process.send_signal(number)
            assert process.wait(PATIENCE_SECONDS) == 0


def test_it_ends_with_its_parent(start: Start) -> None:
    process, line = start("--until-stdin-closes")
    assert _issues(line)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(PATIENCE_SECONDS) == 0


def test_all_that_was_answered_is_there_after_a_kill(start: Start) -> None:
    process, line = start()
    answered: list[str] = []

    def write() -> None:
        with _github(line) as http:
            for n in range(100_000):
                answer = http.post("/repos/acme/app/issues", json={"title": f"Issue {n}", "labels": [f"label {n}"]})
                answered.append(answer.json()["title"])

    def write_until_cut() -> None:
        with pytest.raises(httpx.TransportError):
            write()

    writer = threading.Thread(target=write_until_cut)
    writer.start()
    deadline = time.monotonic() + 60
    while len(answered) < 20 and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    writer.join(60)
    assert len(answered) >= 20
    again, line = start()
    assert again.pid != process.pid
    kept = [title for title in _issues_all(line) if title.startswith("Issue ")]
    # What was not answered may be there or not, but no more than the one that was under way.
    assert kept[: len(answered)] == answered
    assert len(kept) <= len(answered) + 1


def _issues_all(line: dict[str, Any]) -> list[str]:
    titles: list[str] = []
    url = "/repos/acme/app/issues?state=all&per_page=100&direction=asc"
    with _github(line) as http:
        while url:
            answer = http.get(url)
            titles += [each["title"] for each in answer.json()]
            url = answer.links.get("next", {}).get("url", "")
    return titles


def test_a_reset_by_another_process_shows_at_once(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, line = start()
    with _github(line) as http:
        http.post("/repos/acme/app/issues", json={"title": "Mine"}).raise_for_status()
    assert "Mine" in _issues(line)
    assert main(["reset", "--dir", str(tmp_path / "demo")]) == 0
    assert json.loads(capsys.readouterr().out) == {"generation": 2}
    assert "Mine" not in _issues(line)
    assert start()[1]["gmail"]["account"] == "demo-2@example.com"


def test_a_reset_by_another_process_takes_faults_back(start: Start, tmp_path: Path) -> None:
    _, line = start()
    with _github(line) as http:
        http.post("/_demo/faults", json={"status": 503, "times": 9}).raise_for_status()
        assert http.get("/user").status_code == 503
        main(["reset", "--dir", str(tmp_path / "demo")])
        assert http.get("/user").status_code == 200
        http.post("/_demo/faults", json={"status": 503}).raise_for_status()
        assert http.get("/user").status_code == 503, "a fault that is set after the reset strikes"


def test_show_and_reset_work_with_none_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "demo")
    assert main(["show", "--dir", folder, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown["github"]) >= {"repositories", "issues", "comments", "commits", "pulls"}
    assert set(shown["notion"]) == {"databases", "pages"}
    assert set(shown["gmail"]) >= {"messages", "drafts", "sent", "labels"}
    assert main(["reset", "--dir", folder]) == 0


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="no folder"),
        pytest.param(["--dir", "x", "--latency", "soon"], id="latency"),
        pytest.param(["fly", "--dir", "x"], id="command"),
    ],
)
def test_wrong_usage_is_exit_code_2(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_it_starts_without_any_sdk() -> None:
    names = "openai github notion_client googleapiclient streamlit fastapi pydantic httpx requests".split()
    code = (
        f"import sys, demo.__main__, demo.stand_ins as s; s.load_all(); print([n for n in {names} if n in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
