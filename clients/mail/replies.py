"""Which mails must not be answered by a program, and where an answer goes (RFC 3834)."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import getaddresses
from typing import Any

from clients.mail.parts import header, shown

_HEADER_MOST = 60_000
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
    """Give the one address that an answer goes to: of `Reply-To`, else of `From`; "" where there is none."""
    for name in ("Reply-To", "From"):
        address = _address(header(payload, name))
        if address:
            return address
    return ""


def reply_all_addresses(payload: Mapping[str, Any], account: str) -> tuple[list[str], list[str]]:
    """Give where an answer to everybody goes, (to, cc): its sender, and all others that got the mail but `account`."""
    to = reply_address(payload)
    known = {account.lower(), to.lower()}
    others: dict[str, str] = {}
    for name in ("To", "Cc"):
        for address in _all_addresses(header(payload, name)):
            if address.lower() not in known:
                others.setdefault(address.lower(), address)
    return [to] if to else [], list(others.values())


def _address(value: str) -> str:
    return next(iter(_all_addresses(value)), "")


def _all_addresses(value: str) -> list[str]:
    return [address for _, address in getaddresses([value[:_HEADER_MOST]]) if "@" in address]


def refusal(message: Mapping[str, Any], account: str) -> str:
    """Say why this mail must not be answered by a program; "" where it may be.

    `message` is Gmail's (`format=full`), `account` the address of the mailbox.
    """
    payload = message.get("payload") or {}
    sender, goes_to = _address(header(payload, "From")), reply_address(payload)
    if not goes_to:
        return "it names no sender"
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
        return "an Orchestra wrote it"
    if precedence in _BULK:
        return f"it is mass mail (Precedence: {precedence})"
    if any(header(payload, name) for name in _LIST_HEADERS):
        return "it came by a mailing list"
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
