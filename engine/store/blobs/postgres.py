"""Blobs in a table of PostgreSQL, for workers on several machines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from uuid import UUID, uuid4

from engine.base.errors import StorageError
from engine.store.blobs.pieces import hash_of, local_copy, pieces_of, proven_pieces
from engine.store.blobs.postgres_connections import BlobConnections
from engine.store.postgres.server.pool import Connection

_TABLES = """
SELECT pg_advisory_xact_lock(hashtext('orchestra.blobs'));
CREATE TABLE IF NOT EXISTS blobs (
    name text COLLATE "C", piece integer, version uuid NOT NULL, data bytea NOT NULL, PRIMARY KEY (name, piece)
);
CREATE TABLE IF NOT EXISTS blob_writers (process text PRIMARY KEY);
"""
"""Without the lock, two processes that create a table at the same time would fail, even with IF NOT EXISTS."""

_PUT = """
WITH admitted AS (SELECT FROM blob_writers WHERE process = %(process)s FOR KEY SHARE),
given AS (
    SELECT * FROM unnest(%(names)s::text[], %(pieces)s::integer[], %(data)b::bytea[]) AS given (name, piece, data)
    WHERE %(process)s::text IS NULL OR EXISTS (SELECT FROM admitted)
),
longer AS (
    DELETE FROM blobs USING (SELECT name, max(piece) AS last FROM given GROUP BY name) AS ends
    WHERE blobs.name = ends.name AND blobs.piece > ends.last
)
INSERT INTO blobs (name, piece, version, data)
SELECT name, piece, %(version)s, data FROM given ORDER BY name, piece
ON CONFLICT (name, piece) DO UPDATE SET version = excluded.version, data = excluded.data
"""
"""One statement: so nobody ever waits for a client that holds the lock on its row of `blob_writers`."""

_NEW_PIECE = """
INSERT INTO blobs (name, piece, version, data) VALUES (%s, %s, %s, %b) ON CONFLICT (name, piece) DO NOTHING
"""
_WHOLE = "blobs JOIN blobs AS first USING (name, version) WHERE first.piece = 0"
"""The version excludes pieces of a former, longer content, which two puts at the same moment may leave behind."""

_PIECES = f"SELECT blobs.data FROM {_WHOLE} AND name = %s ORDER BY blobs.piece"  # noqa: S608 - our own constant
_VERSION = "SELECT version FROM blobs WHERE name = %s AND piece = 0"
_SIZE = f"SELECT coalesce(sum(octet_length(blobs.data)), 0) FROM {_WHOLE} AND name = ANY(%s)"  # noqa: S608
_SIZE_OF_FOLDERS = """
SELECT coalesce(sum(found.size), 0) FROM unnest(%s::text[], %s::text[]) AS given (folder, after), LATERAL (
    SELECT sum(octet_length(blobs.data)) AS size FROM blobs
    WHERE blobs.name >= given.folder COLLATE "C" AND blobs.name < given.after COLLATE "C"
    AND strpos(substr(blobs.name, length(given.folder) + 1), '/') = 0
    AND blobs.version = (SELECT version FROM blobs AS first WHERE first.name = blobs.name AND first.piece = 0)
) AS found
"""
"""A range of the index for each folder; a join would make PostgreSQL read the whole table."""
_ENTRY = "%(folder)s || substring(substr(name, length(%(folder)s) + 1) FROM '^[^/]*/?')"
_NAMES = f"""
WITH RECURSIVE entries AS (
    (SELECT {_ENTRY} AS entry FROM blobs WHERE name >= %(folder)s AND name < %(after)s ORDER BY name LIMIT 1)
    UNION ALL
    SELECT (
        SELECT {_ENTRY} FROM blobs
        WHERE name >= CASE WHEN right(entry, 1) = '/' THEN left(entry, -1) || '0' ELSE entry || chr(1) END
        AND name < %(after)s ORDER BY name LIMIT 1
    ) FROM entries WHERE entry IS NOT NULL
)
SELECT entry FROM entries WHERE entry IS NOT NULL
"""  # noqa: S608 - nothing but our own constant is inserted
"""One step in the index for each entry, however many blobs a folder has: '0' is what follows '/'."""

_REMOVE = "DELETE FROM blobs WHERE name = ANY(%s)"
_REMOVE_FOLDERS = """
DELETE FROM blobs USING unnest(%s::text[], %s::text[]) AS gone (folder, after)
WHERE name >= gone.folder COLLATE "C" AND name < gone.after COLLATE "C"
"""
_ADMIT = "INSERT INTO blob_writers (process) VALUES (%s) ON CONFLICT DO NOTHING"
_IMPATIENT = "SET LOCAL lock_timeout = '30s'"
_SHUT_OUT = "DELETE FROM blob_writers WHERE process = %s"

_LARGEST_BATCH_BYTES = 8 * 1024 * 1024
_LARGEST_BATCH = 500
_LARGEST_REMOVAL = 1000
_PIECES_AT_ONCE = 4  # rows of at most 1 MiB that are in memory together


class PostgresBlobs:
    """Each blob is one or more rows of at most 1 MiB; a put is one statement, which is one transaction.

    A process that may be shut out has a row in `blob_writers`. Each of its puts locks this row until it is committed,
    and shutting the process out deletes the row. So the deletion waits for the puts that are being stored, and once it
    has returned, no further one is.
    """

    def __init__(self, database: BlobConnections, process: str | None = None, admit: Callable[[], None] | None = None):
        self._database, self._process, self._admit = database, process, admit

    @classmethod
    def at(cls, address: str) -> PostgresBlobs:
        """Open the blobs of a database, and create their tables if they are missing. Raises StorageError.

        `address`: `postgresql://…` or, as SQLAlchemy writes it, `postgresql+psycopg://…`.
        """
        database = BlobConnections(address)
        database.run(_create_missing_tables)
        database.clear()  # whoever opens the workspace may yet fail, and then closes nothing
        return cls(database)

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def where(self, name: str) -> str:
        """Return the database, and the name of a blob in it."""
        return f"{self._database.place}: {name}"

    def get(self, name: str) -> bytes | None:
        """Return a blob, or None if it does not exist. Raises StorageError."""
        pieces = self._database.rows(_PIECES, (name,))
        return b"".join(piece for (piece,) in pieces) if pieces else None

    @contextmanager
    def opened(self, name: str) -> Iterator[Path | None]:
        """Give a copy in a temporary file; None if there is no such blob. Raises StorageError."""
        with ExitStack() as stack:

            def copied(connection: Connection) -> Path | None:
                # The name makes it a cursor on the server; otherwise psycopg would fetch all pieces into memory.
                with connection.transaction(), connection.cursor("pieces", scrollable=False) as pieces:
                    pieces.itersize = _PIECES_AT_ONCE
                    first = pieces.execute(_PIECES, (name,), binary=True).fetchone()
                    if first is None:
                        return None
                    return stack.enter_context(local_copy(piece for (piece,) in chain([first], pieces)))

            yield self._database.run(copied)

    def exists(self, name: str) -> bool:
        """Return whether there is such a blob. Raises StorageError."""
        return self.version(name) is not None

    def version(self, name: str) -> UUID | None:
        """Return the id of the put that stored the blob; None without a blob. Raises StorageError."""
        return next((version for (version,) in self._database.rows(_VERSION, (name,))), None)

    def names(self, folder: str = "") -> list[str]:
        """Return the full names of the blobs and folders directly in a folder, sorted. Raises StorageError."""
        return [name for (name,) in self._database.rows(_NAMES, {"folder": folder, "after": _after(folder)})]

    def size_bytes(self, *names: str) -> int:
        """Return the size of these blobs and of the blobs directly in these folders. Raises StorageError."""
        folders = [name for name in names if name.endswith("/")]
        [(size,)] = self._database.rows(_SIZE, ([name for name in names if not name.endswith("/")],))
        [(inside,)] = self._database.rows(_SIZE_OF_FOLDERS, (folders, list(map(_after, folders))))
        return int(size + inside)

    def put(self, name: str, data: bytes) -> None:
        """Store a blob in place of any former one; it is committed when this returns. Raises StorageError, Fenced."""
        self._put([(name, data)])

    def put_all(self, blobs: Iterable[tuple[str, bytes]], count: int) -> dict[str, Exception]:
        """Store blobs, up to 8 MiB or 500 of them in a transaction; return {name: error} for those not committed."""
        errors: dict[str, Exception] = {}
        for batch in _batches(blobs):
            try:
                self._put(batch)
            except StorageError as error:  # the others are written all the same
                errors |= dict.fromkeys((name for name, _ in batch), error)
        return errors

    def put_hashed(self, folder: str, data: bytes) -> str:
        """Store a blob under its SHA-256, unless it is there already, and return the hash. Raises StorageError."""
        digest = hashlib.sha256(data).hexdigest()
        self._put_new(folder + digest, lambda: pieces_of(data))
        return digest

    def put_file_hashed(self, folder: str, source: Path) -> str:
        """Do the same with the content of a local file, a piece at a time. Raises StorageError."""
        digest = hash_of(source)
        self._put_new(folder + digest, lambda: proven_pieces(source, digest))
        return digest

    def remove(self, names: Iterable[str]) -> None:
        """Delete blobs and folders, up to 1,000 in a transaction. Raises StorageError."""
        given = list(names)
        for start in range(0, len(given), _LARGEST_REMOVAL):
            some = sorted(given[start : start + _LARGEST_REMOVAL])
            folders = [name for name in some if name.endswith("/")]
            self._database.execute(_REMOVE, ([name for name in some if not name.endswith("/")],))
            self._database.execute(_REMOVE_FOLDERS, (folders, list(map(_after, folders))))

    def admit(self, process: str) -> None:
        """Insert the row of a process. Raises StorageError."""
        self._database.execute(_ADMIT, (process,))

    def shut_out(self, process: str) -> None:
        """Delete the row of a process, once the puts that it has begun are committed. Raises StorageError."""

        def delete(connection: Connection) -> None:
            with connection.transaction():
                connection.execute(_IMPATIENT)
                connection.execute(_SHUT_OUT, (process,))

        self._database.run(delete)

    def put_by(self, process: str, admit: Callable[[], None]) -> PostgresBlobs:
        """Return these blobs, put as long as a process has its row."""
        return PostgresBlobs(self._database, process, admit)

    def _put(self, blobs: Sequence[tuple[str, bytes]]) -> None:
        """Store blobs in one transaction. Raises StorageError, Fenced."""
        rows = [
            (name, number, piece)
            for name, data in sorted(blobs)  # in one order, so that two processes never wait for each other
            for number, piece in enumerate(pieces_of(data))
        ]
        names, numbers, pieces = map(list, zip(*rows, strict=True))
        given = {"process": self._process, "names": names, "pieces": numbers, "data": pieces, "version": uuid4()}
        if self._database.execute(_PUT, given) or self._admit is None:  # no row changed: this process has no row
            return
        self._admit()
        if not self._database.execute(_PUT, given):
            raise StorageError(f"{self._process} was shut out while it was being admitted.", remedy="Try again.")

    def _put_new(self, name: str, pieces: Callable[[], Iterable[bytes]]) -> None:
        """Store a blob in pieces, unless another process has stored it or does so at the moment."""
        if self.exists(name):
            return
        version = uuid4()

        def insert(connection: Connection) -> None:
            with connection.transaction():
                for number, piece in enumerate(pieces()):
                    if not connection.execute(_NEW_PIECE, (name, number, version, piece)).rowcount:
                        return

        self._database.run(insert)


def _create_missing_tables(connection: Connection) -> None:
    found = connection.execute("SELECT to_regclass('blobs'), to_regclass('blob_writers')").fetchone()
    if found is None or None in found:
        with connection.transaction():
            connection.execute(_TABLES)


def _after(folder: str) -> str:
    """Return what sorts right after every name in a folder."""
    return f"{folder[:-1]}0" if folder else "\U0010ffff"  # '0' follows '/'; nothing follows the last code point


def _batches(blobs: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    batch: list[tuple[str, bytes]] = []
    size = 0
    for name, data in blobs:
        batch.append((name, data))
        size += len(data)
        if size >= _LARGEST_BATCH_BYTES or len(batch) >= _LARGEST_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
