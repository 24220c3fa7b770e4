"""Steps that sort mails of an Outlook mailbox by categories, flags, and read or unread."""

from __future__ import annotations

from clients.outlook.labels import FLAGGED
from engine.mail.labels import (
    LabelMail,
    MailOrThreadFields,
    MarkAsRead,
    MarkAsUnread,
    Relabel,
    UnlabelMail,
)
from engine.plugins.step import destination
from engine.steps.outlook.reading import SERVICE


class LabelFields(MailOrThreadFields):
    """Categories by name, or `UNREAD` and `FLAGGED`, and the mail or thread."""

    labels: list[str] = destination("Categories", min_length=1, drops_empty=True)


class AddLabels(LabelMail):
    """Add categories to a mail, or to all mails of a thread; they need not exist before."""

    name = "outlook.add_labels"
    service = SERVICE
    fields = LabelFields


class RemoveLabels(UnlabelMail):
    """Remove categories from a mail, or from all mails of a thread."""

    name = "outlook.remove_labels"
    service = SERVICE
    fields = LabelFields


class MarkRead(MarkAsRead):
    """Mark a mail, or all mails of a thread, as read."""

    name = "outlook.mark_read"
    service = SERVICE


class MarkUnread(MarkAsUnread):
    """Mark a mail, or all mails of a thread, as unread."""

    name = "outlook.mark_unread"
    service = SERVICE


class AddFlag(Relabel):
    """Flag a mail, or all mails of a thread, for follow-up."""

    name = "outlook.add_flag"
    title = "Flag a mail"
    service = SERVICE
    done = "flagged"
    undoes = "removes the flags that it added"
    puts_on = (FLAGGED,)


class RemoveFlag(Relabel):
    """Remove the flag from a mail, or from all mails of a thread."""

    name = "outlook.remove_flag"
    title = "Remove a flag"
    service = SERVICE
    done = "unflagged"
    undoes = "flags again the mails that it unflagged"
    takes_off = (FLAGGED,)
