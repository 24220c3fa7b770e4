"""A mailbox at its worst, for tests: an expired history, and answers that are late and unordered.

`POST /_demo/history` takes `forget: true` (history ids issued so far have expired) and `restless`, the
probability from 0 to 1 that each of the latest changes and mails is missing from an answer, once; answers are then
unordered, too. Gmail promises no more: its search lags, and its guide says to search again after a 404.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.gmail.mailbox import StandInMailbox
from demo.service import json_object
from demo.store import Store

Entry = TypeVar("Entry")
_UNREST = "gmail_unrest"
_LATEST = 30
"""How many of the latest changes or mails may be missing."""


def routes(store: Store) -> list[Route]:
    """Return the control route."""

    async def switch(request: Request) -> Response:
        given = await json_object(request)
        with store.transaction():
            known = store.get(_UNREST, "rules") or {}
            if given.pop("forget", False):
                known["forgotten_up_to"] = StandInMailbox(store).history_id
            store.put(_UNREST, "rules", {**known, **given})
        return JSONResponse({"ok": True})

    return [Route("/_demo/history", switch, methods=["POST"])]


def is_forgotten(store: Store, history_id: int) -> bool:
    """Return whether this history id counts as expired."""
    known = store.get(_UNREST, "rules") or {}
    return history_id < int(known.get("forgotten_up_to", -1))


def unrest(store: Store, entries: Sequence[Entry], *, newest_first: bool) -> list[Entry]:
    """Return entries as an unreliable mailbox would: some of the latest missing, the rest unordered."""
    chance = float((store.get(_UNREST, "rules") or {}).get("restless", 0))
    if not chance:
        return list(entries)
    places = range(len(entries))
    latest = set(places[:_LATEST] if newest_first else places[-_LATEST:])
    draw = random.Random()  # noqa: S311 - no secret
    kept = [entry for place, entry in enumerate(entries) if place not in latest or draw.random() >= chance]
    draw.shuffle(kept)
    return kept
