"""Keys by which a caller may send one request several times and start one run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import InUse

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True)
class Request:
    """A key, and what it was sent with."""

    key: str
    content_hash: str

    @classmethod
    def of(cls, key: str, workflow: str, inputs: Mapping[str, Any]) -> Request:
        """Return the request as it was sent: defaults that change later do not make it another one."""
        content = json.dumps([workflow, inputs], sort_keys=True, separators=(",", ":"))
        return cls(key, hashlib.sha256(content.encode()).hexdigest())


def earlier_run(cursor: sqlite3.Cursor, request: Request) -> str | None:
    """Return the run that this request started before; raise InUse where the key came with something else."""
    row = cursor.execute("SELECT content_hash, run_id FROM request_keys WHERE key = ?", (request.key,)).fetchone()
    if row is None:
        return None
    content_hash, run_id = row
    if content_hash != request.content_hash:
        raise InUse(
            "This request key was used before, with another workflow or other inputs; nothing was started.",
            remedy="Send a new key with a new request.",
        )
    return str(run_id)


def remember(cursor: sqlite3.Cursor, request: Request, run_id: str) -> None:
    """Bind the key to the run, in the transaction that accepts it; it outlives the run's row and its log."""
    values = (request.key, request.content_hash, run_id)
    cursor.execute("INSERT INTO request_keys (key, content_hash, run_id) VALUES (?, ?, ?)", values)
