"""A schema or a database of its own on the PostgreSQL server of this machine, for the tests that need one."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.patience import PATIENCE_SECONDS

SERVER = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
"""A database in which schemas may be created, by a role that may create databases."""


def connected() -> psycopg.Connection[Any]:
    """Connect to the server; without an answer the test is skipped, or fails where REQUIRE_POSTGRES is set."""
    try:
        return psycopg.connect(SERVER, autocommit=True, connect_timeout=2)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        refuse = pytest.fail if os.environ.get("REQUIRE_POSTGRES") else pytest.skip
        refuse(f"PostgreSQL lets no test in (TEST_POSTGRES names another server): {reason}")


@contextmanager
def schema() -> Iterator[str]:
    """Give the address of an empty schema, and drop it afterwards."""
    name = f"orchestra_{os.getpid()}_{secrets.token_hex(4)}"
    with connected() as server:
        server.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{SERVER.replace('://', '+psycopg://', 1)}?options=-csearch_path%3D{name}"
        finally:
            _dropped(server, f"DROP SCHEMA {name} CASCADE")


def _dropped(server: psycopg.Connection[Any], statement: str) -> None:
    """Drop what a process that was just killed may still read: the server notices its death a little later."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            server.execute(statement.encode())
        except psycopg.errors.DeadlockDetected:
            if time.monotonic() > ends_at:
                raise
        else:
            return


@contextmanager
def database(name: str) -> Iterator[str]:
    """Give the address (`postgresql://…`) of an empty database, and drop it afterwards."""
    with connected() as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        server.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield urlsplit(SERVER)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
