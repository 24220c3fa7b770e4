"""Decides which mails a program must not answer, and where an answer goes (RFC 3834).

`Reply-To` is as little proven as all that a stranger writes: with it, a mail asks for an answer to anybody's address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.errors import InvalidRequest
from clients.mail.addresses import HEADER_MOST, sender_in, specs
from clients.mail.parts import header, headers, shown

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
    """Return the one address for an answer: from `Reply-To`, else from `From`; "" if there is none."""
    for name in ("Reply-To", "From"):
        address = _address(header(payload, name))
        if address:
            return address
    return ""


def diverted(payload: Mapping[str, Any]) -> str:
    """Return a sentence if an answer goes to another address than that of the sender; "" if it does not."""
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
