"""Tells from a mail's headers whether it answers or forwards the mails that it quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum

from msgspec import Struct

from clients.mail.quoting.words import ANSWERS, COPY, FORWARDS, FROM, TO, folded

ADDRESS = re.compile(r"[^\s<>@\[\]()\"':;,*]{1,64}@[^\s<>@\[\]()\"':;,*]{1,200}")
_TAGS = re.compile(r"(?:\s*\[[^\[\]]{1,60}\])*\s*")
"""`[EXTERNAL]`, `[list]`: what gateways and lists put before a subject."""
_PREFIX = re.compile(r"([^\W\d_][^:：\[\](){}^\d]{0,19}?)\s*+(?:\[\d+\]|\(\d+\)|\^\d+)?\s*+[:：]")
_FINNISH = re.compile(r"\b(?:lähettäjä|kirjoitti|saatja|kirjutas)\b", re.IGNORECASE)
_DANISH = re.compile(r"\bemne\W{0,4}:", re.IGNORECASE)


class Relation(Enum):
    """What a mail does with the mails that it quotes."""

    ANSWERS = "answers"
    FORWARDS = "forwards"
    UNKNOWN = "unknown"


class Envelope(Struct, frozen=True):
    """The headers of a mail, as far as they matter for quotes."""

    subject: str = ""
    sender: frozenset[str] = frozenset()
    """The address and the name of the sender, folded."""
    recipients: frozenset[str] = frozenset()
    """The addresses and names of all recipients, folded."""
    is_answer: bool = False
    """Whether it refers to an earlier mail (RFC 5322 3.6.4); programs write that into forwards as well."""

    def kind(self, text: str) -> Relation:
        """Return what the subject says; `VS` means "forwarded" in Danish and Norwegian, "answer" in Finnish."""
        kind, prefix = _by_prefix(self.subject)
        if prefix == "vs" and not _DANISH.search(text):
            return Relation.ANSWERS if _FINNISH.search(text) else Relation.UNKNOWN
        return kind

    def forwards(self, header: Mapping[str, str], own: int, old: int) -> bool:
        """Return whether a mail of unknown kind forwards the mail with this header, {role: text}.

        An answer goes to people of the mail that it answers. `own` and `old` are the lengths of both texts, which
        decide if there is no address to compare: people write few words above what they pass on.
        """
        wrote, read = _people(header, [FROM]), _people(header, [TO, COPY])
        if not self.recipients or not wrote:
            return own < old
        if any(self.recipients & {one} or _names(one, self.recipients) for one in wrote):
            return False
        return not (wrote & self.sender and read & self.recipients)


def people_in(text: str) -> frozenset[str]:
    """Return the addresses in a text, folded."""
    return frozenset(map(folded, ADDRESS.findall(text)))


def forwards(subject: str) -> bool:
    """Return whether a subject says that a mail is forwarded, in the languages of mail programs."""
    return _by_prefix(subject)[0] is Relation.FORWARDS


def _by_prefix(subject: str) -> tuple[Relation, str]:
    found = _PREFIX.match(subject, _TAGS.match(subject).end())  # type: ignore[union-attr]
    prefix = folded(found[1]) if found else ""
    if prefix in FORWARDS:
        return Relation.FORWARDS, prefix
    return (Relation.ANSWERS if prefix in ANSWERS else Relation.UNKNOWN), prefix


def _people(header: Mapping[str, str], roles: Iterable[str]) -> frozenset[str]:
    """Return the addresses in some lines of a header, or the names if there are no addresses."""
    values = [header[role] for role in roles if role in header]
    found = [folded(one) for value in values for one in ADDRESS.findall(value)]
    return frozenset(found or [folded(one.strip(" *_\"';,")) for one in values if one.strip()])


def _names(person: str, known: Iterable[str]) -> bool:
    """Return whether a name without an address, perhaps "Hill, Bob", is one of those known."""
    words = frozenset(re.findall(r"\w+", person))
    return "@" not in person and any(words == frozenset(re.findall(r"\w+", one)) for one in known if "@" not in one)
