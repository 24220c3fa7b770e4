"""Copy the logs of all runs, and their large values, from one place to another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from engine.base.errors import StorageError
from engine.record.run_log import RunLogs
from engine.store.blobs.blobs import Blobs
from engine.store.blobs.pieces import hash_of

_AT_ONCE = 8


@dataclass(frozen=True)
class CopiedLogs:
    """What copying has done, in blobs: logs and large values."""

    copied: int
    were_there: int


def copied_logs(source: RunLogs, target: Blobs) -> CopiedLogs:
    """Copy what the target lacks or has with another content, and read each copy back. Raises StorageError.

    What was copied stays there if it fails, so that the next time has less to do.
    """
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = list(threads.map(lambda name: _is_copied(name, source.blobs, target), source.blob_names()))
    return CopiedLogs(copied=sum(found), were_there=len(found) - sum(found))


def _is_copied(name: str, source: Blobs, target: Blobs) -> bool:
    """Copy a blob; return False if the target has it already, or the source no longer."""
    with source.opened(name) as path:
        if path is None:
            return False
        digest = hash_of(path)
        if _hash_in(target, name) == digest:
            return False
        folder, _, own = name.rpartition("/")
        if own == digest:  # a large value, which need not fit into memory
            target.put_file_hashed(f"{folder}/", path)
        else:
            target.put(name, path.read_bytes())
    if _hash_in(target, name) != digest:
        raise StorageError(f"{target.where(name)} is not what was copied there.", remedy="Copy again.")
    return True


def _hash_in(blobs: Blobs, name: str) -> str:
    with blobs.opened(name) as path:
        return "" if path is None else hash_of(path)
