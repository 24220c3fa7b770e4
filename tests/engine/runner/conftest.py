"""A world of notes, and calls to it on a loop of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.clock import utc_now
from engine.store.sql.journal import SqlJournal
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.runner.notes import Bench, Try, World, bench


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteStateDatabase]:
    opened = SqliteStateDatabase(tmp_path / "state")
    yield opened
    opened.close()


@pytest.fixture
def attempt(database: SqliteStateDatabase, world: World, tmp_path: Path) -> Try:
    """Run a test on a loop of its own, with a journal."""

    def run(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
        owner = SqlOwner(database, tmp_path / "owners", "test", utc_now)

        async def main() -> None:
            journal = SqlJournal(database, owner.id)
            try:
                await test(bench(database, world, journal))
            finally:
                journal.close()

        try:
            asyncio.run(main())
        finally:
            owner.release()

    return run
