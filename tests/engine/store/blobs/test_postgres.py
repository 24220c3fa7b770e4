"""Blobs in PostgreSQL: what only several connections, and a server that goes away, can show."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from engine.base.errors import Fenced, StorageError
from engine.store.blobs.postgres import PostgresBlobs
from tests.engine.store.blobs.servers import postgres
from tests.patience import PATIENCE_SECONDS, until

LOG = "2026-11-20/run.json"
_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s AND datname = %s"
_CLOSE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def address() -> Iterator[str]:
    """The address of an empty database."""
    with postgres() as found:
        yield found


@pytest.fixture
def direct(address: str) -> Iterator[psycopg.Connection]:
    """A connection past the blobs."""
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@pytest.fixture
def blobs(address: str) -> Iterator[PostgresBlobs]:
    """Blobs in an empty database."""
    with contextlib.closing(PostgresBlobs.at(address)) as found:
        yield found


def fenced() -> None:
    """Refuse to admit a process again."""
    raise Fenced


def test_shutting_out_waits_for_the_put_that_is_being_stored(blobs: PostgresBlobs, direct: psycopg.Connection) -> None:
    blobs.put(LOG, b"before")
    blobs.admit("old")
    old = blobs.put_by("old", fenced)
    with ThreadPoolExecutor() as threads:
        with direct.transaction():
            direct.execute("SELECT FROM blobs FOR UPDATE")  # the put gets as far as to wait for this
            put = threads.submit(old.put, LOG, b"old")
            until(lambda: _waits(direct.info, "%INSERT INTO blobs%"))
            out = threads.submit(blobs.shut_out, "old")
            until(lambda: out.done() or _waits(direct.info, "DELETE FROM blob_writers%"))
            assert not out.done()
        out.result(PATIENCE_SECONDS)
        assert put.done() or blobs.get(LOG) == b"old"  # committed, though its thread may not know yet
        blobs.put(LOG, b"new")
        put.result(PATIENCE_SECONDS)
    assert blobs.get(LOG) == b"new"


def _waits(of: psycopg.ConnectionInfo, statement: str) -> int:
    """Return how many such statements wait for a lock. A transaction would see the same answer all the time."""
    with psycopg.connect(of.dsn, autocommit=True) as other:
        return len(other.execute(_WAITING, (statement, of.dbname)).fetchall())


def test_the_server_closes_every_connection_and_nothing_fails(blobs: PostgresBlobs, direct: psycopg.Connection) -> None:
    together = threading.Barrier(4)

    def put(number: int) -> None:
        together.wait()
        blobs.put(f"day/{number}", b"x")

    with ThreadPoolExecutor(4) as threads:  # so that there are several connections
        list(threads.map(put, range(4)))
    direct.execute(_CLOSE)
    blobs.put(LOG, b"x")
    assert blobs.names() == ["2026-11-20/", "day/"]


def test_of_two_puts_at_once_the_later_one_leaves_its_content_alone(
    blobs: PostgresBlobs, direct: psycopg.Connection
) -> None:
    blobs.put(LOG, b"before")
    with ThreadPoolExecutor() as threads:
        with direct.transaction():
            direct.execute("SELECT FROM blobs FOR UPDATE")  # both wait for this, in their order
            long = threads.submit(blobs.put, LOG, b"long" * 1_000_000)
            until(lambda: _waits(direct.info, "%INSERT INTO blobs%") == 1)
            short = threads.submit(blobs.put, LOG, b"short")
            until(lambda: _waits(direct.info, "%INSERT INTO blobs%") == 2)
        long.result(PATIENCE_SECONDS)
        short.result(PATIENCE_SECONDS)
    assert (blobs.get(LOG), blobs.size_bytes(LOG), blobs.size_bytes("2026-11-20/")) == (b"short", 5, 5)


def test_processes_that_start_together_create_the_tables_once(address: str) -> None:
    together = threading.Barrier(4)

    def opened(_: int) -> None:
        together.wait()
        with contextlib.closing(PostgresBlobs.at(address)) as found:
            found.put(LOG, b"x")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(opened, range(4)))


def test_a_file_that_changes_while_it_is_stored_is_not_stored(
    blobs: PostgresBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"changed" * 400_000)
    monkeypatch.setattr("engine.store.blobs.postgres.hash_of", lambda _: "0" * 64)
    with pytest.raises(StorageError, match="source was changed while it was being stored"):
        blobs.put_file_hashed("day/run.files/", source)
    assert blobs.names() == []


def test_errors_name_the_database_and_never_its_password(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as refused:
        PostgresBlobs.at("postgresql+psycopg://someone:hidden@127.0.0.1:1/state")
    assert refused.value.message.startswith("The state at postgresql://127.0.0.1:1/state: ")
    assert "hidden" not in repr(refused.value) + refused.value.message
