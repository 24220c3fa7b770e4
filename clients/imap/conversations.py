"""The conversations of mails in a mailbox; if a mail names only the one that it answers, that one is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from clients.errors import InvalidRequest, NotFound
from clients.imap.answers import FetchedMail
from clients.imap.mailbox import Mailbox
from clients.imap.search import quoted
from clients.imap.session import ImapSession
from clients.mail.raw import headers_of
from clients.mail.replies import ReplyHeaders, chain_of, firsts

_LEVELS = 20
"""How far an unbroken row of mails without References is followed."""
_AT_ONCE = 20
_HEADERS = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID IN-REPLY-TO REFERENCES FROM TO)]"


def conversation_ids(mailbox: Mailbox, session: ImapSession, folder: str, chains: Sequence[ReplyHeaders]) -> list[str]:
    """Return the id of the conversation of each mail: the Message-ID of its first mail, as far as the mailbox tells.

    Earlier mails are looked for in this folder, which is open and stays so, and among the sent ones.
    """
    others: list[ReplyHeaders] = []
    asked: set[str] = set()
    for _ in range(_LEVELS):
        every = [*chains, *others]
        wanted = unknown(every) - asked
        if not wanted:
            break
        asked |= wanted
        others += _found(mailbox, session, folder, sorted(wanted))
    return firsts(chains, others)


def unknown(chains: Sequence[ReplyHeaders]) -> set[str]:
    """Return the ids of the mails that must be found to know which conversations these mails are in."""
    return {one.first for one in chains if not one.is_whole and one.earlier} - {one.own for one in chains}


def chain_in(found: FetchedMail) -> ReplyHeaders:
    """Return the chain of a mail; an empty one if it cannot be read."""
    with suppress(Exception):
        return chain_of(headers_of(found.content or b""))
    return ReplyHeaders((), "", is_whole=True)


def _found(mailbox: Mailbox, session: ImapSession, folder: str, names: Sequence[str]) -> list[ReplyHeaders]:
    found = _in_open_folder(session, names)
    missing = [name for name in names if name not in {one.own for one in found}]
    sent = mailbox.folder_for("sent") if missing else None
    if sent is not None and sent != folder:
        with suppress(NotFound, InvalidRequest):
            session.select(sent)
            found += _in_open_folder(session, missing)
        session.select(folder)
    return found


def _in_open_folder(session: ImapSession, names: Sequence[str]) -> list[ReplyHeaders]:
    found: list[ReplyHeaders] = []
    usable = [name for name in names if name.isascii() and name.isprintable()]
    for start in range(0, len(usable), _AT_ONCE):
        some = usable[start : start + _AT_ONCE]
        with suppress(InvalidRequest):  # a server that cannot search for them
            # HEADER also finds parts of an id (RFC 3501 6.4.4), so other mails may be among the results.
            uids = session.search(_either(f"HEADER Message-ID {quoted(name.strip('<>'))}" for name in some))
            chains = [chain_of(headers_of(one.content or b"")) for one in session.fetch(uids[-500:], _HEADERS)]
            found += [one for one in chains if one.own in some]
    return found


def _either(keys: Iterable[str]) -> str:
    """Return a search for mails that fit any of these (RFC 3501 6.4.4: `OR` has two keys)."""
    first, *others = keys
    return f"OR {first} {_either(others)}" if others else first
