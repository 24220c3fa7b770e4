"""Two processes on one workspace: each write once, also where one of them is stopped and wakes up much later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assurance.kill.harness import REPOSITORY
from assurance.kill.storm import Job, Storm, storm
from tests.patience import until

pytestmark = pytest.mark.slow

RUNS, KEYS = 200, 20
LEASE = "limits: {lease_seconds: 1}"
HELD_SECONDS = 8
"""How long an answer is held back: long enough to stop the one that waits for it."""
FENCED = "Another process has taken over the runs of this one"


def once_for_all(item: str, step: dict[str, Any]) -> dict[str, Any]:
    """A loop of one item, whose key makes the write the same in every run."""
    return {"id": "each", "foreach": f"{{{{ [{item}] }}}}", "key": "{{ string(item) }}", "steps": [step]}


def document(steps: list[dict[str, Any]]) -> dict[str, Any]:
    number = {"type": "integer"}
    inputs = {"type": "object", "properties": {"n": number, "k": {**number, "default": 0}}, "required": ["n"]}
    return {"schema_version": 1, "title": "Work", "inputs": inputs, "steps": steps}


def issue(title: str) -> dict[str, Any]:
    return {"id": "issue", "uses": "github.create_issue", "with": {"repository": "acme/app", "title": title}}


def request(step_id: str, method: str, url: str) -> dict[str, Any]:
    return {"id": step_id, "uses": "http.request", "connection": "web", "with": {"method": method, "url": url}}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Storm]:
    with storm(tmp_path / "workspace", settings=LEASE) as made:
        made.write("find", document([issue("find {{ inputs.n }}")]))
        made.write("ask", document([request("post", "POST", made.web.url("/ask?n={{ inputs.n }}"))]))
        made.write("shared", document([once_for_all("inputs.k", issue("shared {{ inputs.k }}"))]))
        yield made


def issues(place: Storm, title: str) -> int:
    return sum(one["title"] == title for one in place.place.held("github")["issues"])


def looks(place: Storm) -> int:
    """How often the issues were listed: what a look-up does."""
    requests = place.place.requests("github")
    return sum(times for request, times in requests.items() if request == "GET /repos/acme/app/issues")


def started(place: Storm, workflow: str, **more: Any) -> tuple[Job, str]:
    job = place.fork("run", workflow=workflow, inputs=[{"n": 1}], **more)
    assert job.said() == "go"
    return job, job.said()


def stopped_before_it_sends(place: Storm, workflow: str) -> tuple[Job, str]:
    """Give a process that has written down what it is about to send, and stands still since."""
    job, run_id = started(place, workflow, signal_at=("before effect", 1, "SIGSTOP"))
    until(lambda: _is_stopped(job.pid))
    return job, run_id


def stopped_before_it_hears(place: Storm, workflow: str) -> tuple[Job, str]:
    """Give a process that has sent its write, and stands still before the answer comes."""
    place.place.delay_answers("POST /repos/acme/app/issues", HELD_SECONDS)
    job, run_id = started(place, workflow)
    until(lambda: issues(place, f"{workflow} {0 if workflow == 'shared' else 1}") == 1)
    stand_still(place, job.pid)
    return job, run_id


def stand_still(place: Storm, pid: int) -> None:
    """Stop a process, though not amid a transaction: nobody could write then."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        until(lambda: _is_stopped(pid))
        if place.place.rows.can_be_written():
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def silent(place: Storm) -> None:
    """Wait until the lease of the stopped process is over."""
    time.sleep(1.5)


def woken(job: Job) -> str:
    """Let a stopped process go on; return the last thing that it says."""
    job.signal(signal.SIGCONT)
    said = list(iter(job.said, ""))
    job.close()
    return said[-1] if said else ""


def assert_whole(place: Storm, run_id: str) -> None:
    """The run has ended well, and list and log agree."""
    assert place.ended(run_id) == "succeeded"
    row = place.query("SELECT status, ended_at, sentence FROM runs WHERE run_id = ?", run_id)[0]
    log = place.log(run_id)
    assert row == (log["status"], log["ended_at"], log["sentence"])


@pytest.mark.parametrize("heir", [pytest.param("resume", marks=pytest.mark.chaos), "serve"])
def test_a_write_that_arrived_before_its_process_was_stopped_is_found(place: Storm, heir: str) -> None:
    job, run_id = stopped_before_it_hears(place, "find")
    silent(place)
    if heir == "resume":
        place.resume(run_id)
        assert_whole(place, run_id)
    else:
        with place.served():
            assert_whole(place, run_id)
    assert woken(job).startswith("Fenced")
    time.sleep(0.5)
    assert_whole(place, run_id)
    assert issues(place, "find 1") == 1


@pytest.mark.parametrize("then", ["killed", pytest.param("woken", marks=pytest.mark.chaos)])
def test_a_write_that_is_not_out_yet_is_not_sent_until_its_process_is_dead(place: Storm, then: str) -> None:
    job, run_id = stopped_before_it_sends(place, "find")
    silent(place)
    before = looks(place)
    with place.served():
        until(lambda: looks(place) >= before + 4)
        assert issues(place, "find 1") == 0
        if then == "killed":
            job.signal(signal.SIGKILL)
        else:
            assert woken(job).startswith("Fenced")
        assert_whole(place, run_id)
    job.close()
    assert issues(place, "find 1") == 1


@pytest.mark.parametrize("then", ["killed", pytest.param("woken", marks=pytest.mark.chaos)])
def test_a_write_that_cannot_be_looked_for_is_asked_and_never_made_twice(place: Storm, then: str) -> None:
    job, run_id = stopped_before_it_sends(place, "ask")
    silent(place)
    place.resume(run_id)
    assert place.log(run_id)["error"]["type"] == "OutcomeUnknown"
    assert place.web.seen["POST /ask?n=1"] == 0
    if then == "killed":
        job.signal(signal.SIGKILL)
    else:
        assert woken(job).startswith("Fenced")
    until(lambda: not Path(f"/proc/{job.pid}").exists())
    job.close()
    is_there = place.web.seen["POST /ask?n=1"] > 0  # one that woke up has sent it, or seen in time that it may not
    assert not (is_there and then == "killed")
    place.resume(run_id, answer="as_done" if is_there else "redo")
    assert_whole(place, run_id)
    assert place.web.seen["POST /ask?n=1"] == 1


@pytest.mark.parametrize(
    "stopped", [pytest.param(stopped_before_it_hears, marks=pytest.mark.chaos), stopped_before_it_sends]
)
def test_the_same_write_in_a_run_of_another_process_is_looked_for(
    place: Storm, stopped: Callable[[Storm, str], tuple[Job, str]]
) -> None:
    first, first_run = stopped(place, "shared")
    silent(place)
    before = looks(place)
    other, run_id = started(place, "shared")
    if stopped is stopped_before_it_sends:
        until(lambda: looks(place) >= before + 3)
        assert issues(place, "shared 0") == 0
        first.signal(signal.SIGCONT)  # nobody has taken its run over: it goes on
        assert first.said() == "succeeded"
    assert other.said() == "succeeded"
    other.close()
    assert_whole(place, run_id)
    if stopped is stopped_before_it_hears:
        assert woken(first) == "succeeded"
    assert_whole(place, first_run)
    assert issues(place, "shared 0") == 1


@pytest.mark.chaos
def test_a_command_that_was_stopped_for_too_long_says_so(place: Storm) -> None:
    place.place.delay_answers("POST /repos/acme/app/issues", HELD_SECONDS)
    command = [
        sys.executable,
        "-m",
        "cli",
        "run",
        "find",
        "--yes",
        "--input",
        "n=1",
        "--workspace",
        str(place.place.root),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY, stdin=subprocess.DEVNULL
    )
    try:
        until(lambda: issues(place, "find 1") == 1 or process.poll() is not None)
        stand_still(place, process.pid)
        silent(place)
        ((run_id,),) = place.query("SELECT run_id FROM runs")
        place.resume(run_id)
        process.send_signal(signal.SIGCONT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, FENCED in said) == (4, True), said
    assert_whole(place, run_id)
    assert issues(place, "find 1") == 1


def test_two_hundred_runs_of_two_processes_do_each_step_once(place: Storm) -> None:
    own = request("own", "GET", place.web.url("/own?n={{ inputs.n }}"))
    post = request("post", "POST", place.web.url("/all?k={{ inputs.k }}"))
    place.write("many", document([own, once_for_all("inputs.k", post)]))
    inputs = [{"n": n, "k": n % KEYS} for n in range(RUNS)]
    jobs = [place.fork("run", workflow="many", inputs=inputs[half::2]) for half in range(2)]
    for job in jobs:
        assert job.said() == "go"
        job.said()
    said = [line for job in jobs for line in iter(job.said, "")]
    assert Counter(said) == Counter({"succeeded": RUNS})
    wanted = {f"GET /own?n={n}": 1 for n in range(RUNS)} | {f"POST /all?k={k}": 1 for k in range(KEYS)}
    assert place.web.seen == Counter(wanted)
    reused = [place.log(run_id)["counts"]["reused_effects"] for (run_id,) in place.query("SELECT run_id FROM runs")]
    assert Counter(reused) == Counter({0: KEYS, 1: RUNS - KEYS})


def serving(place: Storm) -> list[tuple[str, int]]:
    """The owners that serve: their ids and process numbers."""
    if place.place.rows.count("owners") == 0:  # the state is just being made
        return []
    return [(owner, pid) for owner, pid in place.query("SELECT owner, pid FROM owners WHERE kind = 'serve'")]


def test_a_server_that_was_stopped_for_too_long_is_started_again_as_another_owner(place: Storm) -> None:
    command = [sys.executable, "-m", "cli", "serve", "--workspace", str(place.place.root)]
    outputs: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=REPOSITORY, **outputs) as parent:
        try:
            until(lambda: bool(serving(place)))
            ((owner, pid),) = serving(place)
            stand_still(place, pid)
            silent(place)
            started(place, "find", signal_at=("accepted", 1, "SIGKILL"))
            place.resume_all()
            assert serving(place) == []
            os.kill(pid, signal.SIGCONT)
            until(lambda: bool(serving(place)))
            assert serving(place)[0] != (owner, pid)
            until(lambda: issues(place, "find 1") == 1)
        finally:
            parent.terminate()
            said, _ = parent.communicate(timeout=60)
    assert "exit code 75" in said
    assert issues(place, "find 1") == 1
