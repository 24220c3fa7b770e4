"""Conversations of services that have threads, joined where a thread ends but the headers of its mails go on.

Gmail begins a new thread after a hundred mails or with another subject, Outlook with another subject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from clients.errors import NotFound, ServiceError
from clients.listing import Json
from clients.mail.many import raise_for_service
from clients.mail.participants import may_join, named_by
from clients.mail.replies import ReplyHeaders
from clients.mail.transcript import transcript

MAILS_MOST = 500
"""Mails of one conversation; of more, the newest."""
_ASKED_MOST = 10
"""Earlier mails that are looked for: many conversations began before the mailbox took part in them."""
_ROUNDS = 5


class SaidMail(Struct, frozen=True):
    """A mail of a conversation."""

    mail: Json
    """In the form of `clients.mail.text.read_mail`, with `id` and `date`."""
    chain: ReplyHeaders
    is_draft: bool = False


ThreadMails = Mapping[str, SaidMail | ServiceError]
"""The mails of a thread by their ids, or why one cannot be read."""


def joined(
    thread: str,
    mails_of: Callable[[str], ThreadMails],
    threads_with: Callable[[Sequence[str]], Iterable[str]],
    account: str,
) -> dict[str, SaidMail | ServiceError]:
    """Return the mails of a thread and of those threads that have earlier mails of the same conversation.

    `threads_with` finds the threads of mails by their Message-IDs. Mails are joined by their headers, never by subject,
    and only by somebody who takes part in the earlier thread, or by `account`, the mailbox's own address. Raises what
    `mails_of` raises for the first thread.
    """
    found = dict(mails_of(thread))
    read, asked = {thread}, set[str]()
    left: list[ThreadMails] = []
    for _ in range(_ROUNDS):
        wanted = [name for name in _missing(found.values()) if name not in asked][: _ASKED_MOST - len(asked)]
        if not wanted:
            break
        asked.update(wanted)
        for other in dict.fromkeys(threads_with(wanted)):
            if other not in read and len(found) < MAILS_MOST:
                read.add(other)
                with suppress(NotFound):
                    left.append(mails_of(other))
        found, left = _with_those_that_belong(found, left, account)
    return found


def _with_those_that_belong(
    found: dict[str, SaidMail | ServiceError], others: Sequence[ThreadMails], account: str
) -> tuple[dict[str, SaidMail | ServiceError], list[ThreadMails]]:
    """Return the mails with those of the other threads that belong to them, and the threads that do not."""
    left: list[ThreadMails] = []
    known = _chains([mail for some in (found, *others) for mail in some.values()])
    for one in others:
        if _belongs(_chains(one.values()), _chains(found.values()), known, account):
            found = {**one, **found}  # the earlier ones first: many have the same second
        else:
            left.append(one)
    return (found, left) if len(left) == len(others) else _with_those_that_belong(found, left, account)


def _belongs(
    earlier: Sequence[ReplyHeaders], later: Sequence[ReplyHeaders], known: Sequence[ReplyHeaders], account: str
) -> bool:
    """Return whether a later mail names an earlier one, and its author may join them."""
    there = {one.own for one in earlier if one.own}
    people = {person for one in earlier for person in one.people}
    return any(
        may_join(one.author, people, account) and not there.isdisjoint(named_by(one, known))
        for one in later
        if not there.isdisjoint(one.earlier)
    )


def _chains(mails: Iterable[SaidMail | ServiceError]) -> list[ReplyHeaders]:
    return [one.chain for one in mails if isinstance(one, SaidMail)]


def _missing(mails: Iterable[SaidMail | ServiceError]) -> Iterator[str]:
    """Yield the ids of earlier mails that are not among these, those that were answered first."""
    chains = _chains(mails)
    known = {one.own for one in chains}
    earlier = dict.fromkeys([*(one.earlier[-1] for one in chains if one.earlier), *_all_earlier(chains)])
    return (name for name in earlier if name not in known)


def _all_earlier(chains: Iterable[ReplyHeaders]) -> Iterator[str]:
    for one in chains:
        yield from reversed(one.earlier)


def conversation(
    thread: str,
    found: Mapping[str, SaidMail | ServiceError],
    unread: Callable[[Mapping[str, ServiceError]], list[Json]],
) -> Json:
    """Return {id, subject, text, messages, unreadable, has_more}, the mails oldest first; `text` is their transcript.

    `unread` describes mails that cannot be read. Drafts are not in `text`: nobody has said them. Raises an error that
    concerns the whole mailbox.
    """
    failed = {one: error for one, error in found.items() if isinstance(error, ServiceError)}
    raise_for_service(failed.values())
    read = sorted((one for one in found.values() if isinstance(one, SaidMail)), key=lambda one: str(one.mail["date"]))
    newest = read[-MAILS_MOST:]
    return {
        "id": thread,
        "subject": newest[0].mail["subject"] if newest else "",
        "text": transcript([one.mail for one in newest if not one.is_draft]),
        "messages": [one.mail for one in newest],
        "unreadable": unread(failed),
        "has_more": len(read) > len(newest),
    }
