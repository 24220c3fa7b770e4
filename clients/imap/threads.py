"""A whole conversation, from the folders where its mails may be: found by the ids in their headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import groupby

from msgspec import Struct

from clients.errors import InvalidRequest, NotFound, ServiceError, Unreadable
from clients.imap.answers import FetchedMail
from clients.imap.conversations import HEADERS, NAMES_MOST, asked_by, chain_in, folders_of, searchable, with_ids
from clients.imap.filing import gone
from clients.imap.mailbox import Mailbox, MailId
from clients.imap.reading import shown, subject_of
from clients.imap.session import ImapSession, Selected
from clients.listing import Json
from clients.mail.conversation import MAILS_MOST, SaidMail, conversation
from clients.mail.participants import may_join, together
from clients.mail.replies import ReplyHeaders
from clients.mail.text import WHOLE, MailView
from clients.mail.unreadable import unread
from clients.mail_server.providers import SERVICE

_ROUNDS = 20
_AT_ONCE = 8
"""Ids in one search: each is looked for in three headers, and command lines have limits."""
_FOUND_MOST = 2000
_FIELDS = ("Message-ID", "References", "In-Reply-To")


class _Located(Struct, frozen=True):
    """A mail of the conversation, and where it is."""

    id: MailId
    chain: ReplyHeaders
    found: FetchedMail

    @property
    def names(self) -> set[str]:
        """The ids in its headers."""
        return {*self.chain.earlier, self.chain.own} - {""}

    @property
    def asks_for(self) -> set[str]:
        """The ids to look for because of it."""
        return {*asked_by(self.chain), self.chain.own} - {""}

    @property
    def at(self) -> float:
        """When it arrived, to sort by."""
        return self.found.arrived_at.timestamp() if self.found.arrived_at else 0.0


def thread(mailbox: Mailbox, wanted: str, folder: str = "", view: MailView = WHOLE) -> Json:
    """Return a conversation, as in `clients.mail.conversation`. `wanted`: the `thread_id` of one of its mails.

    Mails that share any id in Message-ID, In-Reply-To and References belong together, as far as
    `clients.mail.participants` lets their authors join them. They are looked for in the folder
    (the connection's if it is empty), the inbox, the sent mails and the archive, or in all mail where the server has
    such a folder. A mail that is in several of them counts once. Raises NotFound if there is none.
    """
    name = wanted.strip()
    if not searchable([name]) or not name:
        raise InvalidRequest(
            f"{wanted[:100]!r} is not the id of a conversation.",
            service=SERVICE,
            remedy="Use the `thread_id` of a mail; it is empty where a mail belongs to no conversation.",
        )
    folders = folders_of(mailbox, folder or mailbox.folder)
    with mailbox.session() as session:
        located, is_all = _gathered(session, folders, name, mailbox.address)
        every = _conversation_of(name, located, mailbox.address)
        if not every:
            raise NotFound(
                f"There is no mail of the conversation {name[:200]} in {', '.join(folders)}.",
                service=SERVICE,
                remedy="Name the folder where it is, or use the `thread_id` of another mail.",
            )
        newest = sorted(_each_once(every), key=lambda one: one.at)[-MAILS_MOST - 1 :]
        read: dict[str, SaidMail | ServiceError] = {}
        for where, some in groupby(sorted(newest, key=lambda one: one.id.folder), key=lambda one: one.id.folder):
            read.update(_read(mailbox, session, where, [*some], view))
    for one in read.values():
        if isinstance(one, SaidMail):
            one.mail["thread_id"] = name
    subjects = {str(one.id): subject_of(one.found) for one in newest}
    found = conversation(
        name, read, lambda failed: [unread(one, subjects.get(one, ""), error) for one, error in failed.items()]
    )
    return {**found, "has_more": found["has_more"] or not is_all}


def _gathered(session: ImapSession, folders: Sequence[str], name: str, account: str) -> tuple[list[_Located], bool]:
    """Return the mails that are connected with an id, also by way of others, and whether those are all."""
    found: dict[tuple[str, int], _Located] = {}
    asked, names = set[str](), [name]
    for _ in range(_ROUNDS):
        some = names[: NAMES_MOST - len(asked)]
        if not some or len(found) >= _FOUND_MOST:
            break
        asked.update(some)
        for folder in folders:
            selected = _selected(session, folder, is_named=folder == folders[0])
            if selected is not None:
                found.update(_in_folder(session, selected, some, asked, found.keys()))
        names = [one for one in _to_ask([*found.values()], account) if one not in asked]
    return [*found.values()], not names


def _to_ask(mails: Sequence[_Located], account: str) -> list[str]:
    """Return the ids to look for: first those in mails of one's own, then those in most mails."""
    count = Counter(name for one in _each_once(mails) for name in one.asks_for)
    own = {name for one in mails if one.chain.author == account.lower() for name in one.asks_for}
    return sorted(searchable(count), key=lambda name: (name not in own, -count[name], name))


def _conversation_of(name: str, mails: Sequence[_Located], account: str) -> list[_Located]:
    """Return the mails that belong to the one with an id; if it is not here, to the oldest that names it."""
    numbers = together([one.chain for one in mails], account)
    wanted = {number for one, number in zip(mails, numbers, strict=True) if one.chain.own == name}
    if len(wanted) > 1:
        _require_one_author(name, [one for one in mails if one.chain.own == name], account)
    if not wanted and mails:
        naming = [(one.at, number) for one, number in zip(mails, numbers, strict=True) if name in one.names]
        wanted = {min(naming)[1]}
    return [one for one, number in zip(mails, numbers, strict=True) if number in wanted]


def _require_one_author(name: str, copies: Sequence[_Located], account: str) -> None:
    """Raise InvalidRequest if mails of strangers have one id: anybody can give the id of any mail to their own."""
    first, *others = (one.chain for one in sorted(copies, key=lambda one: one.at))
    for one in others:
        if one.author != first.author and not may_join(one.author, first.people, account):
            raise InvalidRequest(
                f"Mails by {first.author[:100]} and by {one.author[:100]} have the same Message-ID, {name[:200]}: "
                "it is not clear whose conversation is meant.",
                service=SERVICE,
                remedy="Read the mails themselves, by their ids.",
            )


def _selected(session: ImapSession, folder: str, *, is_named: bool) -> Selected | None:
    try:
        return session.select(folder)
    except (NotFound, InvalidRequest):
        if is_named:
            raise
        return None


def _in_folder(
    session: ImapSession, selected: Selected, names: Sequence[str], asked: set[str], known: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], _Located]:
    folder, seen = selected.folder, {uid for where, uid in known if where == selected.folder}
    found: dict[tuple[str, int], _Located] = {}
    for start in range(0, len(names), _AT_ONCE):
        uids = session.search(with_ids(names[start : start + _AT_ONCE], *_FIELDS))
        new = [uid for uid in uids if uid not in seen][-_FOUND_MOST:]
        seen.update(new)
        for one in session.fetch(new, HEADERS):
            located = _Located(MailId(folder, selected.uidvalidity, one.uid), chain_in(one), one)
            if located.names & asked:
                found[folder, one.uid] = located
    return found


def _each_once(mails: Iterable[_Located]) -> list[_Located]:
    """Return the mails without the copies that other folders have of them."""
    kept: dict[str, _Located] = {}
    for one in mails:
        kept.setdefault(one.chain.own or str(one.id), one)
    return [*kept.values()]


def _read(
    mailbox: Mailbox, session: ImapSession, folder: str, mails: Sequence[_Located], view: MailView
) -> dict[str, SaidMail | ServiceError]:
    """Return mails of one folder, or why one cannot be read."""
    waiting = {one.id.uid: one for one in mails}
    read: dict[str, SaidMail | ServiceError] = {}
    with suppress(NotFound):  # the folder was deleted meanwhile, and its mails with it
        session.select(folder)
        for found in session.contents([*waiting]):
            one = waiting.pop(found.uid)
            try:
                mail = shown(mailbox, one.id, found, view)
                read[str(one.id)] = SaidMail(mail, one.chain, "\\Draft" in found.flags)
            except Unreadable as error:
                read[str(one.id)] = error
    return read | {str(one.id): gone(one.id) for one in waiting.values()}
