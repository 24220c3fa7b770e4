"""Workers on PostgreSQL that are killed, frozen and cut off at random, while others accept runs (`make chaos`)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from engine.base.errors import StorageError
from engine.base.statuses import ENDED_RUNS, RunStatus
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests import postgres
from tests.engine.conftest import set_step, write_workflow
from tests.kill.harness import REPOSITORY, Setting, setting
from tests.patience import PATIENCE_SECONDS, until

RUNS = int(os.environ.get("WORKER_RUNS", "1000"))
WORKERS = 3
OWNER = Principal("tester", "owner", confirmed=True)
_CODE = "import sys, cli; sys.exit(cli.main(sys.argv[1:]))"
_CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = %s AND pid <> pg_backend_pid() AND random() < 0.3"
)


@dataclass
class Crew:
    """Workers, and what happened to them."""

    place: Setting
    name: str
    """The name of their connections on the server."""
    at_work: list[subprocess.Popen[bytes]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(20261123))

    def start(self) -> None:
        """Start a worker."""
        command = [sys.executable, "-c", _CODE, "worker", "--demo", "--concurrency", "50"]
        with (self.place.root / "workers.log").open("ab") as log:
            command += ["--workspace", str(self.place.root)]
            self.at_work.append(subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log))

    def kill(self) -> None:
        """End one without warning, and start another."""
        one = self.at_work.pop(self.chance.randrange(len(self.at_work)))
        one.kill()
        one.wait()
        self.start()

    def freeze(self) -> None:
        """Let one stand still for longer than its lease, or shorter, while the others go on."""
        one = self.chance.choice(self.at_work)
        one.send_signal(signal.SIGSTOP)
        time.sleep(self.chance.choice((0.5, 6.0)))
        one.send_signal(signal.SIGCONT)

    def cut(self) -> None:
        """End some of their connections, and those of the server that accepts."""
        with psycopg.connect(postgres.SERVER, autocommit=True) as server:
            server.execute(_CUT, (self.name,))

    def disturb(self) -> None:
        """Do one of these."""
        how: Callable[[], None] = self.chance.choice((self.kill, self.kill, self.freeze, self.cut))
        self.done[how.__name__] += 1
        how()

    def close(self) -> None:
        """End them."""
        for one in self.at_work:
            one.kill()
            one.wait()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    with postgres.schema() as url, setting(tmp_path / "workspace") as made:
        monkeypatch.setenv("ORCHESTRA_STATE", f"{url}&application_name={tmp_path.name}")
        monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
        monkeypatch.setenv("ORCHESTRA_LIMITS__LEASE_SECONDS", "4")
        monkeypatch.setenv("ORCHESTRA_LIMITS__MOST_WAITING_RUNS", "1000000")
        write_workflow(made.root, "work", _steps(), inputs={"type": "object", "properties": {"n": {"type": "integer"}}})
        yield made


def _steps() -> list[dict[str, object]]:
    def issue(name: str, *needs: str) -> dict[str, object]:
        fields = {"repository": "acme/app", "title": f"{name} {{{{ inputs.n }}}}", "body": "From a run."}
        return {"id": name, "uses": "github.create_issue", "with": fields, "needs": list(needs)}

    waits = {"id": "waits", "uses": "flow.wait", "with": {"seconds": 1}, "needs": ["first"]}
    return [
        set_step("begins"),
        issue("first", "begins"),
        waits,
        issue("second", "waits"),
        set_step("ends", needs=["second"]),
    ]


def _worked(place: Setting, runs: int) -> tuple[Crew, int, Counter[str], Counter[str]]:
    """Return who worked, how many runs were set aside, {status: how many runs}, and {title: how many issues}.

    A run whose worker died three times in a row is set aside, whoever was to blame; a person resumes it.
    """
    crew = Crew(place, place.root.parent.name)
    server = Orchestra.open(place.root, demo=True, serve=True)
    try:
        for _ in range(WORKERS):
            crew.start()
        ids = [server.runs.start(OWNER, "work", {"n": number}) for number in range(runs)]
        ends_at = time.monotonic() + PATIENCE_SECONDS + runs
        while not _have_ended(server, runs) and time.monotonic() < ends_at:
            crew.disturb()
            time.sleep(crew.chance.random())
        aside = [one for one in ids if server.runs.get(OWNER, one)["status"] == RunStatus.FAILED]
        for one in aside:
            server.runs.resume(OWNER, one)
        until(lambda: _have_ended(server, runs))
        return crew, len(aside), _statuses(server), place.world().issues
    finally:
        crew.close()
        server.close()


def _have_ended(server: Orchestra, runs: int) -> bool:
    statuses = _statuses(server)
    return sum(statuses[one] for one in ENDED_RUNS) == runs


def _statuses(server: Orchestra) -> Counter[str]:
    """Return {status: how many}; a read may meet a connection that was cut just now, as a page would."""
    try:
        return Counter(server._state.runs.tally("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"))
    except StorageError:
        return Counter()


def test_nothing_is_lost_or_done_twice_whatever_happens_to_workers(place: Setting) -> None:
    began = time.monotonic()
    crew, aside, statuses, issues = _worked(place, RUNS)
    seconds = time.monotonic() - began
    doubled = [title for title, count in issues.items() if count > 1]
    told = f"{RUNS} runs in {seconds:.0f} s, {dict(crew.done)}, {aside} set aside and resumed"
    print(f"{told}: {dict(statuses)}, {len(issues)} issues, {doubled=}")  # noqa: T201 - the figures, for `pytest -s`
    assert statuses == {RunStatus.SUCCEEDED: RUNS}
    assert doubled == []
    assert len(issues) == 2 * RUNS
