"""The addresses from which an account may send: its own, and its aliases, each with a name and a signature."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.mail.addresses import compared, parsed
from clients.mail.html import visible_text
from clients.mail.rendered import html_of_text

_SHOWN = 20


class SendAs(Struct, frozen=True):
    """An address from which an account may send."""

    address: str
    name: str = ""
    """The name before it in `From`, or ""."""
    signature: str = ""
    is_html: bool = False
    """Whether the signature is HTML."""

    @property
    def signature_text(self) -> str:
        """The signature as plain text."""
        return (visible_text(self.signature) if self.is_html else self.signature).strip()

    @property
    def signature_html(self) -> str:
        """The signature as HTML."""
        return self.signature.strip() if self.is_html else html_of_text(self.signature.strip())

    def signed(self, text: str, html: str) -> tuple[str, str]:
        """Return a text and its HTML (or "") with the signature below, after a line `-- ` (RFC 3676 4.3)."""
        if not self.signature_text:
            return text, html
        below = f"{text.rstrip()}\n\n-- \n{self.signature_text}\n"
        return below, f"{html}\n<div>-- <br>{self.signature_html}</div>" if html else ""


def aliases_of(account: str, aliases: Sequence[str], signature: str) -> list[SendAs]:
    """Return the addresses of an account whose aliases and signature are in the settings of its connection."""
    found = {compared(account): SendAs(account, "", signature)}
    for one in parsed(", ".join([*aliases])):
        found.setdefault(compared(one.spec), SendAs(one.spec, one.name, signature))
    return [*found.values()]


def chosen(identities: Sequence[SendAs], wanted: str, service: str) -> SendAs:
    """Return the identity that a mail is from; `wanted` is its address, maybe with another name, "": the first.

    Raises InvalidRequest, with the addresses that the account has, if it is none of them.
    """
    if not wanted.strip():
        return identities[0]
    asked = parsed(wanted)
    found = [one for one in identities if len(asked) == 1 and compared(one.address) == compared(asked[0].spec)]
    if not found:
        known = ", ".join(one.address for one in identities[:_SHOWN])
        raise InvalidRequest(
            f"This account may not send from {wanted.strip()[:100]!r}.",
            service=service,
            remedy=f"It may send from: {known}. Choose one of these, or add the address to the account first.",
            outcome="not_done",
        )
    return SendAs(found[0].address, asked[0].name or found[0].name, found[0].signature, found[0].is_html)
