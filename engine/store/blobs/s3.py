"""Blobs in a bucket of S3, or of a service with its API, for workers on several machines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from engine.base.errors import StorageError
from engine.files.atomic import storage_errors
from engine.store.blobs.pieces import hash_of, local_copy, proven_pieces
from engine.store.blobs.s3_place import S3Place

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode
    from obstore.store import S3Config

_AT_ONCE = 16
_LARGEST_BATCH = 64  # then the marker of the process is looked for again
_PIECE_BYTES = 8 * 1024 * 1024  # at 140 KB/s, a piece still arrives within the time limit
_MOST_TRIES = 5  # while others replace the same blob
_REQUEST_SECONDS = 60  # for a whole response
_CONNECT_SECONDS = 5
_RETRY_SECONDS = 20
_KEYS: Mapping[str, Literal["access_key_id", "secret_access_key", "session_token"]] = {
    "AWS_ACCESS_KEY_ID": "access_key_id",
    "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    "AWS_SESSION_TOKEN": "session_token",
}
_REMEDY = "Check `logs` in config.yaml, the bucket, and the variables that begin with AWS_."
_UNCONDITIONAL = "Choose a service with conditional writes (If-None-Match and If-Match), or `logs: postgres`."


class S3Blobs:
    """Each blob is an object. What S3 has acknowledged is durable, and every later read sees it.

    A process that may be shut out has a marker, the object `.writers/<process>`; to shut it out is to delete the
    marker. S3 knows no transaction over two objects, so it promises less than a disk or a database:

    - Once it is shut out, a process begins no more puts: each looks for the marker first.
    - A put that has passed this look may still arrive, however late, but never in place of a blob that another process
      has put meanwhile. It has the condition that the object is still absent (`If-None-Match: *`) or the one that was
      there before the look (`If-Match`). Where that fails, the process looks again, and is fenced.

    So a log that is newer always stays. What may appear late is a blob that nobody has put since the process was shut
    out. Two limits: S3 compares by ETag, which depends on the content alone, so a blob that was put again as it was
    counts as unchanged; and a blob that has been removed meanwhile counts as absent.
    """

    def __init__(
        self, store: S3Store, place: str, process: str = "", readmit: Callable[[], None] | None = None
    ) -> None:
        self._store, self._place, self._process, self._readmit = store, place, process, readmit

    @classmethod
    def at(cls, place: S3Place, environment: Mapping[str, str]) -> S3Blobs:
        """Return the blobs of a place, with the keys of the usual variables; no request is sent. Raises StorageError.

        Without AWS_ACCESS_KEY_ID, AWS gives the keys to this machine, container or pod.
        """
        full = place.completed(environment)
        config: S3Config = {"region": full.region}
        if full.endpoint:
            config["endpoint"] = full.endpoint
        for variable, key in _KEYS.items():
            if environment.get(variable):
                config[key] = environment[variable]
        with _storage_errors(str(place)):
            store = S3Store(
                full.bucket,
                prefix=full.prefix or None,
                config=config,
                client_options={
                    "allow_http": full.endpoint.startswith("http://"),
                    "timeout": timedelta(seconds=_REQUEST_SECONDS),
                    "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
                },
                retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
            )
        return cls(store, str(place))

    def close(self) -> None:
        """Do nothing: connections are closed once they have been idle."""

    def where(self, name: str) -> str:
        """Return the address of a blob, as the tools of AWS write it."""
        return f"{self._place}/{name}"

    def get(self, name: str) -> bytes | None:
        """Return a blob, or None if it does not exist. Raises StorageError."""
        with self._errors(name):
            try:
                return self._store.get(name).bytes().to_bytes()
            except FileNotFoundError:
                return None

    @contextmanager
    def opened(self, name: str) -> Iterator[Path | None]:
        """Give a copy in a temporary file; None if there is no such blob. Raises StorageError."""
        head = self._head(name)
        if head is None:
            yield None
            return
        with local_copy(self._pieces(name, head)) as copy:
            yield copy

    def _pieces(self, name: str, head: ObjectMeta) -> Iterator[bytes]:
        """Yield a blob in pieces, each with a request of its own: a time limit holds for a whole response."""
        tag = head["e_tag"]  # with `if_match`: never pieces of two versions
        for start in range(0, head["size"], _PIECE_BYTES):
            with self._errors(name):
                piece = self._store.get(name, options={"range": (start, start + _PIECE_BYTES), "if_match": tag})
                data = piece.bytes().to_bytes()
            yield data

    def exists(self, name: str) -> bool:
        """Return whether there is such a blob. Raises StorageError."""
        return self._head(name) is not None

    def version(self, name: str) -> str | None:
        """Return the ETag of a blob; None without a blob. Raises StorageError."""
        head = self._head(name)
        return None if head is None else head["e_tag"]

    def names(self, folder: str = "") -> list[str]:
        """Return the full names of the blobs and folders directly in a folder, sorted. Raises StorageError."""
        with self._errors(folder):
            found = self._store.list_with_delimiter(folder)
        inside = [one["path"] for one in found["objects"]] + [f"{one}/" for one in found["common_prefixes"]]
        return sorted(name for name in inside if name[len(folder)] != ".")

    def size_bytes(self, *names: str) -> int:
        """Return the size of these blobs and of the blobs directly in these folders. Raises StorageError."""
        return sum(map(self._size_bytes, names))

    def _size_bytes(self, name: str) -> int:
        if not name.endswith("/"):
            head = self._head(name)
            return 0 if head is None else head["size"]
        with self._errors(name):
            return sum(one["size"] for one in self._store.list_with_delimiter(name)["objects"])

    def put(self, name: str, data: bytes) -> None:
        """Store a blob in place of any former one; it is durable when this returns. Raises StorageError, Fenced."""
        self._require_admitted()
        self._put(name, data)

    def put_all(self, blobs: Iterable[tuple[str, bytes]], count: int) -> dict[str, Exception]:
        """Store blobs, several at once; return {name: error} for those not stored. Raises Fenced, StorageError."""
        errors: dict[str, Exception] = {}

        def put(blob: tuple[str, bytes]) -> None:
            try:
                self._put(*blob)
            except StorageError as error:  # the others are written all the same
                errors[blob[0]] = error

        waiting = iter(blobs)
        with ThreadPoolExecutor(min(_AT_ONCE, max(count, 1))) as threads:
            while batch := list(islice(waiting, _LARGEST_BATCH)):
                self._require_admitted()
                list(threads.map(put, batch))
        return errors

    def put_hashed(self, folder: str, data: bytes) -> str:
        """Store a blob under its SHA-256, unless it is there already, and return the hash. Raises StorageError."""
        digest = hashlib.sha256(data).hexdigest()
        if not self.exists(folder + digest):
            with self._errors(folder + digest):
                self._store.put(folder + digest, data)
        return digest

    def put_file_hashed(self, folder: str, source: Path) -> str:
        """Do the same with the content of a local file; a large one is sent in parts. Raises StorageError."""
        if _size_bytes(source) <= _PIECE_BYTES:
            return self.put_hashed(folder, _content(source))
        digest = hash_of(source)
        if not self.exists(folder + digest):
            with self._errors(folder + digest):
                self._store.put(folder + digest, proven_pieces(source, digest))
        return digest

    def remove(self, names: Iterable[str]) -> None:
        """Delete objects, and all whose names begin with the name of a folder. Raises StorageError."""
        with self._errors(""):
            gone = [one for name in names for one in (self._inside(name) if name.endswith("/") else [name])]
            self._store.delete(gone)

    def admit(self, process: str) -> None:
        """Make the marker of a process. Raises StorageError, also if the service ignores conditions."""
        marker = _marker(process)
        unmet: tuple[PutMode, ...] = ("create", {"e_tag": '"0"'})  # the marker exists, and no ETag is "0"
        with self._errors(marker):
            self._store.put(marker, b"")
            for condition in unmet:
                with suppress(AlreadyExistsError, PreconditionError):
                    self._store.put(marker, b"", mode=condition)
                    raise StorageError(f"{self._place}: This service ignores conditions.", remedy=_UNCONDITIONAL)

    def shut_out(self, process: str) -> None:
        """Delete the marker of a process. Raises StorageError."""
        with self._errors(_marker(process)):
            self._store.delete(_marker(process))

    def put_by(self, process: str, admit: Callable[[], None]) -> S3Blobs:
        """Return these blobs, put as long as a process has its marker."""
        return S3Blobs(self._store, self._place, process, admit)

    def _put(self, name: str, data: bytes) -> None:
        """Store a blob; with the conditions above if a process does. Raises StorageError, Fenced."""
        condition: PutMode = "overwrite" if self._readmit is None else "create"
        for _ in range(_MOST_TRIES):
            with self._errors(name):
                try:
                    self._store.put(name, data, mode=condition, use_multipart=False)
                except (AlreadyExistsError, PreconditionError):
                    pass
                else:
                    return
            head = self._head(name)  # before the look for the marker: see above
            condition = "create" if head is None else {"e_tag": head["e_tag"]}
            self._require_admitted()
        raise StorageError(f"{self.where(name)} is replaced by others all the time.", remedy="Try again.")

    def _require_admitted(self) -> None:
        """Look for the marker of the process, if it needs one. Raises StorageError, Fenced."""
        if self._readmit is None or self.exists(_marker(self._process)):
            return
        self._readmit()
        if not self.exists(_marker(self._process)):
            raise StorageError(f"{self._process} was shut out while it was being admitted.", remedy="Try again.")

    def _head(self, name: str) -> ObjectMeta | None:
        with self._errors(name):
            try:
                return self._store.head(name)
            except FileNotFoundError:
                return None

    def _inside(self, folder: str) -> Iterator[str]:
        for some in self._store.list(folder):
            yield from (one["path"] for one in some)

    def _errors(self, name: str) -> AbstractContextManager[None]:
        return _storage_errors(self.where(name))


def _marker(process: str) -> str:
    return f".writers/{process}"


def _size_bytes(source: Path) -> int:
    with storage_errors(source):
        return source.stat().st_size


def _content(source: Path) -> bytes:
    with storage_errors(source):
        return source.read_bytes()


@contextmanager
def _storage_errors(where: str) -> Iterator[None]:
    """Turn what the service or the network refuses into a StorageError with its first line."""
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        # obstore appends the response of the service, which is XML.
        said = str(error).partition("\n")[0].partition(": <?xml")[0].strip()
        raise StorageError(f"{where}: {said}.", remedy=_REMEDY) from error
