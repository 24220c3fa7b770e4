"""The base: a plain loop that makes the same commits as workers of ours, without a queue, locks, checks or an engine.

Each process knows from the start which runs are its own. Each of its slots takes one run after the other: it claims the
row, and for each of five steps it sleeps for 20 ms and then waits until an event is on disk; at last it stores the log,
ends the row and deletes the events. All that is ready at one moment is one transaction, which a thread commits on one
connection in a single round trip. Rows, texts and tables are those of a run of ours.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any
from uuid import uuid4

import psycopg

from evals.workers.place import Done, done
from evals.workers.slow_worker import SECONDS

STEPS = 5
_CLAIM = "UPDATE base_runs SET owner = %s, status = 'running', started_at = now() WHERE run_id = %s"
_EVENT = "INSERT INTO base_events (run_id, number, event) VALUES (%s, %s, %s)"
_LOG = "INSERT INTO base_logs (name, piece, version, data) VALUES (%s, 0, %s, %s)"
_END = (
    "UPDATE base_runs SET status = 'succeeded', ended_at = now(), sentence = %s, owner = NULL, acceptance = NULL"
    " WHERE run_id = %s"
)
_FORGET = "DELETE FROM base_events WHERE run_id = %s"
Statement = tuple[str, tuple[Any, ...]]


class _Writer:
    """Commits what all slots have ready."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)
        self._ready: list[tuple[Sequence[Statement], asyncio.Future[None]]] = []
        self._thread = ThreadPoolExecutor(1)
        self._is_at_work = False

    def stored(self, statements: Sequence[Statement]) -> asyncio.Future[None]:
        """Return what is done once the statements are on disk."""
        future = asyncio.get_running_loop().create_future()
        self._ready.append((statements, future))
        if not self._is_at_work:
            self._is_at_work = True
            asyncio.get_running_loop().call_soon(self._flush)
        return future

    def _flush(self) -> None:
        ready, self._ready = self._ready, []
        self._is_at_work = bool(ready)
        if ready:
            statements = list(chain.from_iterable(some for some, _ in ready))
            committed = asyncio.get_running_loop().run_in_executor(self._thread, self._commit, statements)
            committed.add_done_callback(lambda one: self._settle(one, [future for _, future in ready]))

    def _settle(self, committed: asyncio.Future[None], futures: Sequence[asyncio.Future[None]]) -> None:
        committed.result()
        for one in futures:
            one.set_result(None)
        asyncio.get_running_loop().call_soon(self._flush)

    def _commit(self, statements: Sequence[Statement]) -> None:
        with self._connection.pipeline():
            for text, values in statements:
                self._connection.execute(text, values)
            self._connection.commit()


async def _worked(writer: _Writer, owner: str, run_ids: list[str], texts: Sequence[str], log: bytes) -> None:
    """Work on one run after the other, until none is left."""
    first, *others = texts
    while run_ids:
        run_id = run_ids.pop()
        begin: list[Statement] = [(_CLAIM, (owner, run_id)), (_EVENT, (run_id, 0, first))]
        for number in range(STEPS):
            await asyncio.sleep(SECONDS)
            await writer.stored([*begin, (_EVENT, (run_id, number + 1, others[number]))])
            begin = []
        await writer.stored([(_EVENT, (run_id, STEPS + 1, texts[-1])), (_LOG, (run_id, uuid4(), log))])
        await writer.stored([(_END, ("Done.", run_id)), (_FORGET, (run_id,))])


async def _work(url: str, owner: str, slots: int) -> None:
    with psycopg.connect(url) as connection:
        mine = connection.execute("SELECT run_id FROM base_runs WHERE share = %s", (int(owner),)).fetchall()
        texts = [text for (text,) in connection.execute("SELECT event FROM base_texts ORDER BY number")]
        [log] = connection.execute("SELECT log FROM base_log").fetchone() or (b"",)
    writer, run_ids = _Writer(url), [run_id for (run_id,) in mine]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    await asyncio.gather(*(_worked(writer, owner, run_ids, texts, log) for _ in range(slots)))
    sys.stdout.write("done\n")
    sys.stdout.flush()
    sys.stdin.readline()  # so that its processor time can be read


_TABLES = """
DROP TABLE IF EXISTS base_runs, base_events, base_logs, base_texts, base_log;
CREATE TABLE base_runs (LIKE runs INCLUDING ALL);
ALTER TABLE base_runs ADD COLUMN share integer;
CREATE TABLE base_events (LIKE events INCLUDING ALL);
CREATE TABLE base_logs (LIKE blobs INCLUDING ALL);
CREATE TABLE base_texts (number integer, event text);
CREATE TABLE base_log (log bytea);
"""
_LIKE = "workflow, workflow_id, title, demo, started_by, queued_at, environment, sentence, counts, cancel_requested"
_RUNS = (
    f"INSERT INTO base_runs (run_id, status, share, acceptance, {_LIKE})"
    f" SELECT 'run-' || number, 'queued', number %% %s, %s, {_LIKE}"
    " FROM generate_series(1, %s) AS number, (SELECT * FROM runs LIMIT 1) AS like_ours"
)


def prepare(url: str, acceptance: str, texts: Sequence[str], workers: int, runs: int) -> None:
    """Make tables like ours, with accepted runs like one of ours, which had these events, and some log of ours."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(_TABLES)
        cursor.executemany("INSERT INTO base_texts VALUES (%s, %s)", list(enumerate(texts)))
        cursor.execute("INSERT INTO base_log SELECT data FROM blobs ORDER BY name DESC LIMIT 1")
        cursor.execute(_RUNS, (workers, acceptance, runs))


def measured(url: str, workers: int, slots: int, runs: int) -> tuple[float, dict[str, float]]:
    """Return the runs per second of such processes, and what they cost for each run; call `prepare` first."""
    command = [sys.executable, "-m", "evals.workers.base", url]
    started = [
        subprocess.Popen([*command, str(number), str(slots)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(workers)
    ]
    pids = [one.pid for one in started]
    _each(started, "ready\n")
    before = done(url, pids)
    began = time.perf_counter()
    _go(started)
    _each(started, "done\n")
    seconds = time.perf_counter() - began
    after: Done = done(url, pids)
    _go(started)
    for one in started:
        one.wait(10)
    return runs / seconds, after.since(before, runs)


def _each(processes: Sequence[subprocess.Popen[str]], line: str) -> None:
    for one in processes:
        assert one.stdout is not None
        assert one.stdout.readline() == line


def _go(processes: Sequence[subprocess.Popen[str]]) -> None:
    for one in processes:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], sys.argv[2], int(sys.argv[3])))
