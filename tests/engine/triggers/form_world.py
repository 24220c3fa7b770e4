"""A form that is filled in, for the contract suite."""

from __future__ import annotations

import os
from datetime import timedelta

from engine.base.clock import timestamp
from engine.forms.inbox import Inbox, Submission
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


def sent(inbox: Inbox, number: int) -> None:
    """Fill in the form."""
    id_ = f"{number:022d}"
    at = NOW + timedelta(minutes=number)
    inbox.put(inbox.draft(), Submission(id_, timestamp(at), {"name": f"Name {number}"}, {}))
    os.utime(inbox.waiting / id_, (at.timestamp(), at.timestamp()))


def _form(scene: Scene) -> World:
    inbox = Inbox(scene.folder, "contact", "form")
    return World(
        fields={"title": "Contact", "fields": [{"name": "name", "label": "Name"}]},
        happen=lambda number: sent(inbox, number),
        shown=inbox.ids,
        more={"inbox": inbox},
    )


WORLDS = {"form.submitted": _form}
