"""Two servers and some workers that share a PostgreSQL, as on five machines, and what may happen to them."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from assurance.kill.cluster import Cluster, cluster
from assurance.kill.counting import Counting, counting
from assurance.kill.harness import REPOSITORY, Setting, setting
from engine.orchestra import Orchestra
from engine.people.access import local_user
from engine.plugins.trigger import Start
from tests.engine.conftest import set_step, write_workflow
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port

WORKERS = 3
WORKFLOW = "work"
TICK, TICK_SECONDS = "tick", 2
"""A workflow that a trigger starts every two seconds, whichever server watches it."""
STEPS = ("begins", "first", "reads", "second", "ends")
_CONFIG = """
state: '{url}'
logs: postgres
limits: {{lease_seconds: 6, runs_at_once: 0, most_waiting_runs: 1000000}}
approvals: {{default: never}}
connections:
  github: {{service: github, token: 'env:GITHUB_TOKEN', base_url: '{github}'}}
  web: {{service: http, allow_hosts: ['{reads}']}}
"""
_KEEP = """
CREATE TABLE kept (place BIGSERIAL PRIMARY KEY, run_id TEXT, number INT, event TEXT, at TIMESTAMPTZ);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO kept (run_id, number, event, at) VALUES (NEW.run_id, NEW.number, NEW.event, clock_timestamp());
    RETURN NEW; END $$;
CREATE TRIGGER keep AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TABLE kept_runs (run_id TEXT, n INT, item TEXT);
CREATE FUNCTION keep_run() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO kept_runs VALUES (NEW.run_id, (NEW.acceptance::json #>> '{inputs,n}')::int,
    NEW.acceptance::json #>> '{trigger,item}');
    RETURN NEW; END $$;
CREATE TRIGGER keep_runs AFTER INSERT ON runs FOR EACH ROW EXECUTE FUNCTION keep_run();
"""
_CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name = 'ai-orchestra' AND random() < 0.3"
)
_CODE = "import sys, cli; sys.exit(cli.main(sys.argv[1:]))"


@dataclass
class Crew:
    """The processes, each server in a workspace of its own; workers share that of the first."""

    place: Setting
    web: Counting
    database: Cluster
    roots: Sequence[Path]
    token: str = ""
    addresses: list[str] = field(default_factory=list)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    servers: list[subprocess.Popen[str]] = field(default_factory=list)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the state, again and again where the server is away."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with psycopg.connect(self.database.url.replace("+psycopg", ""), autocommit=True) as server:
                    found = server.execute(statement, values)
                    return found.fetchall() if found.description else []
            except psycopg.OperationalError:
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.3)

    def serve(self, root: Path) -> None:
        """Start a server; it answers once this returns."""
        port = str(free_port())
        command = [sys.executable, "-c", _CODE, "serve", "--json", "--port", port, "--workspace", str(root)]
        with (root / "serve.log").open("a") as log:
            one = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=log, text=True)
        self.servers.append(one)
        assert one.stdout is not None
        self.addresses.append(str(json.loads(one.stdout.readline())["url"]))

    def work(self, state: str = "") -> None:
        """Start a worker; `state`: its own address of the state."""
        command = [sys.executable, "-c", _CODE, "worker", "--concurrency", "50", "--workspace", str(self.roots[0])]
        environment = {**os.environ, "ORCHESTRA_STATE": state} if state else None
        with (self.roots[0] / "workers.log").open("ab") as log:
            self.workers.append(subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log, env=environment))

    def wait_for_workers(self, count: int) -> None:
        """Return once so many are at work."""
        until(lambda: len(self.query("SELECT 1 FROM owners WHERE kind = 'worker'")) == count, "the workers")

    def accept(self, runs: int, first: int = 0) -> None:
        """Let both servers accept runs, each request repeated until it is answered."""
        with ThreadPoolExecutor(4) as senders:
            for _ in senders.map(self._accept, range(first, first + runs)):
                pass

    def command(self, n: int) -> None:
        """Let a command accept a run; it is accepted once this returns, and the command may die with its run."""
        command = [sys.executable, "-c", _CODE, "run", WORKFLOW, "--input", f"n={n}", "--yes"]
        with (self.roots[0] / "workers.log").open("ab") as log:
            command += ["--workspace", str(self.roots[n % len(self.roots)])]
            self.workers.append(subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log))
        until(lambda: self.query("SELECT 1 FROM kept_runs WHERE n = %s", n), "the command")

    def _accept(self, n: int) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"n{n}"}
        body = {"workflow": WORKFLOW, "inputs": {"n": n}, "confirmed": True}
        ends_at = time.monotonic() + 2 * PATIENCE_SECONDS
        while True:
            address = self.addresses[n % len(self.addresses)]
            with suppress(httpx.HTTPError):
                answer = httpx.post(
                    f"{address}/workflows/execute", json=body, headers=headers, trust_env=False, timeout=30
                )
                if answer.status_code < 300:
                    return
                assert answer.status_code in (429, 500, 503, 507), answer.text
            assert time.monotonic() < ends_at, f"run {n} was not accepted"
            time.sleep(0.5)

    def ended(self) -> int:
        """How many runs have ended, without those that the trigger has started."""
        ended = "SELECT count(*) FROM runs WHERE ended_at IS NOT NULL AND workflow = %s"
        return int(self.query(ended, WORKFLOW)[0][0])

    def wait_for_all(self, runs: int, seconds: float = 0.0) -> None:
        """Return once so many have ended, or nothing has ended for as long as a loaded machine may take."""
        quiet, before = seconds or PATIENCE_SECONDS, -1
        ends_at = time.monotonic() + quiet
        while (ended := self.ended()) < runs and time.monotonic() < ends_at:
            if ended != before:
                before, ends_at = ended, time.monotonic() + quiet
            time.sleep(0.3)

    def serving(self) -> list[int]:
        """The numbers of the processes that serve, which their parents start again."""
        return [int(pid) for (pid,) in self.query("SELECT pid FROM owners WHERE kind = 'serve'")]

    def close(self) -> None:
        """End all of it."""
        for one in self.workers:
            one.kill()
            one.wait()
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            with suppress(subprocess.TimeoutExpired):
                server.wait(PATIENCE_SECONDS)
            server.kill()
            server.wait()
            assert server.stdout is not None
            server.stdout.close()


@contextmanager
def crew(folder: Path, database: Cluster | None = None) -> Iterator[Crew]:
    """Give two servers and three workers that are ready; without `database`, a server is made for them."""
    with ExitStack() as stack:
        if database is None:
            database = stack.enter_context(cluster())
        place, web = stack.enter_context(setting(folder / "one")), stack.enter_context(counting())
        github, reads = str(place.endpoints["github"]["base_url"]), f"127.0.0.1:{web.port}"
        roots = [place.root, folder / "two"]
        _configure(place, database, roots, github, reads)
        made = Crew(place, web, database, roots)
        with closing(Orchestra.open(place.root)) as orchestra:
            made.token = orchestra.users.api_tokens.create(local_user(), "owner", "chaos").token
            orchestra.triggers.turn_on(local_user(), TICK, "each", Start())
        made.query(_KEEP)
        stack.callback(made.close)
        for root in roots:
            made.serve(root)
        for _ in range(WORKERS):
            made.work()
        made.wait_for_workers(WORKERS)
        yield made


def _configure(place: Setting, database: Cluster, roots: Sequence[Path], github: str, reads: str) -> None:
    text = _CONFIG.format(url=database.url, github=github, reads=reads)
    (place.root / "config.yaml").write_text(text)
    (place.root / ".env").write_text(f"GITHUB_TOKEN={place.endpoints['github']['token']}\n")
    inputs = {"type": "object", "properties": {"n": {"type": "integer"}}}
    write_workflow(place.root, WORKFLOW, _steps(reads), inputs=inputs)
    fields = {"every_seconds": TICK_SECONDS, "missed": "all"}
    each = {"id": "each", "uses": "schedule", "with": fields, "poll_seconds": 1}
    write_workflow(place.root, TICK, [set_step("one")], triggers=[each], concurrency={"parallel": 50})
    for root in roots[1:]:
        shutil.copytree(place.root, root, ignore=shutil.ignore_patterns(".orchestra", "logs"))


def _steps(reads_at: str) -> list[dict[str, object]]:
    def issue(name: str, *needs: str) -> dict[str, object]:
        fields = {"repository": "acme/app", "title": f"{name} {{{{ inputs.n }}}}", "body": "From a run."}
        return {"id": name, "uses": "github.create_issue", "with": fields, "needs": list(needs)}

    get = {"method": "GET", "url": "http://" + reads_at + "/read?n={{ inputs.n }}"}
    reads = {"id": "reads", "uses": "http.request", "connection": "web", "with": get, "needs": ["first"]}
    return [
        set_step("begins"),
        issue("first", "begins"),
        reads,
        issue("second", "reads"),
        set_step("ends", needs=["second"]),
    ]


@dataclass
class Troubles:
    """What happens to a crew, at random moments in an order that is always the same."""

    crew: Crew
    seconds: float
    restarts: Sequence[str] = ()
    done: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(20261124))

    def rage(self, runs: int) -> None:
        """Let something happen again and again until all runs have ended, or the time is over."""
        ends_at, restarts = time.monotonic() + self.seconds, list(self.restarts)
        while (ended := self.crew.ended()) < runs and time.monotonic() < ends_at:
            if restarts and ended > runs * (len(self.restarts) - len(restarts) + 1) / (len(self.restarts) + 1):
                self._restart(restarts.pop(0))
            troubles = (self.kill, self.freeze, self.cut)
            is_for_server = self.done.total() % 8 == 7
            how: Callable[[], None] = self.kill_server if is_for_server else self.chance.choice(troubles)
            self.done[how.__name__] += 1
            how()
            self._wait_for_some()
            time.sleep(self.chance.uniform(0.5, 2.5))
        for mode in restarts:
            self._restart(mode)

    def _wait_for_some(self) -> None:
        """Wait for the servers and two workers: on a busy machine a process takes long to start."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            kinds = Counter(kind for (kind,) in self.crew.query("SELECT kind FROM owners"))
            if kinds["worker"] >= WORKERS - 1 and all(map(_answers, self.crew.addresses)):
                return
            time.sleep(0.2)

    def kill(self) -> None:
        """End a worker without warning, and start another."""
        one = self.crew.workers.pop(self.chance.randrange(len(self.crew.workers)))  # a command, too, while there is one
        one.kill()
        one.wait()
        self.crew.work()

    def kill_server(self) -> None:
        """End what serves; its parent starts it again."""
        serving = self.crew.serving()
        if len(serving) == len(self.crew.roots):
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(serving), signal.SIGKILL)

    def freeze(self) -> None:
        """Let a worker stand still, for longer than its lease or shorter, while the others go on."""
        one = self.chance.choice(self.crew.workers)
        seconds = self.chance.choice((0.5, 10.0))

        def frozen() -> None:
            one.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            one.send_signal(signal.SIGCONT)

        threading.Thread(target=frozen, daemon=True).start()

    def cut(self) -> None:
        """End some of the connections of all processes."""
        self.crew.query(_CUT)

    def _restart(self, mode: str) -> None:
        self.done[f"restart {mode}"] += 1
        self.crew.database.stop(mode)
        time.sleep(self.chance.uniform(0.0, 3.0))
        self.crew.database.start()


def _answers(address: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{address}/health", trust_env=False, timeout=5).status_code == 200
    return False
