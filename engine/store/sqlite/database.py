"""The state database: opened safely, written one transaction at a time, shared by all threads and processes."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.base.errors import DamagedState, StorageError, storage_remedy
from engine.base.threads import shared_property
from engine.files.atomic import PRIVATE_FILE, PRIVATE_FOLDER, keep_name, make_folder
from engine.files.group_sync import file_system
from engine.store.locks import FileLocks
from engine.store.sql.base.database import Cursor, EventRow, NothingFound, Question, Result
from engine.store.sql.base.facts import UNREAD_LOGS, SharedFacts, put_fact
from engine.store.sql.base.migrations import migrated, require_our_form
from engine.store.sql.base.tables import PARTS_FAILED_SQLITE, SCHEMA_VERSION, meta, metadata
from engine.store.sqlite.read_only import uri_to_read
from engine.store.texts.folder import FolderTexts

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_LARGEST_WAL_BYTES = 4 * 1024 * 1024
_WAL_SLACK_BYTES = 256 * 1024
"""Excess length at which a checkpoint also truncates the log; SQLite itself shortens it only when it restarts it."""
_LEAST_ROOM_BYTES = 64 * 1024  # the index of the log grows by 32 KiB (sqlite.org/walformat.html, 2)
_FEW_PAGES = 10
_MOST_ASKERS = 8  # connections for short reads that stay open; more are closed after use
_LOOK_SECONDS = 0.05  # processes of one machine see new runs by looking
_IN_PLACE_SECONDS = 0.01
"""How long a journal trusts that its file is still there: to look costs a fifteenth of a step, and more would be gone
with the file than what is written meanwhile."""
_MOVED = "Stop every process that works on this workspace; where the file is gone, the next rebuilds it from logs/."
_FOLDER = "Move the folder away; the next command rebuilds the state from logs/."
_LOCKED = "Another process has kept it locked for 30 s: wait for that one, or stop it, then try again."
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_CHANGED_TEXT = re.compile(
    r"Could not decode to UTF-8|no such (table|column)|table \w+ has no column|(table|index) \w+ already exists"
)
_WITH_TEXT = re.compile(r" with text .*", re.DOTALL)
"""What SQLite's driver adds to an error about text that is not UTF-8: the whole text, which may be a secret."""
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


damage_seen: dict[Path, str] = {}
"""State files in which this process has met damage, with SQLite's message for each."""


class SqliteStateDatabase(SharedFacts):
    """A state database: `reading()` and `writing()` open a connection; a write is on disk when its block ends."""

    parts_failed = PARTS_FAILED_SQLITE
    letters = ""  # `know_capitals` replaces `lower`
    size_bytes = "page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    is_far = False

    def __init__(self, folder: Path, *, is_read_only: bool = False) -> None:
        """`is_read_only`: the folder cannot be written; nothing is created, and a write raises StorageError."""
        self.path, self.is_read_only = folder / "state.db", is_read_only
        self.write_lock = threading.Lock()
        """Allows one writer at a time in this process; BEGIN IMMEDIATE keeps other processes out."""
        self._listening = threading.Lock()
        self._askers: list[sqlite3.Connection] = []
        self._is_closed = False
        with storage_errors(self.path), ExitStack() as failed:
            if not is_read_only:
                make_folder(folder, PRIVATE_FOLDER)
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))  # SQLite's other files get its mode
                keep_name(folder)  # again, in case the process that created the file died before it synced the folder
                _refuse_network_file_system(folder)
            self._address = uri_to_read(self.path) if is_read_only else str(self.path)
            self._engine = _engine(self._connected)
            failed.callback(self._engine.dispose)
            self._require_tables() if is_read_only else self._create()
            self._opened = {path: _identity(path) for path in (str(self.path), self._wal)}
            failed.pop_all()

    def require_in_place(self) -> None:
        """Raise StorageError if the database file or its log was removed or replaced while this process uses it.

        Writes to such a file would succeed, but nobody would ever find them.
        """
        for path, opened in self._opened.items():
            if _identity(path) != opened:
                raise StorageError(f"{path} was taken away, or another was put in its place.", remedy=_MOVED)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for one short read."""
        with storage_errors(self.path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def asking(self) -> Iterator[sqlite3.Cursor]:
        """Open a driver cursor for one short read that is made often.

        SQLAlchemy takes ten times as long to build a statement as SQLite takes to answer it.
        """
        with storage_errors(self.path):
            try:
                connection = self._askers.pop()
            except IndexError:
                self.require_in_place()  # SQLite would make a new file in place of one that was taken away
                connection = self.raw_connection()
            try:
                yield connection.cursor()
            finally:
                self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.rollback()
        if len(self._askers) < _MOST_ASKERS and not self._is_closed:
            self._askers.append(connection)
        else:
            connection.close()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a connection inside BEGIN IMMEDIATE: committed and synced when the block ends, else rolled back."""
        from sqlalchemy.exc import DBAPIError

        with storage_errors(self.path), self.write_lock, self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                with suppress(DBAPIError):  # on a full or broken disk, SQLite may have rolled back already
                    connection.exec_driver_sql("ROLLBACK")
                raise

    @contextmanager
    def inserting(self) -> Iterator[sqlite3.Cursor]:
        """Do the same as `writing` with a driver cursor, for the rows that every run writes.

        SQLAlchemy would take three times as long as SQLite and the disk together.
        """
        with storage_errors(self.path), self.write_lock:
            self.require_in_place()
            cursor = self._inserter.cursor()
            try:
                cursor.execute("BEGIN IMMEDIATE")  # in here: Ctrl-C right after it must not leave the database locked
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # as above
                    cursor.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Cursor]:
        """Open a driver cursor for several short reads that agree with each other."""
        with self.asking() as cursor:
            cursor.execute("BEGIN")
            yield cursor
            cursor.execute("COMMIT")  # if an error prevents this, the BEGIN is rolled back

    def cursor_of(self, connection: Connection) -> sqlite3.Cursor:
        """Return a driver cursor in the transaction of a connection."""
        cursor: sqlite3.Cursor = connection.connection.cursor()  # type: ignore[assignment]
        return cursor

    @shared_property
    def _inserter(self) -> sqlite3.Connection:
        return self.raw_connection()

    def journal(self) -> SqliteJournalConnection:
        """Return a connection for a journal."""
        return SqliteJournalConnection(self)

    def locks(self, folder: Path) -> FileLocks:
        """Return the locks of the processes of this machine."""
        return FileLocks(folder)

    def texts(self, folder: Path) -> FolderTexts:
        """Return the named texts, which are files."""
        return FolderTexts(folder)

    def broadcast(self) -> None:
        """Return None: one machine does all the work."""

    def announce_runs(self, cursor: Cursor, count: int = 1) -> None:
        """Do nothing: those who wait look again and again."""

    def wait_for_runs(self, seconds: float, *, takes: bool = True) -> bool:
        """Wait a moment."""
        time.sleep(min(seconds, _LOOK_SECONDS))
        return False

    def number_on(self, connection: Connection) -> None:
        """Do nothing: SQLite counts from the highest number there is."""

    def raw_connection(self) -> sqlite3.Connection:
        """Return a driver connection."""
        with storage_errors(self.path):
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        # Pools lend a connection to one thread after the other.
        connection = sqlite3.connect(
            self._address, timeout=30, isolation_level=None, check_same_thread=False, uri=self.is_read_only
        )
        for pragma in ("PRAGMA query_only=ON",) if self.is_read_only else _pragmas():
            connection.execute(pragma)
        know_capitals(connection)
        return connection

    def version(self) -> int:
        """Return a number that changes whenever any process writes (PRAGMA data_version)."""
        with storage_errors(self.path), self._listening:
            return int(self._listener.execute("PRAGMA data_version").fetchone()[0])

    def fact(self, key: str) -> str | None:
        """Return the value of a key in `meta`, if any; fast, since it is read before every run."""
        with storage_errors(self.path), self._listening:
            found = self._listener.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchall()
            return str(found[0][0]) if found else None

    @shared_property
    def _listener(self) -> sqlite3.Connection:
        """Return a connection that never writes: `data_version` does not count a connection's own writes."""
        return self.raw_connection()

    def shrink(self) -> bool:
        """Checkpoint the write-ahead log, and truncate it if it is too long; return False if a reader prevents it.

        Nobody waits for this: it gives up at once (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
        """
        how = "TRUNCATE" if self._wal_bytes() > _LARGEST_WAL_BYTES + _WAL_SLACK_BYTES else "PASSIVE"
        with storage_errors(self.path), closing(self.raw_connection()) as connection:
            connection.execute("PRAGMA busy_timeout=0")
            is_busy, in_log, in_file = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
            return not is_busy and bool(in_log == in_file)

    def lengthen(self) -> None:
        """Grow the write-ahead log to its full length now, with the pages of a transaction that is rolled back.

        On most disks a commit that makes the file longer takes twice as long as one that overwrites existing blocks,
        and the first thousand commits would all do so. Raises StorageError; nothing is lost then.
        """
        missing = _LARGEST_WAL_BYTES - self._wal_bytes()
        if missing <= 0:
            return
        with storage_errors(self.path), self.write_lock, closing(self.raw_connection()) as connection:
            connection.execute(f"PRAGMA cache_size={_FEW_PAGES}")  # larger transactions spill into the log early
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO meta VALUES ('', zeroblob(?))", (missing,))
            connection.execute("ROLLBACK")

    @property
    def _wal(self) -> str:
        return f"{self.path}-wal"

    def _wal_bytes(self) -> int:
        with suppress(OSError):
            return os.stat(self._wal).st_size  # noqa: PTH116
        return 0

    def close(self) -> None:
        """Close every connection; the file is consistent without it, too."""
        self._is_closed = True
        while self._askers:
            self._askers.pop().close()
        for name in ("_inserter", "_listener"):
            if name in self.__dict__:
                self.__dict__[name].close()
        self._engine.dispose()

    def _create(self) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            # With the definitions: SQLite does not notice a byte in them that is not text.
            tables = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
            before = {name for name, _ in tables}
            for statement in _missing(before):
                connection.exec_driver_sql(statement)
            found = connection.execute(meta.select().where(meta.c.key == "schema_version")).one_or_none()
            form = SCHEMA_VERSION if found is None else migrated(connection, found.value)
            self._require_our_form(form)
            if found is None or form != found.value:  # else nothing is written, so that nothing need be synced
                put_fact(connection, "schema_version", form)
            if found is None or not before >= _required(found.value):
                # One transaction: if a crash leaves the file half made, it still says that the logs must be read.
                put_fact(connection, UNREAD_LOGS, "")
            connection.exec_driver_sql("COMMIT")

    def _require_tables(self) -> None:
        """Require our form of the tables; where there is no file, let them be empty."""
        with self._engine.connect() as connection:
            if self._address.endswith("cache=shared"):
                connection.exec_driver_sql("PRAGMA query_only=OFF")
                for statement in _missing(set()):
                    connection.exec_driver_sql(statement)
                connection.exec_driver_sql("PRAGMA query_only=ON")
                return
            found = connection.execute(meta.select().where(meta.c.key == "schema_version")).one_or_none()
            self._require_our_form(SCHEMA_VERSION if found is None else found.value)

    def _require_our_form(self, form: str) -> None:
        require_our_form(form, str(self.path), otherwise=", or move the file away: runs stay readable in logs/")


class SqliteJournalConnection:
    """The connection of a journal, for one thread."""

    def __init__(self, database: SqliteStateDatabase) -> None:
        self._database, self.raw = database, database.raw_connection()
        self._look_at = 0.0
        """When to look again whether the file is in its place, by the monotonic clock."""

    def read(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one short query. Raises StorageError."""
        with storage_errors(self._database.path):
            return self.raw.execute(statement, parameters).fetchall()

    def commit(self, condition: Question, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` in a transaction, which is on disk when this returns; raise what it raises, and StorageError.

        Raises NothingFound if the condition finds no row.
        """
        with self._database.write_lock:
            try:
                if (now := time.monotonic()) >= self._look_at:  # a commit into a deleted file would be lost
                    self._database.require_in_place()
                    self._look_at = now + _IN_PLACE_SECONDS
                cursor = self.raw.cursor()
                cursor.execute("BEGIN IMMEDIATE")
                try:
                    if cursor.execute(*condition).fetchone() is None:
                        raise NothingFound
                    result = work(cursor)
                    cursor.execute("COMMIT")
                except BaseException:
                    if self.raw.in_transaction:
                        cursor.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OSError) as error:
                with storage_errors(self._database.path):  # entered only here: it would slow down each step a little
                    raise error from None
            return result

    def add_events(self, cursor: Cursor, events: Sequence[EventRow]) -> None:
        """Insert events in the transaction of a cursor."""
        cursor.executemany("INSERT INTO events (run_id, number, event) VALUES (?, ?, ?)", events)

    def hurry(self) -> None:
        """Do nothing: a transaction is never repeated."""

    def close(self) -> None:
        """Close the connection."""
        self.raw.close()


def _missing(known: set[str]) -> list[str]:
    """Return the statements that create the tables which a file does not have, with their indexes."""
    if metadata.tables.keys() <= known:  # nearly always; else each of them would be written out
        return []
    return [statement for name, statements in _definitions().items() if name not in known for statement in statements]


@cache
def _definitions() -> dict[str, list[str]]:
    """Return the statements that create each table; SQLAlchemy would look for all tables whenever a file is opened."""
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateIndex, CreateTable

    def written(statement: CreateTable | CreateIndex) -> str:
        return str(statement.compile(dialect=sqlite.dialect()))

    return {
        table.name: [written(CreateTable(table)), *(written(CreateIndex(one)) for one in table.indexes)]
        for table in metadata.sorted_tables
    }


def _required(form: str) -> set[str]:
    """Return the tables that a sound file of this schema version has; later tables come with later versions."""
    return set(metadata.tables) if form == SCHEMA_VERSION else {"runs", "events", "effects"}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn errors of the disk or of SQLite into StorageError, with the path."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        raise _refusal(path, error.orig) from error
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        raise _refusal(path, error) from error


def is_damage(error: BaseException | None) -> bool:
    """Return whether SQLite reports that the file itself is broken (https://www.sqlite.org/rescode.html).

    SQLite does not check texts or compare its tables with ours: a changed byte there shows only when it is read, as
    text that is not UTF-8, or as a missing table or column.
    """
    if isinstance(error, UnicodeDecodeError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
        return True
    return isinstance(error, sqlite3.OperationalError) and bool(_CHANGED_TEXT.match(str(error)))


def _refusal(path: Path, error: BaseException | None) -> StorageError:
    if is_damage(error):
        damage_seen[path] = _WITH_TEXT.sub("", str(error))
        return DamagedState(f"{path} is damaged: {damage_seen[path]}.")
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY:
        return StorageError(f"{path} cannot be written: {error}.", remedy=storage_remedy(error))
    if path.is_dir() and path.suffix == ".db":
        return StorageError(f"{path} is a folder, and the state is a file.", remedy=_FOLDER)
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY:
        return StorageError(f"{path}: {error}.", remedy=_LOCKED)
    if isinstance(error, OSError):  # it may be about another file or folder, which the error names
        return StorageError(f"{error.filename or path}: {error.strerror or error}.", remedy=storage_remedy(error))
    said = "No space left on device" if _is_for_want_of_room(path, error) else error
    return StorageError(f"{path}: {said}.", remedy=storage_remedy(error))


def _is_for_want_of_room(path: Path, error: BaseException | None) -> bool:
    """Return whether an "I/O error" of SQLite means a full disk, on which it cannot create the index of its log."""
    is_io = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
    return is_io and shutil.disk_usage(path.parent).free < _LEAST_ROOM_BYTES


def _identity(path: str) -> tuple[int, int] | None:
    """Return what identifies a file on this machine, or None if it does not exist."""
    try:
        found = os.stat(path)  # noqa: PTH116 - before every commit: a Path would take longer than the call
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _engine(connect: Callable[[], sqlite3.Connection]) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import QueuePool

    return create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=24,
        # Transactions are begun explicitly: the driver's own BEGIN is deferred, and fails later when it needs to write.
        isolation_level="AUTOCOMMIT",
    )


def know_capitals(connection: sqlite3.Connection) -> None:
    """Let `lower` know the letters of all alphabets: SQLite's own knows only ASCII."""
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _pragmas() -> Iterator[str]:
    yield "PRAGMA journal_mode=WAL"
    yield "PRAGMA synchronous=FULL"  # with NORMAL, a power cut could take back commits of a log (WAL)
    yield "PRAGMA foreign_keys=ON"
    yield f"PRAGMA journal_size_limit={_LARGEST_WAL_BYTES}"  # one long transaction must not leave a long log behind
    if sys.platform == "darwin":  # fsync on macOS does not reach the disk's surface
        yield "PRAGMA fullfsync=ON"


def _refuse_network_file_system(folder: Path) -> None:
    kind = file_system(folder)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise StorageError(
            f"{folder} is on a network file system ({kind}), where locks and syncs cannot be trusted.",
            remedy="Set `state_dir` in config.yaml to a folder on a local disk.",
        )
