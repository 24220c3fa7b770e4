"""A schema of its own on the PostgreSQL server of this machine, for the tests that need one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

SERVER = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
"""A database in which schemas may be created."""


@contextmanager
def schema() -> Iterator[str]:
    """Give the address of an empty schema, and drop it afterwards; skip the test if no server answers."""
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        pytest.skip("PostgreSQL does not answer on this machine.")
    name = f"orchestra_{os.getpid()}_{secrets.token_hex(4)}"
    with server:
        server.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{SERVER.replace('://', '+psycopg://', 1)}?options=-csearch_path%3D{name}"
        finally:
            server.execute(f"DROP SCHEMA {name} CASCADE")
