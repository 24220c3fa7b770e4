"""Steps that mark mails in Gmail as read or unread, archive them, move them to the trash and restore them."""

from __future__ import annotations

from dataclasses import replace

from engine.mail.fields import mail_head
from engine.mail.labels import INBOX, TRASH, MarkAsRead, MarkAsUnread, Relabel, named_mails
from engine.plugins.step import Call, Preview
from engine.steps.gmail.reading import SERVICE


class MarkRead(MarkAsRead):
    """Mark a mail, or all mails of a thread, as read."""

    name = "gmail.mark_read"
    service = SERVICE


class MarkUnread(MarkAsUnread):
    """Mark a mail, or all mails of a thread, as unread."""

    name = "gmail.mark_unread"
    service = SERVICE


class Archive(Relabel):
    """Remove a mail, or all mails of a thread, from the inbox."""

    name = "gmail.archive"
    service = SERVICE
    title = "Archive a mail"
    done = "archived"
    undoes = "moves the archived mails back to the inbox"
    takes_off = (INBOX,)


class Trash(Relabel):
    """Move a mail, or all mails of a thread, to the trash, where Gmail keeps it for 30 days."""

    name = "gmail.trash"
    service = SERVICE
    approval = "always"
    title = "Move to the trash"
    done = "moved to the trash"
    undoes = "restores the mails from the trash to their previous places"
    puts_on = (TRASH,)

    def preview(self, call: Call) -> Preview:
        """Return the mails that go to the trash, and their labels."""
        labels, mails = super().preview(call), named_mails(call)
        shown = "\n\n".join(mail_head(one) for one in mails)
        before, after = (f"{shown}\n\n{text}" for text in (labels.before, labels.text))
        return replace(labels, title=f"{self.title}: {mails[0]['subject']}", text=after, before=before)


class Untrash(Relabel):
    """Restore a mail, or all mails of a thread, from the trash."""

    name = "gmail.untrash"
    service = SERVICE
    title = "Restore from the trash"
    done = "restored from the trash"
    undoes = "moves the restored mails back to the trash"
    takes_off = (TRASH,)
