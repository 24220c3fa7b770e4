"""Keys by which a caller may send one request several times: each stands for one content for ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.errors import InUse
from engine.names import timestamp
from engine.store.tables import request_keys

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def claim(connection: Connection, key: str, workflow: str, inputs: Mapping[str, Any], now: datetime) -> None:
    """Bind `key` to starting `workflow` with `inputs` (as sent, before defaults), in the caller's transaction.

    Claiming the same again is fine; raises InUse where the key already stands for something else.
    """
    content_hash = _hashed(workflow, inputs)
    row = connection.execute(request_keys.select().where(request_keys.c.key == key)).one_or_none()
    if row is None:
        values = {"key": key, "content_hash": content_hash, "at": timestamp(now)}
        connection.execute(request_keys.insert().values(**values))
    elif row.content_hash != content_hash:
        raise InUse(
            "This request key was used before, with another workflow or other inputs; nothing was started.",
            remedy="Send a new key with a new request.",
        )


def _hashed(workflow: str, inputs: Mapping[str, Any]) -> str:
    content = json.dumps([workflow, inputs], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
