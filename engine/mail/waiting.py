"""The step that waits until somebody answers a mail, without its names: each mail service adds its own.

The client has `answers` with `to_mail`, `to_thread` and `found`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import field_validator, model_validator

from clients.errors import InvalidRequest
from clients.mail.addresses import may_be_from, names_sender
from clients.mail.answering import MailConversation
from engine.base.clock import moment_with_offset, timestamp
from engine.mail.fields import addresses, note_left_out
from engine.mail.labels import is_one_mail, require_mails
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Prompts,
    Result,
    StepType,
    WaitForMail,
    destination,
    option,
)
from engine.plugins.unconfirmed import is_unconfirmed

LONGEST_DAYS = 366


class AwaitedFields(Fields):
    """The mail to wait for a reply to, whose reply counts, and how long to wait."""

    message: str = destination("Mail to wait for a reply to", "", format="mail-message")
    thread: str = destination("Or the newest mail of your own in this conversation", "")
    sender: str | list[str] = option("From (addresses or domains; empty: anybody else)", [], alias="from")
    auto_replies: bool = option("Automatic replies count, too", default=False)
    days: float | None = option("Days to wait, at most", None, gt=0, le=LONGEST_DAYS)
    until: str | None = option("Or until this time, with offset (RFC 3339)", None)

    @field_validator("sender")
    @classmethod
    def _are_senders(cls, given: str | list[str]) -> str | list[str]:
        for one in addresses(given):
            if not names_sender(one):
                raise ValueError(f"{one[:100]!r} is neither an address, such as ann@example.com, nor a domain")
        return given

    @field_validator("until")
    @classmethod
    def _with_offset(cls, text: str | None) -> str | None:
        if text is not None:
            moment_with_offset(text)
        return text

    @model_validator(mode="after")
    def _one_of_two(self) -> AwaitedFields:
        if self.days is not None and self.until is not None:
            raise ValueError("takes 'days' or 'until', not both")
        return self


class AwaitReply(StepType):
    """Waits until somebody answers a mail, at most until a time. It is not a failure if nobody has answered by then.

    Answers that are there already count. Your own mails in the conversation do not, and automatic replies only if you
    say so. Only the conversation of the mail is looked at.
    """

    title = "Wait for a reply"
    effect = Effect.READS
    timeout_seconds = 120.0
    fields = AwaitedFields

    def call(self, call: Call) -> Result:
        """Return {answered, mail, waited_until}, or wait. Raises InvalidRequest, NotFound."""
        now = call.started_at
        assert now is not None
        wanted = call.waited or self._wanted(call, now)
        for mail in call.client.answers.found(wanted.conversation):
            if _counts(mail, call.fields):
                return {"answered": True, "mail": note_left_out(call, mail), "waited_until": timestamp(now)}
        if now >= wanted.due_at:
            return {"answered": False, "mail": None, "waited_until": timestamp(wanted.due_at)}
        return wanted

    def _wanted(self, call: Call, now: datetime) -> WaitForMail:
        it: AwaitedFields = call.fields
        given = {"days": it.days, "until": it.until}
        due_at = self.waits_until(given, now)
        if due_at is None or due_at > now + timedelta(days=LONGEST_DAYS):
            raise InvalidRequest(
                f"The wait would last until {it.until}, more than a year from now."
                if due_at
                else "The wait has no end.",
                service=self.service or "",
                remedy="Give `days`, or a time in `until`: at most a year from now.",
            )
        return WaitForMail(conversation_of(call, it.message, it.thread), due_at, addresses(it.sender))

    def waits_until(self, arguments: Mapping[str, JsonValue], now: datetime) -> datetime | None:
        """Return the end of the wait."""
        days, until = arguments.get("days"), arguments.get("until")
        if isinstance(until, str):
            return moment_with_offset(until)
        return now + timedelta(days=days) if isinstance(days, int | float) else None

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require either a mail or a thread, and an end."""
        found = require_mails(arguments)
        if arguments.get("days") is None and arguments.get("until") is None:
            found.append(("days", "Say how long to wait: `days`, or a time in `until`."))
        return found


def conversation_of(call: Call, message: str, thread: str) -> MailConversation:
    """Return the mail that may be answered. Raises InvalidRequest unless it is one of both, NotFound."""
    is_mail, answers = is_one_mail(message, thread, call.client.service.name), call.client.answers
    found: MailConversation = answers.to_mail(message) if is_mail else answers.to_thread(thread)
    return found


def _counts(mail: Mapping[str, JsonValue], fields: AwaitedFields) -> bool:
    """Return whether a mail of somebody else is the answer that is awaited."""
    if mail["is_auto_reply"] and not fields.auto_replies:
        return False
    people = addresses(fields.sender)
    # Anybody can write another's address into From.
    is_from_them = not is_unconfirmed(mail) and any(may_be_from(str(mail["from"]), one) for one in people)
    return not people or is_from_them
