"""Paces of accounts that processes share: in a file, in the state, and on a Redis server that may die."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
import redis

from clients.errors import RateLimited
from clients.github.pace import Pace
from clients.notion.pacer import BURST, Pacer
from clients.pacing.paces import FilePaces, OwnPaces, Paces
from engine.connections.paces import CachedPaces, StatePaces, opened_paces
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.sql.settings import SettingsTable
from engine.store.sqlite.database import SqliteStateDatabase
from tests import postgres
from tests.patience import until

Make = Callable[[], Paces]


@contextmanager
def redis_server(port: int = 0) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis server of one's own: its address, and the process."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        with closing(redis.Redis(port=port)) as client:
            until(lambda: _answers(client), "Redis")
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        server.kill()
        server.wait()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def in_file(folder: Path) -> Iterator[Make]:
    yield lambda: FilePaces(folder / "paces.db")


def on_sqlite(folder: Path) -> Iterator[Make]:
    with closing(SqliteStateDatabase(folder)) as one, closing(SqliteStateDatabase(folder)) as other:
        databases = iter((one, other))
        yield lambda: StatePaces(SettingsTable(next(databases)))


def on_postgres(folder: Path) -> Iterator[Make]:
    with (
        postgres.schema() as url,
        closing(PostgresStateDatabase(url)) as one,
        closing(PostgresStateDatabase(url)) as other,
    ):
        databases = iter((one, other))
        yield lambda: StatePaces(SettingsTable(next(databases)))


def in_cache(folder: Path) -> Iterator[Make]:
    with redis_server() as (url, _), closing(SqliteStateDatabase(folder)) as database:
        yield lambda: opened_paces(folder, SettingsTable(database), is_shared=True, cache=url)


@pytest.fixture(
    params=[in_file, on_sqlite, pytest.param(on_postgres, marks=pytest.mark.service), in_cache],
    ids=["file", "sqlite", "postgres", "redis"],
)
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Paces, Paces]]:
    """What two processes have."""
    for make in request.param(tmp_path):
        yield make(), make()


def test_changes_of_two_processes_are_made_one_after_the_other(two: tuple[Paces, Paces]) -> None:
    def count(paces: Paces) -> None:
        for _ in range(20):
            paces.change("a", lambda pace: (str(int(pace or 0) + 1), None))

    threads = [threading.Thread(target=count, args=(paces,)) for paces in two * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def refuse(_pace: str) -> tuple[str, None]:
        raise RateLimited("no")

    with pytest.raises(RateLimited):
        two[0].change("a", refuse)
    assert [paces.get("a") for paces in two] == ["80", "80"]
    assert two[0].get("b") == ""


def test_what_one_process_is_asked_the_other_heeds(two: tuple[Paces, Paces]) -> None:
    first, second = (Pace(paces, "one") for paces in two)
    first.after(RateLimited("Slow down", retry_after_seconds=30), "")
    for method in ("GET", "POST"):
        with pytest.raises(RateLimited) as later:
            second.before(method)
        assert 25 < (later.value.retry_after_seconds or 0) <= 30
    slept: list[float] = []
    notion, other = (Pacer(3.0, paces, "one", sleep=slept.append) for paces in two)
    notion.after(httpx.Response(429, headers={"retry-after": "30"}))
    other.before(httpx.Request("GET", "http://x"))
    assert slept[0] == pytest.approx(30.3, abs=5)


def test_a_cache_that_dies_and_comes_back_empty_loses_no_hold(tmp_path: Path) -> None:
    now = [100.0]
    with redis_server() as (url, server):
        client = redis.Redis.from_url(url, decode_responses=True, socket_timeout=0.5)
        behind = OwnPaces()
        cached = CachedPaces(client, behind, lambda: now[0])
        cached.change("a", lambda _: ("counted", None))
        assert (cached.get("a"), behind.get("a")) == ("counted", "")
        cached.change("a", lambda _: ("held", None), is_hold=True)
        server.kill()
        server.wait()
        assert cached.get("a") == "held"
        assert cached.change("a", lambda pace: (f"{pace} 1", pace)) == "held"
    with redis_server(int(url.split(":")[-1].split("/")[0])):
        assert cached.get("a") == "held 1"  # it is left alone for a while
        now[0] += 10
        assert cached.change("a", lambda pace: (f"{pace} 2", pace)) == "held 1"
        assert (cached.get("a"), client.get("pace:a")) == ("held 1 2", "held 1 2")
    client.close()


_CHILD = """
import sys
from pathlib import Path
import httpx
from clients.notion.pacer import Pacer
from engine.connections.paces import opened_paces
from engine.store.sql.settings import SettingsTable
from engine.store.postgres.database import PostgresStateDatabase
database = PostgresStateDatabase(sys.argv[1])
paces = opened_paces(Path("."), SettingsTable(database), is_shared=True, cache=sys.argv[2])
pacer = Pacer(10.0, paces, "one")
print("ready", flush=True)
sys.stdin.readline()
for _ in range(10):
    pacer.before(httpx.Request("GET", "http://x"))
database.close()
"""


@pytest.mark.slow
@pytest.mark.service
@pytest.mark.parametrize("has_cache", [False, True])
def test_processes_on_several_machines_keep_to_one_pace(has_cache: bool) -> None:
    with postgres.schema() as url, redis_server() as (cache, _):
        command = [sys.executable, "-c", _CHILD, url, cache if has_cache else ""]
        children = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
        ]
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        began = time.monotonic()
        for child in children:
            child.communicate("go\n", timeout=60)
        assert time.monotonic() - began >= (20 - BURST - 1) / 10
