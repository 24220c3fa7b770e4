"""Rules about a mail that answer in place of a model: who it is from, which list, what its subject says.

Plain comparisons, no patterns, so anybody can tell which rule matches.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from engine.base.json_text import JsonObject
from engine.plugins.unconfirmed import is_unconfirmed

LOOKED_AT = frozenset({"from", "subject", "list", "authentication"})
"""The members of a mail that rules look at."""


class RuledMail(Struct, frozen=True):
    """What rules look at in a mail."""

    sender: str
    """Its `From`, as the header says it."""
    mailing_list: str
    """The id of the list that it is from; empty if it is from none."""
    subject: str
    is_unconfirmed: bool
    """DMARC failed: it is not from the domain in `From` (docs/trust.md)."""

    @staticmethod
    def of(mail: Any) -> RuledMail | None:
        """Return it for a mail as steps and triggers give it; None for any other value."""
        if not isinstance(mail, Mapping) or not isinstance(mail.get("from"), str):
            return None
        of_list, subject = mail.get("list"), mail.get("subject")
        list_id = of_list.get("id") if isinstance(of_list, Mapping) else None
        return RuledMail(
            mail["from"],
            list_id if isinstance(list_id, str) else "",
            subject if isinstance(subject, str) else "",
            is_unconfirmed(mail),
        )


class MailRule(Struct, frozen=True):
    """One rule."""

    when: Mapping[str, str]
    """The text of each condition, by its name; all must match."""
    answer: JsonObject
    """The answer as the file gives it: a value for each of some fields."""
    note: str = ""
    output: JsonObject = {}
    """The whole answer, also with the fields that the file leaves out."""

    def matches(self, mail: RuledMail) -> bool:
        """Return whether all conditions match; a rule without any matches no mail."""
        return bool(self.when) and all(CONDITIONS[name](mail, text) for name, text in self.when.items())


def first_rule(rules: Iterable[MailRule], mail: RuledMail) -> MailRule | None:
    """Return the first rule that matches a mail."""
    return next((one for one in rules if one.matches(mail)), None)


def condition_fault(name: str, text: str) -> tuple[str, str] | None:
    """Return what is wrong with the text of a condition, and a remedy."""
    if not plain_text(text):
        return f"The condition {name!r} is empty.", "Write a text, or remove it."
    if "{{" in text:
        return f"{name!r} cannot be an expression.", "Write the text itself: a rule is fixed."
    from clients.mail.addresses import names_sender  # with the readers of mail, which most runs do not need

    if name == "from" and not names_sender(text):
        return (
            f"'The sender is' takes a mail address or a domain, not {text!r}.",
            'Enter the address as the mail shows it, such as "news@example.org", or a whole domain: "example.org".',
        )
    return None


def _is_from(mail: RuledMail, wanted: str) -> bool:
    from clients.mail.addresses import may_be_from, names_sender

    return not mail.is_unconfirmed and names_sender(wanted) and may_be_from(mail.sender, wanted)


def _is_of_list(mail: RuledMail, wanted: str) -> bool:
    """Compare the id in angle brackets (RFC 2919 3: without case), which people may copy with the name before it."""
    _, bracket, rest = wanted.rpartition("<")
    named = rest.partition(">")[0] if bracket else wanted
    return bool(plain_text(named)) and plain_text(mail.mailing_list) == plain_text(named)


def _contains(mail: RuledMail, wanted: str) -> bool:
    return bool(plain_text(wanted)) and plain_text(wanted) in plain_text(mail.subject)


def _is(mail: RuledMail, wanted: str) -> bool:
    return bool(plain_text(wanted)) and plain_text(mail.subject) == plain_text(wanted)


def plain_text(text: str) -> str:
    """Return a text without case, with single blanks, and with its accents in one of their two forms."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


CONDITIONS: Mapping[str, Callable[[RuledMail, str], bool]] = {
    "from": _is_from,
    "list": _is_of_list,
    "subject_is": _is,
    "subject_contains": _contains,
}
"""What each condition compares, by the name that files use."""
