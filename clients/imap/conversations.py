"""The conversations of mails in a mailbox; if a mail names only the one that it answers, that one is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from clients.errors import InvalidRequest, NotFound
from clients.imap.answers import FetchedMail
from clients.imap.mailbox import Mailbox
from clients.imap.search import quoted
from clients.imap.session import ImapSession
from clients.mail.participants import firsts
from clients.mail.raw import headers_of
from clients.mail.replies import ReplyHeaders, chain_of

NAMES_MOST = 1000
"""Ids that are looked for in one call."""
_NAMES_OF_ONE_MOST = 20
"""Ids of one mail that are looked for, the first and the last: one mail must not use up what is looked for in all."""
_AT_ONCE = 20
HEADERS = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID IN-REPLY-TO REFERENCES FROM SENDER REPLY-TO TO CC SUBJECT)]"
"""What `chain_of` looks at, and the subject."""


def conversation_ids(mailbox: Mailbox, session: ImapSession, folder: str, chains: Sequence[ReplyHeaders]) -> list[str]:
    """Return the id of the conversation of each mail: the Message-ID of its first mail, as far as the mailbox tells.

    Earlier mails are looked for in this folder, which is open and stays so, and where `thread` looks; a mail whose
    author takes no part in the conversation that it names does not belong to it (`clients.mail.participants`).
    """
    others: list[ReplyHeaders] = []
    asked: set[str] = set()
    while True:
        every = [*chains, *others]
        wanted = to_ask(every) - asked
        some = sorted(wanted)[: NAMES_MOST - len(asked)]
        if not some:
            return firsts(chains, others, mailbox.address, wanted)
        asked.update(some)
        others += _found(mailbox, session, folder, some)


def to_ask(chains: Sequence[ReplyHeaders]) -> set[str]:
    """Return the ids of the mails that must be found to know which conversations these mails are in."""
    return {name for one in chains for name in asked_by(one)} - {one.own for one in chains}


def asked_by(one: ReplyHeaders) -> tuple[str, ...]:
    """Return the earlier mails that are looked for because of a mail: not all, if it names many."""
    half = _NAMES_OF_ONE_MOST // 2
    return (*one.earlier[:half], *one.earlier[-half:])


def chain_in(found: FetchedMail) -> ReplyHeaders:
    """Return the chain of a mail; an empty one if it cannot be read."""
    with suppress(Exception):
        return chain_of(headers_of(found.content or b""))
    return ReplyHeaders((), "", is_whole=True)


def folders_of(mailbox: Mailbox, folder: str) -> list[str]:
    """Return where mails of a conversation may be: the named folder first."""
    everything = mailbox.folder_for("all")
    usual = [everything] if everything else ["INBOX", mailbox.folder_for("sent"), mailbox.folder_for("archive")]
    return [*dict.fromkeys(one for one in [folder, *usual] if one)]


def _found(mailbox: Mailbox, session: ImapSession, folder: str, names: Sequence[str]) -> list[ReplyHeaders]:
    found = _in_open_folder(session, names)
    missing = _without(names, found)
    for other in folders_of(mailbox, folder)[1:] if missing else []:
        with suppress(NotFound, InvalidRequest):
            session.select(other)
            found += _in_open_folder(session, missing)
            missing = _without(names, found)
    session.select(folder)
    return found


def _without(names: Sequence[str], found: Sequence[ReplyHeaders]) -> list[str]:
    return [name for name in names if name not in {one.own for one in found}]


def _in_open_folder(session: ImapSession, names: Sequence[str]) -> list[ReplyHeaders]:
    found: list[ReplyHeaders] = []
    usable = searchable(names)
    for start in range(0, len(usable), _AT_ONCE):
        some = usable[start : start + _AT_ONCE]
        with suppress(InvalidRequest):  # a server that cannot search for them
            uids = session.search(with_ids(some, "Message-ID"))
            chains = [chain_of(headers_of(one.content or b"")) for one in session.fetch(uids[-500:], HEADERS)]
            found += [one for one in chains if one.own in some]
    return found


def searchable(names: Iterable[str]) -> list[str]:
    """Return the ids that a server can search for."""
    return [name for name in names if name.isascii() and name.isprintable()]


def with_ids(names: Sequence[str], *fields: str) -> str:
    """Return a search for mails that have any of these ids in any of these headers.

    HEADER also finds parts of an id (RFC 3501 6.4.4), so other mails may be among the results.
    """
    return _either(f"HEADER {field} {quoted(name.strip('<>'))}" for name in names for field in fields)


def _either(keys: Iterable[str]) -> str:
    """Return a search for mails that fit any of these (RFC 3501 6.4.4: `OR` has two keys)."""
    first, *others = keys
    return f"OR {first} {_either(others)}" if others else first
