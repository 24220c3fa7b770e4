"""Decides which mails a program must not answer, where an answer goes (RFC 3834), and which mails are a conversation.

`Reply-To` is as little proven as all that a stranger writes: with it, a mail asks for an answer to anybody's address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.mail.addresses import HEADER_MOST, sender_in, specs
from clients.mail.parts import header, headers, shown

_EARLIER_MOST = 200
"""Ids of earlier mails that count, beside the first: programs that write more leave out those in the middle."""
_ID = re.compile(r"<[^<>]+>")
_NAMED = ("From", "Sender", "Reply-To", "To", "Cc")
_BULK = {"bulk", "list", "junk", "auto_reply"}
_LIST_HEADERS = ("List-Id", "List-Unsubscribe", "List-Post", "List-Help")
_ROBOTS = (
    "noreply",
    "donotreply",
    "mailerdaemon",
    "postmaster",
    "bounce",
    "notreply",
    "nepasrepondre",
    "nichtantworten",
)


def reply_address(payload: Mapping[str, Any]) -> str:
    """Return the one address for an answer: from `Reply-To`, or from `From`; "" without either."""
    for name in ("Reply-To", "From"):
        address = _address(header(payload, name))
        if address:
            return address
    return ""


def is_from(payload: Mapping[str, Any], account: str) -> bool:
    """Return whether a mail names this address as its sender."""
    return _address(header(payload, "From")).lower() == account.lower()


def diverted(payload: Mapping[str, Any]) -> str:
    """Return a sentence if an answer goes to an address other than the sender's; "" if it does not."""
    to, sender = reply_address(payload), _address(header(payload, "From"))
    if to.lower() == sender.lower():
        return ""
    return f"The answer goes to {to} (Reply-To), not to its sender, {sender or 'who has no address'}."


def reply_all_addresses(payload: Mapping[str, Any], account: str) -> tuple[list[str], list[str]]:
    """Return (to, cc) for an answer to all: the sender, and all other recipients except `account`.

    Raises InvalidRequest if there are too many to read.
    """
    to = reply_address(payload)
    known = {account.lower(), to.lower()}
    others: dict[str, str] = {}
    for name in ("To", "Cc"):
        for address in _specs_of_all(payload, name):
            if address.lower() not in known:
                others.setdefault(address.lower(), address)
    return [to] if to else [], list(others.values())


def _specs_of_all(payload: Mapping[str, Any], name: str) -> list[str]:
    value = ", ".join(headers(payload, name))
    if len(value) > HEADER_MOST:
        raise InvalidRequest(
            f"The mail's {name} has {len(value):,} characters of addresses; at most {HEADER_MOST:,} are read.",
            remedy="Reply to its sender only.",
        )
    return specs(value)


def _address(value: str) -> str:
    one = sender_in(value)
    return next(iter(specs(value)), "") if one is None else one.spec


def refusal(message: Mapping[str, Any], account: str) -> str:
    """Return why a program must not answer this mail; "" if it may.

    `message` is Gmail's (`format=full`), `account` the mailbox's address.
    """
    payload = message.get("payload") or {}
    sender, goes_to = _address(header(payload, "From")), reply_address(payload)
    if not goes_to:
        return "it names no sender"
    if len({one.lower() for one in specs(", ".join(headers(payload, "From")))}) > 1:
        return "it names more than one sender"
    if account.lower() in {sender.lower(), goes_to.lower()} or "SENT" in (message.get("labelIds") or []):
        return "it is from yourself"
    return _automatic(payload) or _from_robot(sender, goes_to)


def require_answerable(service: str, message: Mapping[str, Any], account: str, *, follows_up: bool = False) -> None:
    """Raise InvalidRequest if a program must not answer this mail (RFC 3834); see `refusal`.

    `follows_up`: a mail of one's own may have a second one, to recipients that do not come from it.
    """
    is_own = is_from(message.get("payload") or {}, account) or "SENT" in (message.get("labelIds") or [])
    reason = "" if follows_up and is_own else refusal(message, account)
    if reason:
        raise InvalidRequest(
            f"This mail must not be answered automatically: {reason}.",
            service=service,
            remedy="Skip such mails: use `if` with the mail's `can_reply`.",
        )


def _automatic(payload: Mapping[str, Any]) -> str:
    submitted = header(payload, "Auto-Submitted").split(";")[0].strip().lower()
    precedence = header(payload, "Precedence").strip().lower()
    kind = header(payload, "Content-Type").strip().lower()
    if submitted not in {"", "no"}:
        return f"a program wrote it (Auto-Submitted: {shown(submitted)[:40]})"
    if header(payload, "X-Orchestra"):
        return "AI-Orchestra wrote it"
    if precedence in _BULK:
        return f"it is mass mail (Precedence: {precedence})"
    if any(header(payload, name) for name in _LIST_HEADERS):
        return "it came from a mailing list"
    # Delivery reports come from an empty address, so that nothing answers them (RFC 5321 4.5.5).
    if kind.startswith("multipart/report") or header(payload, "Return-Path").strip() == "<>":
        return "it is a delivery report"
    return ""


def _from_robot(*addresses: str) -> str:
    for address in addresses:
        local_part = address.partition("@")[0].lower()
        letters = "".join(letter for letter in local_part if letter.isalnum())
        if letters.startswith(_ROBOTS) or letters.endswith("noreply"):
            return f"nobody reads answers to {address}"
    return ""


class ReplyHeaders(Struct, frozen=True):
    """The headers of a mail that concern its conversation."""

    earlier: tuple[str, ...]
    """The ids of earlier mails, oldest first as far as the headers tell."""
    own: str
    """Its Message-ID, or ""."""
    is_whole: bool
    """Whether the headers list all earlier mails, not only the answered one."""
    author: str = ""
    """The address that it is from, in lower case; "" if there is not exactly one."""
    people: frozenset[str] = frozenset()
    """The addresses of its author and its recipients, in lower case."""

    @property
    def first(self) -> str:
        """The id of the first mail of the conversation, as far as these headers tell; "" if none has an id."""
        return next(iter(self.earlier), self.own)


def chain_of(payload: Mapping[str, Any]) -> ReplyHeaders:
    """Return the chain of a mail, from its headers."""
    named = {name: {one.lower() for one in specs(", ".join(headers(payload, name)))} for name in _NAMED}
    people = {one for some in named.values() for one in some}
    references = _ids(header(payload, "References"), people)
    answered = _ids(header(payload, "In-Reply-To"), people)
    own = header(payload, "Message-ID").strip()
    named_once = [one for one in dict.fromkeys([*references, *answered]) if one != own]
    earlier = (*named_once[:1], *named_once[1:][-_EARLIER_MOST:])
    author = next(iter(named["From"])) if len(named["From"]) == 1 else ""
    took_part = frozenset(named["From"] | named["To"] | named["Cc"])
    return ReplyHeaders(earlier, own, bool(references), author, took_part)


def _ids(value: str, people: set[str]) -> list[str]:
    """Return the ids in a header, also those that are folded in the middle.

    The old form of In-Reply-To has words and people's addresses, such as `Message from Ann <ann@example.org>` (RFC 822
    4.6.2): an address would join the mails of strangers.
    """
    found = ["".join(one.split()) for one in _ID.findall(value)]
    has_words = bool(_ID.sub("", value).strip())
    return [one for one in found if one[1:-1].lower() not in people and not (has_words and _is_like_person(one))]


def _is_like_person(name: str) -> bool:
    """Return whether an id may be an address: what programs make up has digits."""
    return not any(sign.isdigit() for sign in name.partition("@")[0])
