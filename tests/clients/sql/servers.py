"""Databases for tests: files of SQLite and DuckDB, and one of our own on each server that this machine has."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import pytest

from clients.sql.client import SqlClient
from clients.sql.service import SqlSettings
from tests import postgres

Dialect = Literal["sqlite", "postgres", "mysql", "duckdb"]
DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres", "mysql", "duckdb")
NAME = f"orchestra_test_{os.getpid()}"


@dataclass
class Target:
    """A database: its URL, a client of ours, and a way past it."""

    dialect: Dialect
    url: str
    client: SqlClient
    run: Callable[[str], Sequence[Sequence[Any]]] = field(repr=False)
    """Runs statements directly, outside of what is tested."""


@contextlib.contextmanager
def target(dialect: Dialect, folder: Path) -> Iterator[Target]:
    """Open an empty database; skip the test if no server answers on this machine."""
    opening = {"sqlite": _sqlite, "postgres": _postgres, "mysql": _mysql, "duckdb": _duckdb}[dialect]
    with opening(folder) as (url, run):
        yield Target(dialect, url, SqlClient(SqlSettings.model_validate({"url": url}), folder, None), run)


def _require(port: int, what: str) -> None:
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            pytest.skip(f"{what} does not answer on this machine.")


_Opened = contextlib.AbstractContextManager[tuple[str, Callable[[str], Sequence[Sequence[Any]]]]]


@contextlib.contextmanager
def _sqlite(folder: Path) -> Iterator[tuple[str, Callable[[str], Sequence[Sequence[Any]]]]]:
    path = folder / f"{NAME}.db"
    connection = sqlite3.connect(path, isolation_level=None)
    yield f"sqlite:///{path.name}", lambda statement: connection.execute(statement).fetchall()
    connection.close()
    path.unlink()


@contextlib.contextmanager
def _postgres(_folder: Path) -> Iterator[tuple[str, Callable[[str], Sequence[Sequence[Any]]]]]:
    import pg8000.native

    with postgres.database(NAME) as url:
        found = urlsplit(url)
        role = unquote(found.username or "postgres")
        password = None if found.password is None else unquote(found.password)
        opened = pg8000.native.Connection(
            role, found.hostname or "127.0.0.1", NAME, found.port or 5432, password=password
        )
        with contextlib.closing(opened) as direct:
            yield url, lambda statement: direct.run(statement) or []


@contextlib.contextmanager
def _mysql(_folder: Path) -> Iterator[tuple[str, Callable[[str], Sequence[Sequence[Any]]]]]:
    import pymysql

    _require(3306, "MariaDB")
    with contextlib.closing(pymysql.connect(host="127.0.0.1", user="root", autocommit=True)) as direct:

        def run(statement: str) -> Sequence[Sequence[Any]]:
            with direct.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())

        run(f"DROP DATABASE IF EXISTS {NAME}")
        run(f"CREATE DATABASE {NAME}")
        run(f"USE {NAME}")
        try:
            yield f"mysql://root@127.0.0.1:3306/{NAME}", run
        finally:
            run(f"DROP DATABASE IF EXISTS {NAME}")


@contextlib.contextmanager
def _duckdb(folder: Path) -> Iterator[tuple[str, Callable[[str], Sequence[Sequence[Any]]]]]:
    import duckdb

    path = folder / f"{NAME}.duckdb"
    seen: dict[str, tuple[bytes, Sequence[Sequence[Any]]]] = {}

    def run(statement: str) -> Sequence[Sequence[Any]]:
        """Of a file that is the same, byte by byte, a question has the answer that it had: opening it takes 0.2 s."""
        is_read = path.exists() and statement.startswith("select")
        files = b"".join(one.read_bytes() for one in (path, path.with_name(f"{path.name}.wal")) if one.exists())
        if is_read and seen.get(statement, (b"",))[0] != files:
            seen[statement] = (files, asked(statement, is_read))
        return seen[statement][1] if is_read else asked(statement, is_read)

    def asked(statement: str, is_read: bool) -> Sequence[Sequence[Any]]:
        with duckdb.connect(str(path), read_only=is_read) as direct:  # for now: nobody else can write it meanwhile
            return direct.execute(statement).fetchall()

    run("select 1")
    yield f"duckdb:///{path.name}", run
    path.unlink()
