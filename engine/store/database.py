"""One state.db: opened safely, written one transaction at a time, by any thread of any process."""

from __future__ import annotations

import re
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DamagedState, StorageError
from engine.store.migrations import SCHEMA_VERSION, migrated
from engine.store.tables import meta, metadata
from engine.workspace.files import keep_name, make_folder

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_LARGEST_WAL_BYTES = 4 * 1024 * 1024
_UNREAD_LOGS = "unread_logs"
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CHANGED_TEXT = re.compile(r"Could not decode to UTF-8|no such (table|column)|table \w+ has no column")
_NETWORK_FILE_SYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "fuse.sshfs",
    "afs",
    "ceph",
    "glusterfs",
}


class Database:
    """`reading()` and `writing()` give a SQLAlchemy connection; a write is on disk when its block ends."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state.db"
        self.write_lock = threading.Lock()
        """One writer in this process at a time; BEGIN IMMEDIATE keeps other processes out."""
        with storage_errors(self.path):
            make_folder(folder, 0o700)
            keep_name(folder)  # also where the process that made it died before it had
            _refuse_network_file_system(folder)
            self._engine = _engine(self.path)
            self._create()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for one short read."""
        with storage_errors(self.path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection inside BEGIN IMMEDIATE; committed and synced when the block ends, else undone."""
        from sqlalchemy.exc import DBAPIError

        with storage_errors(self.path), self.write_lock, self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                with suppress(DBAPIError):  # of a full or broken disk SQLite may have taken it back by itself
                    connection.exec_driver_sql("ROLLBACK")
                raise

    def raw_connection(self) -> sqlite3.Connection:
        """Return a connection of the driver itself, for the journal's hot path."""
        with storage_errors(self.path):
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            for pragma in _pragmas():
                connection.execute(pragma)
            return connection

    def has_unread_logs(self) -> bool:
        """Tell whether the file was made anew and does not know yet what the logs of runs tell."""
        with self.reading() as connection:
            return connection.execute(meta.select().where(meta.c.key == _UNREAD_LOGS)).first() is not None

    def logs_are_read(self) -> None:
        """Remember that what the logs tell is in the file."""
        with self.writing() as connection:
            connection.execute(meta.delete().where(meta.c.key == _UNREAD_LOGS))

    def shrink(self) -> bool:
        """Bring the write-ahead log into the file and empty it; False where somebody is at work on it just now.

        Nobody waits for this: it gives up at once (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
        """
        connection = self.raw_connection()
        try:
            with storage_errors(self.path):
                connection.execute("PRAGMA busy_timeout=0")
                return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        finally:
            connection.close()

    def close(self) -> None:
        """Close every connection; the file stays whole without it, too."""
        self._engine.dispose()

    def _create(self) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            metadata.create_all(connection)
            found = connection.execute(meta.select().where(meta.c.key == "schema_version")).one_or_none()
            if found is None:
                # One transaction: a file that a crash leaves half made still says that the logs are to be read.
                connection.execute(meta.insert().values(key="schema_version", value=SCHEMA_VERSION))
                connection.execute(meta.insert().values(key=_UNREAD_LOGS, value=""))
                form = SCHEMA_VERSION
            else:
                form = migrated(connection, found.value)
                connection.execute(meta.update().where(meta.c.key == "schema_version").values(value=form))
            connection.exec_driver_sql("COMMIT")
        self._require_our_form(form)

    def _require_our_form(self, form: str) -> None:
        if form != SCHEMA_VERSION:
            raise StorageError(
                f"{self.path} was written by another release (its form is {form}, ours {SCHEMA_VERSION}).",
                remedy="Use that release, or move the file away: runs stay readable in logs/.",
            )


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the disk or SQLite says into StorageError, with the path."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        raise _refusal(path, error.orig) from error
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        raise _refusal(path, error) from error


def is_damage(error: BaseException | None) -> bool:
    """Tell whether SQLite says that the file itself is broken (https://www.sqlite.org/rescode.html).

    It does not look into texts, nor compare its tables with ours: a letter that has changed there shows when it is
    read, as text that is no UTF-8, or as a table or column that is not there.
    """
    if isinstance(error, UnicodeDecodeError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
        return True
    return isinstance(error, sqlite3.OperationalError) and bool(_CHANGED_TEXT.match(str(error)))


def _refusal(path: Path, error: BaseException | None) -> StorageError:
    if is_damage(error):
        return DamagedState(f"{path} is damaged: {error}.")
    return StorageError(f"{path}: {getattr(error, 'strerror', None) or error}.")


def _engine(path: Path) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import QueuePool

    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=24,
        # Transactions are begun by hand: the driver's own BEGIN is deferred and fails when it later wants to write.
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": 30, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    for pragma in _pragmas():
        connection.execute(pragma)


def _pragmas() -> Iterator[str]:
    yield "PRAGMA journal_mode=WAL"
    yield "PRAGMA synchronous=FULL"
    yield "PRAGMA foreign_keys=ON"
    yield f"PRAGMA journal_size_limit={_LARGEST_WAL_BYTES}"
    if sys.platform == "darwin":  # fsync on macOS does not reach the disk's surface
        yield "PRAGMA fullfsync=ON"


def _refuse_network_file_system(folder: Path) -> None:
    kind = _file_system(folder)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise StorageError(
            f"{folder} is on a network file system ({kind}), where locks and syncs cannot be trusted.",
            remedy="Set `state_dir` in config.yaml to a folder on a local disk.",
        )


def _file_system(folder: Path) -> str:
    """Return the type of the mount that holds `folder` (Linux), or an empty string."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    target, best, kind = folder.resolve(), -1, ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, this_kind, *_ = line.split(" ")
        place = Path(point.replace("\\040", " "))
        if (place == target or place in target.parents) and len(place.parts) >= best:
            best, kind = len(place.parts), this_kind
    return kind
