"""A history of 10,000 and of 1,000,000 ended runs, written straight into the tables, and what is done with it.

The runs spread over the last 400 days. The oldest 100,000 have logs of 2 KB, which retention removes with them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from bench.base.workspace import OWNER
from engine.base.clock import timestamp, utc_now
from engine.store.run_limits import NO_LIMITS
from evals.workers.crew import Crew, crew

FEW, MANY, LOGS = 10_000, 1_000_000, 100_000
_TIMES = 15
_FILL = """
INSERT INTO runs (run_id, workflow, workflow_id, title, status, demo, started_by, queued_at, started_at, ended_at,
    duration_seconds, sentence, counts, cancel_requested, end_number)
SELECT to_char(at, 'YYYYMMDD"T"HH24MISS"Z"') || '-' || lpad(n::text, 8, '0'), workflow, workflow, initcap(workflow),
    (ARRAY['succeeded', 'succeeded', 'succeeded', 'failed', 'cancelled'])[1 + n %% 5], n %% 2, 'owner',
    shown, shown, shown, 2.0, '25 mails: 9 tasks, 6 issues, ' || n || ' only labelled.',
    '{"steps":76,"failed_steps":1,"items":25,"failed_items":1}', 0, (extract(epoch FROM at) * 1000)::bigint
FROM (
    SELECT n, at, (ARRAY['triage', 'digest', 'chain', 'report'])[1 + n / 7 %% 4] AS workflow,
        to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS shown
    FROM generate_series(%(first)s::int, %(last)s::int) AS n,
        LATERAL (SELECT now() AT TIME ZONE 'UTC' - interval '1 hour' - n * (interval '400 days' / %(last)s)) AS t (at)
) AS given
"""
_DROP = """
CREATE TABLE parted (LIKE blobs INCLUDING ALL) PARTITION BY RANGE (name);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
INSERT INTO parted SELECT * FROM blobs;
"""
_LOGS = """
INSERT INTO blobs (name, piece, version, data)
SELECT substr(run_id, 1, 4) || '-' || substr(run_id, 5, 2) || '-' || substr(run_id, 7, 2) || '/' || run_id || '.json',
    0, gen_random_uuid(), convert_to('{"steps": [], "text": "' || repeat(md5(run_id), 64) || '"}', 'UTF8')
FROM (SELECT run_id FROM runs ORDER BY run_id LIMIT %s) AS oldest
"""
_OLDEST_KEPT = "SELECT ended_at FROM runs ORDER BY run_id OFFSET %s LIMIT 1"


def measured() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield {what: milliseconds, median} with few runs and with many, and what retention takes."""
    with crew() as place:
        yield "few", _filled(place, 1, FEW)
        with psycopg.connect(place.url, autocommit=True) as connection:
            connection.execute("DELETE FROM runs")
            connection.execute("VACUUM runs")  # else a list passes thousands of rows that are gone
        yield "million", _filled(place, 1, MANY)
        yield "retention", _retention(place)


def _filled(place: Crew, first: int, last: int) -> dict[str, float]:
    began = time.perf_counter()
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(_FILL, {"first": first, "last": last})
        connection.execute("VACUUM (ANALYZE) runs")  # as autovacuum does a minute later
    found = {"fill_seconds": time.perf_counter() - began}
    return {**found, **{name: _milliseconds(work) for name, work in _questions(place).items()}}


def _questions(place: Crew) -> dict[str, Callable[[], object]]:
    runs, state = place.orchestra.runs, place.orchestra._families.opened.state  # noqa: SLF001 - what a worker asks has no other way in
    [(some,)] = place.rows("SELECT run_id FROM runs ORDER BY run_id OFFSET 5000 LIMIT 1")
    owner = place.orchestra.own_process
    return {
        "list": lambda: runs.list(OWNER, limit=50),
        "list_failed": lambda: runs.list(OWNER, status="failed", limit=50),
        "list_workflow": lambda: runs.list(OWNER, workflow="digest", limit=50),
        "search_common": lambda: runs.list(OWNER, text="labelled", limit=50),
        "search_rare": lambda: runs.list(OWNER, text="issues, 5000 only", limit=50),
        "search_nothing": lambda: runs.list(OWNER, text="no such text", limit=50),
        "row": lambda: state.runs.get(some),
        "accept": lambda: runs.start(OWNER, "chain", {}),
        "claim": lambda: state.claims.claim(owner, timestamp(utc_now()), 1, NO_LIMITS),
        "metrics": lambda: place.orchestra.metrics.page(OWNER),
        "backlog": lambda: state.runs.backlog(timestamp(utc_now())),
        "due": lambda: place.orchestra.retention.due(OWNER),
        "view_month": lambda: place.rows(
            "SELECT status, count(*) FROM report_runs WHERE queued_at > now() - interval '30 days' GROUP BY status"
        ),
    }


def _milliseconds(work: Callable[[], object]) -> float:
    work()
    found: list[float] = []
    ends_at = time.perf_counter() + 5
    while len(found) < _TIMES and time.perf_counter() < ends_at:
        began = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - began))
    return statistics.median(found or [5000.0])


def _retention(place: Crew) -> dict[str, float]:
    """Return what it takes to remove the oldest runs with their logs, and to drop a partition with the same logs."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(_LOGS, (LOGS,))
        connection.execute(_DROP)
        began = time.perf_counter()
        connection.execute("DROP TABLE part")
        dropped = time.perf_counter() - began
    [(oldest,)] = place.rows(_OLDEST_KEPT, LOGS)
    began = time.perf_counter()
    run_ids = place.orchestra._families.opened.state.old_runs.ended_before(oldest)  # noqa: SLF001 - without a setting of whole days
    found = time.perf_counter()
    gone = place.orchestra.retention._removed(run_ids)  # noqa: SLF001
    removed = time.perf_counter() - found
    names = [name for (name,) in place.rows("SELECT name FROM blobs")]
    assert len(names) == LOGS - len(gone.run_ids)
    return {
        "runs": len(gone.run_ids),
        "find_seconds": found - began,
        "remove_seconds": removed,
        "drop_logs_seconds": dropped,
    }
