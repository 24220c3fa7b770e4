"""Hears at once that mail has come to a folder, by IDLE (RFC 2177); what has come is not read here."""

from __future__ import annotations

from collections.abc import Callable

from clients.errors import InvalidRequest
from clients.imap.mailbox import Mailbox
from clients.mail_server.providers import SERVICE

_AGAIN_SECONDS = 9 * 60.0
"""IDLE is sent again after so long: servers close a connection after 29 minutes, and routers forget one sooner."""


def listen(mailbox: Mailbox, folder: str, hear: Callable[[], None]) -> None:
    """Call `hear` whenever mail may have come, until the call is ended (`clients.deadline.ended_by`).

    It has a connection of its own. `hear` is also called once at the beginning: mail may have come before. Raises
    ServiceError; InvalidRequest if the server does not offer IDLE.
    """
    with mailbox.apart() as session:
        if "IDLE" not in session.capabilities:
            raise InvalidRequest("The mail server does not support IDLE.", service=SERVICE)
        session.select(folder or mailbox.folder)
        hear()
        while True:
            if session.idle(_AGAIN_SECONDS):
                hear()
