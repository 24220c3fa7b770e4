"""Keys by which a caller may send one request several times and start one run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import InUse
from engine.store.tables import request_keys

if TYPE_CHECKING:
    from sqlalchemy import Connection


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


def earlier_run(connection: Connection, request: Request) -> str | None:
    """Return the run that this request started before; raise InUse where the key came with something else."""
    row = connection.execute(request_keys.select().where(request_keys.c.key == request.key)).one_or_none()
    if row is None:
        return None
    if row.content_hash != request.content_hash:
        raise InUse(
            "This request key was used before, with another workflow or other inputs; nothing was started.",
            remedy="Send a new key with a new request.",
        )
    return str(row.run_id)


def remember(connection: Connection, request: Request, run_id: str) -> None:
    """Bind the key to the run, in the transaction that accepts it; it outlives the run's row and its log."""
    values = {"key": request.key, "content_hash": request.content_hash, "run_id": run_id}
    connection.execute(request_keys.insert().values(**values))
