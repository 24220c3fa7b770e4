"""A mailbox on a real dovecot, for the contract suite."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from clients.errors import Unavailable
from clients.imap.client import ImapClient
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World
from tests.mail.mailboxes import deliver, lasting, mail


def _new_message(_scene: Scene) -> World:
    client = lasting()

    def happen(number: int) -> None:
        deliver(client, mail(f"Thing {number}"), at=NOW + timedelta(minutes=number))

    return World(
        fields={},
        happen=happen,
        shown=lambda: _shown(client),
        client=client,
        fail=client.mailbox.close,
        fails_with=Unavailable,
        now=lambda number: NOW + timedelta(minutes=number),
    )


def _attached(scene: Scene) -> World:
    world = _new_message(scene)

    def happen(number: int) -> None:
        content = mail(f"Thing {number}")
        content.add_attachment(b"1,2", maintype="text", subtype="csv", filename=f"{number}.csv")
        deliver(world.client, content, at=NOW + timedelta(minutes=number))

    return replace(world, happen=happen)


def _quiet(scene: Scene) -> World:
    """When somebody looks, the last mail is an hour old."""
    return replace(_new_message(scene), now=lambda number: NOW + timedelta(hours=1, minutes=number))


def _shown(client: ImapClient) -> list[object]:
    with client.mailbox.opened("INBOX") as (session, selected):
        return [selected, *session.fetch(session.search("ALL"), "BODY.PEEK[]")]


WORLDS = {
    "imap.new_message": _new_message,
    "imap.new_attachment": _attached,
    "imap.new_in_thread": _new_message,
    "imap.quiet_conversation": _quiet,
}
