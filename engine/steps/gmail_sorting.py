"""Steps that sort a Gmail mailbox: read and unread, out of the inbox, into the trash and out of it."""

from __future__ import annotations

from engine.steps.gmail_relabeling import INBOX, TRASH, UNREAD, Relabel


class MarkRead(Relabel):
    """Mark a mail, or all mails of a thread, as read."""

    name = "gmail.mark_read"
    title = "Mark as read"
    done = "marked as read"
    undoes = "marks as unread what it marked as read"
    takes_off = (UNREAD,)


class MarkUnread(Relabel):
    """Mark a mail, or all mails of a thread, as unread."""

    name = "gmail.mark_unread"
    title = "Mark as unread"
    done = "marked as unread"
    undoes = "marks as read what it marked as unread"
    puts_on = (UNREAD,)


class Archive(Relabel):
    """Take a mail, or all mails of a thread, out of the inbox."""

    name = "gmail.archive"
    title = "Archive a mail"
    done = "archived"
    undoes = "puts back into the inbox what it took out"
    takes_off = (INBOX,)


class Trash(Relabel):
    """Put a mail, or all mails of a thread, into the trash, where Gmail keeps it for 30 days."""

    name = "gmail.trash"
    title = "Put into the trash"
    done = "put into the trash"
    undoes = "takes out of the trash what it put there, back to where it was"
    puts_on = (TRASH,)


class Untrash(Relabel):
    """Take a mail, or all mails of a thread, out of the trash."""

    name = "gmail.untrash"
    title = "Take out of the trash"
    done = "taken out of the trash"
    undoes = "puts back into the trash what it took out"
    takes_off = (TRASH,)
