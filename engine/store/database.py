"""One state.db: opened safely, written one transaction at a time, by any thread of any process."""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DamagedState, StorageError
from engine.store.migrations import SCHEMA_VERSION, migrated
from engine.store.tables import meta, metadata
from engine.workspace.files import keep_name, make_folder

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_LARGEST_WAL_BYTES = 4 * 1024 * 1024
_WAL_SLACK_BYTES = 256 * 1024
"""SQLite cuts the log back only when it begins it anew; so much more is no reason to do it for it."""
_LEAST_ROOM_BYTES = 64 * 1024
_FEW_PAGES = 10
_MOVED = "Stop every process that works on this workspace; where the file is gone, the next makes it anew from logs/."
_FOLDER = "Move the folder away; the next command makes the state anew from logs/."
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
        self._listening = threading.Lock()
        with storage_errors(self.path):
            make_folder(folder, 0o700)
            keep_name(folder)  # also where the process that made it died before it had
            _refuse_network_file_system(folder)
            self._engine = _engine(self.path)
            self._create()
            self._opened = _identity(self.path)

    def require_in_place(self) -> None:
        """Raise StorageError where the file was taken away, or replaced, under this process.

        It could still be written, and nobody would ever find what is in it.
        """
        with suppress(FileNotFoundError):
            if _identity(self.path) == self._opened:
                return
        raise StorageError(f"{self.path} was taken away, or another was put in its place.", remedy=_MOVED)

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

    @contextmanager
    def inserting(self) -> Iterator[sqlite3.Cursor]:
        """Do the same as `writing` with a cursor of the driver itself, for what is written for every run.

        SQLAlchemy would take three times as long as SQLite and the disk together.
        """
        with storage_errors(self.path), self.write_lock:
            self.require_in_place()
            cursor = self._inserter.cursor()
            try:
                cursor.execute("BEGIN IMMEDIATE")  # in here: Ctrl-C right after it must not leave the state locked
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # as above
                    cursor.execute("ROLLBACK")
                raise

    @cached_property
    def _inserter(self) -> sqlite3.Connection:
        return self.raw_connection()

    def raw_connection(self) -> sqlite3.Connection:
        """Return a connection of the driver itself, for the journal's hot path."""
        with storage_errors(self.path):
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            for pragma in _pragmas():
                connection.execute(pragma)
            return connection

    def version(self) -> int:
        """Return a number that is another one whenever any process has written since (PRAGMA data_version)."""
        with storage_errors(self.path), self._listening:
            return int(self._listener.execute("PRAGMA data_version").fetchone()[0])

    def has_fact(self, key: str) -> bool:
        """Tell whether `meta` has a key."""
        return self.fact(key) is not None

    def fact(self, key: str) -> str | None:
        """Return what `meta` has under a key; fast, for what is asked before every run."""
        with storage_errors(self.path), self._listening:
            found = self._listener.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchall()
            return str(found[0][0]) if found else None

    @cached_property
    def _listener(self) -> sqlite3.Connection:
        """Writes nothing: what a connection has written itself is no news to it."""
        return self.raw_connection()

    def has_unread_logs(self) -> bool:
        """Tell whether the file was made anew and does not know yet what the logs of runs tell."""
        return self.has_fact(_UNREAD_LOGS)

    def logs_are_read(self) -> None:
        """Remember that what the logs tell is in the file."""
        with self.writing() as connection:
            connection.execute(meta.delete().where(meta.c.key == _UNREAD_LOGS))

    def shrink(self) -> bool:
        """Bring the write-ahead log into the file, and empty it where it is too long; False where somebody reads it.

        Nobody waits for this: it gives up at once (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
        """
        how = "TRUNCATE" if self._wal_bytes() > _LARGEST_WAL_BYTES + _WAL_SLACK_BYTES else "PASSIVE"
        with storage_errors(self.path), closing(self.raw_connection()) as connection:
            connection.execute("PRAGMA busy_timeout=0")
            is_busy, in_log, in_file = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
            return not is_busy and bool(in_log == in_file)

    def lengthen(self) -> None:
        """Give the write-ahead log its full length now, with pages of a transaction that is taken back.

        A commit that makes the file longer takes most disks twice as long as one that writes over what was there, and
        it stays that way for the first thousand. Raises StorageError; nothing is lost then.
        """
        missing = _LARGEST_WAL_BYTES - self._wal_bytes()
        if missing <= 0:
            return
        with storage_errors(self.path), self.write_lock, closing(self.raw_connection()) as connection:
            connection.execute(f"PRAGMA cache_size={_FEW_PAGES}")  # what is more goes into the log before the end
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO meta VALUES ('', zeroblob(?))", (missing,))
            connection.execute("ROLLBACK")

    def _wal_bytes(self) -> int:
        with suppress(OSError):
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size
        return 0

    def close(self) -> None:
        """Close every connection; the file stays whole without it, too."""
        for name in ("_inserter", "_listener"):
            if name in self.__dict__:
                self.__dict__[name].close()
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


def cursor_of(connection: Connection) -> sqlite3.Cursor:
    """Return a cursor of the driver in the transaction of a connection."""
    cursor: sqlite3.Cursor = connection.connection.cursor()  # type: ignore[assignment]
    return cursor


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
    if path.is_dir() and path.suffix == ".db":
        return StorageError(f"{path} is a folder, and the state is a file.", remedy=_FOLDER)
    if isinstance(error, OSError):  # it may be about another file or folder, and names that
        return StorageError(f"{error.filename or path}: {error.strerror or error}.")
    return StorageError(f"{path}: {'No space left on device' if _is_for_want_of_room(path, error) else error}.")


def _is_for_want_of_room(path: Path, error: BaseException | None) -> bool:
    """Tell what SQLite calls an I/O error: it cannot make the index of its log on a full disk."""
    is_io = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
    return is_io and shutil.disk_usage(path.parent).free < _LEAST_ROOM_BYTES


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


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
