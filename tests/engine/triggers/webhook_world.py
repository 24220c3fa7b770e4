"""An address that a service calls, for the contract suite."""

from __future__ import annotations

import os
from datetime import timedelta

from engine.base.clock import timestamp
from engine.forms.inbox import Inbox
from engine.hooks.deliveries import submission
from engine.hooks.signatures import Received
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


def delivered(inbox: Inbox, number: int, body: str = "") -> None:
    """Deliver something."""
    id_, at = f"{number:022d}", NOW + timedelta(minutes=number)
    text = body or f'{{"title": "Order {number}"}}'
    received = Received({"content-type": "application/json"}, {}, text.encode())
    inbox.put(inbox.draft(), submission(id_, timestamp(at), received, {}, (text, None, {})))
    os.utime(inbox.waiting / id_, (at.timestamp(), at.timestamp()))


def _webhook(scene: Scene) -> World:
    inbox = Inbox(scene.folder, "orders", "hook", keeps=50)
    return World(
        fields={"verify": "none"},
        happen=lambda number: delivered(inbox, number),
        shown=inbox.ids,
        more={"inbox": inbox},
    )


WORLDS = {"webhook.received": _webhook}
