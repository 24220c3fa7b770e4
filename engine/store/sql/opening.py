"""Open the state of a workspace: a file beside it, or a server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from clients.service import install_command
from engine.base.errors import InvalidInput, StorageError
from engine.files.atomic import PRIVATE_FOLDER, make_folder, storage_errors

if TYPE_CHECKING:
    from engine.store.sql.base.copying import CopiedState
    from engine.store.sql.base.database import StateDatabase
    from engine.store.texts.texts import TextStore


FILE = "file"
"""The place of a state in `state.db`, where a place must be named."""


def copy_state(
    source: StateDatabase, folder: Path, place: str, copy_secrets: Callable[[TextStore], object] = bool
) -> CopiedState:
    """Copy a state with its texts to an address, or to `state.db` in a folder ("file"). Raises InUse, StorageError.

    `copy_secrets` copies the texts that are sealed; it comes first, since it may lack a key.
    """
    from contextlib import closing

    from engine.store.sql.base.copying import copied, require_empty
    from engine.store.texts.copying import copy_texts

    with closing(open_database(folder, "" if place == FILE else place)) as target:
        require_empty(target, target.locks(folder / "owners"))
        copy_secrets(target.texts(folder))
        found = copied(source, target)
        copy_texts(source.texts(folder), target.texts(folder))
        return found


def soundness_of(database: StateDatabase) -> Callable[[], None]:
    """Return the check that raises StorageError if a database cannot be read, DamagedState if it is damaged."""
    from engine.store.sqlite.database import SqliteStateDatabase
    from engine.store.sqlite.soundness import Soundness

    if isinstance(database, SqliteStateDatabase):
        return Soundness(database).require
    return database.require_in_place


def open_database(folder: Path, address: str, broker: str = "", *, is_read_only: bool = False) -> StateDatabase:
    """Open the database at an address (`postgresql+psycopg://…`), or if that is empty, `state.db` in a folder.

    `broker`: the address of the message broker that announces runs, instead of the database. `is_read_only`: create
    and change nothing, as the folder cannot be written. Raises StorageError, and InvalidInput for the broker.
    """
    if not address:
        from engine.store.sqlite.database import SqliteStateDatabase

        if broker:
            raise InvalidInput(
                "`queue` in config.yaml names a broker, but the state is a file, which one machine has.",
                remedy="Name a PostgreSQL server as `state`, or leave `queue` empty.",
            )
        return SqliteStateDatabase(folder, is_read_only=is_read_only)
    if is_read_only:
        remedy = "Give yourself write permission to the workspace folder, or work where you have it."
        return _only_read(address, f"{folder} cannot be written", remedy)
    _require_driver()
    from engine.store.postgres.database import PostgresStateDatabase

    with storage_errors(folder):
        make_folder(folder, PRIVATE_FOLDER)  # for what belongs to this machine alone
    with ExitStack() as failed:
        opened = PostgresStateDatabase(address)
        failed.callback(opened.close)
        if broker:
            opened.announce_through(broker)
        failed.pop_all()
    return opened


def replica_at(address: str) -> Callable[[], StateDatabase] | None:
    """Return a function that opens the replica at an address, and raises StorageError; None without an address."""
    return (lambda: _only_read(address, "It is a replica", "Write to the state itself.")) if address else None


def _only_read(address: str, why: str, remedy: str) -> StateDatabase:
    _require_driver()
    from engine.store.postgres.database import PostgresStateDatabase
    from engine.store.postgres.server.address import ReadOnly

    return PostgresStateDatabase(address, ReadOnly(why, remedy))


def _require_driver() -> None:
    try:
        import psycopg  # noqa: F401
    except ModuleNotFoundError as error:
        raise StorageError(
            "A state on PostgreSQL needs its driver, psycopg, which is not installed.",
            remedy=f"Install it: `{install_command('postgres')}`.",
        ) from error
