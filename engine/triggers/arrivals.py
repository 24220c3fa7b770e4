"""What the triggers for new mail of all services have in common."""

from __future__ import annotations

from collections.abc import Mapping

from engine.mail.fields import HeaderFields
from engine.plugins.step import Fields, JsonValue, StepType, option
from engine.plugins.trigger import TriggerType
from engine.plugins.unconfirmed import is_unconfirmed


class ArrivalFields(HeaderFields):
    """Which headers of a new mail to keep, and whether one counts whose sender is not confirmed."""

    refuse_unconfirmed: bool = option("Leave out mail whose sender is not confirmed (DMARC failed)", default=False)


class MailboxFields(Fields):
    """Which mails of one's own count."""

    include_sent: bool = option("Also mail from this mailbox's own address", default=False)
    include_drafts: bool = option("Also drafts", default=False)
    include_own: bool = option("Also mail that a workflow wrote", default=False)


class NewInMailbox(TriggerType):
    """Base of the triggers for new mail in a mailbox, whose fields are `MailboxFields`."""

    watches = "a mail"

    def may_find(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether mail from this mailbox, or a draft, counts."""
        return fields.get("include_sent" if kind.sends_mail else "include_drafts") is True


def why_refused(fields: ArrivalFields, mail: JsonValue) -> str:
    """Return why a mail starts no run because of its sender, empty if it starts one."""
    is_refused = fields.refuse_unconfirmed and is_unconfirmed(mail)
    return "its sender is not confirmed (DMARC failed)" if is_refused else ""
