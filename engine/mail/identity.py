"""From which of an account's addresses a step writes a mail, and the signature below its text."""

from __future__ import annotations

from msgspec import Struct

from clients.mail.identities import SendAs, chosen
from clients.mail.outgoing import one_line
from engine.mail.fields import MailTextFields, written_text
from engine.plugins.step import Call


class SignedText(Struct, frozen=True):
    """The text of a mail, and who it is from."""

    text: str
    html: str
    sender: str
    """As in `OutgoingMail`: "" for the account itself."""


def signed_text(call: Call, fields: MailTextFields) -> SignedText:
    """Return the text of a mail with the signature, if it shall have one. Raises InvalidRequest, ServiceError.

    The account is asked for its addresses only if `from` or `signature` is set.
    """
    text, html = written_text(fields)
    if not fields.sender.strip() and not fields.signature:
        return SignedText(text, html, "")
    found: SendAs = chosen(call.client.identities(), fields.sender, call.client.service.name)
    if fields.signature:
        text, html = found.signed(text, html)
    sender = f'"{_escaped(found.name)}" <{found.address}>' if found.name else found.address
    return SignedText(text, html, sender if fields.sender.strip() else "")


def _escaped(name: str) -> str:
    """Return a name as it stands between quotation marks (RFC 5322 3.2.4)."""
    return one_line(name).replace("\\", "\\\\").replace('"', '\\"')
