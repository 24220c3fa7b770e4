"""Finds a mail in an open folder by its Message-ID: the newest ones by reading them, older ones by a search."""

from __future__ import annotations

import re

from clients.imap.headers import message_id_of
from clients.imap.search import quoted
from clients.imap.session import ImapSession, Selected

_RECENT = 100
"""This many of the newest mails are read, so that a fresh write is found even if the server's index lags."""


def with_message_id(session: ImapSession, selected: Selected, name: str) -> list[int]:
    """Return the UIDs of mails with this Message-ID in the open folder, ascending, without those marked as deleted."""
    if not selected.exists:
        return []
    newest = session.search(f"UID {max(1, selected.uidnext - _RECENT)}:*")[-_RECENT:]
    words = re.findall(r"[ -~]+", name.strip("<>"))
    # Part of an odd id finds more, which is compared below: some servers can search only for ASCII.
    older = session.search(f"HEADER Message-ID {quoted(max(words, key=len))}")[-_RECENT:] if words else []
    found = session.fetch(sorted({*newest, *older}), "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]")
    there = [one for one in found if "\\Deleted" not in one.flags]
    return sorted(one.uid for one in there if message_id_of(one.content or b"") == name)
