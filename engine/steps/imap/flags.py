"""Steps that add and remove flags of IMAP mails: read, unread, flagged, keywords."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from clients.imap.filing import SEEN, FiledMail, flags_of, message_id_at, present, set_flags
from engine.plugins.step import (
    Call,
    CannotUndo,
    Effect,
    Fields,
    JsonValue,
    Output,
    Repeat,
    StepType,
    Written,
    changes_respected,
    destination,
    outside,
)
from engine.steps.imap.reading import SERVICE


class MarkFields(Fields):
    """The mail."""

    message: str = destination("Mail", min_length=1, format="mail-message")


class FlagFields(MarkFields):
    r"""The mail, and the flags: `\Flagged`, `\Answered`, or keywords of your own, as mail programs show them."""

    flags: list[str] = destination("Flags", ["\\Flagged"], min_length=1)


class FlagsOutput(Output):
    """The mail with all its current flags, and those that this step `changed`.

    `changed` is null if unknown: an earlier attempt was interrupted and may have changed them.
    """

    id: str
    message_id: str = outside("Message-ID")
    flags: list[str]
    changed: list[str] | None


class _FlagChange(StepType):
    """Base of the steps that add or remove flags of a mail."""

    service = SERVICE
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    output = FlagsOutput
    is_on: ClassVar[bool] = True

    @abstractmethod
    def flags(self, fields: Any) -> list[str]:
        """Return the flags."""

    def call(self, call: Call) -> JsonValue:
        """Return {id, message_id, flags, changed}."""
        mailbox, mail, asked = call.client.mailbox, call.fields.message, self.flags(call.fields)
        to_change = self._to_change(call, asked)
        now = set_flags(mailbox, mail, asked, on=self.is_on)
        return {"id": mail, "message_id": message_id_at(mailbox, mail) or "", "flags": now, "changed": to_change}

    def _to_change(self, call: Call, asked: list[str]) -> list[str] | None:
        """Return the flags that differed before the first attempt; None if an attempt may already have changed them."""
        if "to_change" not in call.request:
            before = {flag.casefold() for flag in flags_of(call.client.mailbox, call.fields.message)}
            found = [flag for flag in asked if (flag.casefold() in before) is not self.is_on]
            is_sure = not call.is_again or len(found) == len(asked)
            call.request["to_change"] = found if is_sure else None
        known: list[str] | None = call.request["to_change"]
        return known

    undoes = "restores the flags that it changed"

    def why_kept(self, written: Written) -> str:
        """Return a reason if the changes were not recorded."""
        return "The mail's earlier flags are not known." if written.output.get("changed") is None else ""

    def undo(self, call: Call, written: Written) -> None:
        """Reverse its own changes, and leave other flags alone."""
        mailbox, changed = call.client.mailbox, written.output["changed"]
        if not changed:
            return
        with changes_respected():
            mail = present(mailbox, FiledMail(written.output["id"], written.output["message_id"]))
            if mail is None:
                raise CannotUndo("The mail has been moved or deleted since.")
            set_flags(mailbox, mail, changed, on=not self.is_on)

    def target(self, fields: Any) -> str:
        """Serialize flag changes of the same mail."""
        return str(fields.message)


class MarkRead(_FlagChange):
    """Mark a mail as read."""

    name = "imap.mark_read"
    title = "Mark a mail as read"
    done = "marked as read"
    fields = MarkFields

    def flags(self, fields: Any) -> list[str]:
        """Return the seen flag."""
        return [SEEN]


class MarkUnread(MarkRead):
    """Mark a mail as unread."""

    name = "imap.mark_unread"
    title = "Mark a mail as unread"
    done = "marked as unread"
    is_on = False


class AddFlags(_FlagChange):
    """Add flags to a mail."""

    name = "imap.add_flags"
    title = "Flag a mail"
    done = "flagged"
    fields = FlagFields

    def flags(self, fields: Any) -> list[str]:
        """Return the flags from the field."""
        return list(fields.flags)


class RemoveFlags(AddFlags):
    """Remove flags from a mail."""

    name = "imap.remove_flags"
    title = "Remove flags from a mail"
    done = "unflagged"
    is_on = False
