"""The steps that change the labels of a mail or thread (Gmail, Outlook), without their names, which a service adds.

The client's `labels` has `on` and `change`. Changes can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from clients.errors import InvalidRequest, NotFound
from clients.mail.labelled import LabelledMails, Names
from engine.mail.writing import MailWrite
from engine.plugins.step import Call, Fields, JsonValue, Output, Part, Preview, Prompts, Repeat, Written, destination

_LONGEST_TITLE = 300
_EITHER = "Give either a mail (`message`) or a thread (`thread`)."
INBOX, UNREAD, TRASH = "INBOX", "UNREAD", "TRASH"


class MailOrThreadFields(Fields):
    """A mail, or all mails of a thread."""

    message: str = destination("Mail", "", format="mail-message")
    thread: str = destination("Or all mails of this thread", "")


class LabelChange(Part):
    """The changes of one mail, by label name."""

    message: str
    added: list[str]
    removed: list[str]


class RelabelledMail(Output):
    """The mail or thread with all its current labels, and what this step changed on which mail.

    `changed` is null if unknown: an earlier attempt was interrupted and may have made the change.
    """

    id: str
    url: str
    labels: list[str]
    changed: list[LabelChange] | None


class Relabel(MailWrite):
    """Adds labels and removes others."""

    repeat = Repeat.SAFE
    fields: ClassVar[type[Fields]] = MailOrThreadFields
    output: ClassVar[type[Output] | None] = RelabelledMail
    undoes = "restores the labels that it changed"
    updates = True

    puts_on: ClassVar[tuple[str, ...]] = ()
    takes_off: ClassVar[tuple[str, ...]] = ()

    def labels(self, fields: Any) -> tuple[Sequence[str], Sequence[str]]:
        """Return the names of the labels to add, and of the labels to remove."""
        return self.puts_on, self.takes_off

    def call(self, call: Call) -> JsonValue:
        """Return {id, url, labels, changed}."""
        target = mails_of(call.fields, str(self.service))
        add, remove = self.labels(call.fields)
        before = _labels_before(call, target, add, remove)
        after: Names = call.client.labels.change(target, add, remove)
        labels = list(dict.fromkeys(label for labels in after.values() for label in labels))
        asked = _plain([*add, *remove, *([INBOX] if TRASH in add else [])])  # trashing takes it out of the inbox
        changed = None if before is None else _changes(before, after, asked)
        return {"id": target.id, "url": call.client.url(target.id), "labels": labels, "changed": changed}

    def preview(self, call: Call) -> Preview:
        """Return the labels of the mails as they will be, and as they are."""
        target = mails_of(call.fields, str(self.service))
        add, remove = self.labels(call.fields)
        present: Names = call.client.labels.on(target)
        gone = _plain([*remove, *add, *([INBOX] if TRASH in add else [])])
        after = {mail: [*(one for one in labels if not _plain([one]) & gone), *add] for mail, labels in present.items()}
        subject = call.client.mail.subject(target.id) if call.fields.message.strip() else ""
        title = " ".join(subject.split())[:_LONGEST_TITLE] or f"{self.title}: {target.id}"
        return Preview(title, _listed(after), _listed(present), target.id, url=call.client.url(target.id))

    def why_kept(self, written: Written) -> str:
        """Return a reason if the changes were not recorded."""
        if written.output.get("changed") is None:
            return "The mail's earlier labels are not known."
        return ""

    def undo(self, call: Call, written: Written) -> None:
        """Reverse its own changes, and leave other labels alone."""
        for one in written.output["changed"]:
            with suppress(NotFound):  # nothing to restore on a deleted mail
                call.client.labels.change(LabelledMails("messages", one["message"]), one["removed"], one["added"])

    def update(self, call: Call, written: Written) -> JsonValue:
        """Change the labels again with the same call."""
        return self.call(call)

    def target(self, fields: Any) -> str:
        """Serialize label changes of the same mail."""
        return str(fields.message or fields.thread)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require either a mail or a thread."""
        return require_mails(arguments)


class LabelledMail(RelabelledMail):
    """The mail or thread with all its current labels, those that this step `added`, and what it `changed` on which
    mail. Both are null if unknown: an earlier attempt was interrupted and may have added the labels.
    """

    added: list[str] | None


class LabelMail(Relabel):
    """Adds the labels of the field `labels`."""

    title = "Label a mail"
    done = "labelled"
    output: ClassVar[type[Output] | None] = LabelledMail
    undoes = "removes the labels that it added"

    def labels(self, fields: Any) -> tuple[Sequence[str], Sequence[str]]:
        """Return the labels as the ones to add."""
        return fields.labels, ()

    def call(self, call: Call) -> JsonValue:
        """Return {id, url, labels, added, changed}."""
        output: Any = super().call(call)
        changed = output["changed"]
        added = None if changed is None else list(dict.fromkeys(label for one in changed for label in one["added"]))
        return {**output, "added": added}


class UnlabelMail(Relabel):
    """Removes the labels of the field `labels`."""

    title = "Remove labels"
    done = "unlabelled"
    undoes = "adds back the labels that it removed"

    def labels(self, fields: Any) -> tuple[Sequence[str], Sequence[str]]:
        """Return the labels as the ones to remove."""
        return (), fields.labels


class MarkAsRead(Relabel):
    """Marks a mail, or all mails of a thread, as read."""

    title = "Mark as read"
    done = "marked as read"
    undoes = "marks as unread the mails that it marked as read"
    takes_off = (UNREAD,)


class MarkAsUnread(Relabel):
    """Marks a mail, or all mails of a thread, as unread."""

    title = "Mark as unread"
    done = "marked as unread"
    undoes = "marks as read the mails that it marked as unread"
    puts_on = (UNREAD,)


def _listed(labels: Names) -> str:
    """Return the labels of each mail, sorted, one a line."""
    return "\n\n".join("\n".join(sorted(labels[mail])) or "(no labels)" for mail in sorted(labels))


def mails_of(fields: MailOrThreadFields, service: str) -> LabelledMails:
    """Return the mail or thread of the fields. Raises InvalidRequest unless it is one of both."""
    if is_one_mail(fields.message, fields.thread, service):
        return LabelledMails("messages", fields.message)
    return LabelledMails("threads", fields.thread)


def is_one_mail(message: str, thread: str, service: str) -> bool:
    """Return whether a mail is named, and not a thread. Raises InvalidRequest unless it is one of both."""
    if bool(message.strip()) is bool(thread.strip()):
        raise InvalidRequest(_EITHER, service=service)
    return bool(message.strip())


def named_mails(call: Call) -> Sequence[JsonValue]:
    """Return the mail, or the mails of the thread, that the fields name. Raises ServiceError."""
    it, mail = call.fields, call.client.mail
    found: Sequence[JsonValue] = [mail.message(it.message)] if it.message else mail.thread(it.thread)["messages"]
    return found


def require_mails(arguments: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    """Return the problem of arguments that name neither a mail nor a thread, or both."""
    if bool(arguments.get("message")) is not bool(arguments.get("thread")):
        return []
    return [("message", _EITHER)]


def _labels_before(call: Call, target: LabelledMails, add: Sequence[str], remove: Sequence[str]) -> Names | None:
    """Return the labels of the mails as of the first attempt; None if an attempt may already have changed them.

    They are stored for later attempts: afterwards it is unknown who added or removed a label.
    """
    if "labels_before" not in call.request:
        before: Names = call.client.labels.on(target)
        is_sure = not call.is_again or not _may_be_done(before, add, remove)
        call.request["labels_before"] = before if is_sure else None
    known: Names | None = call.request["labels_before"]
    return known


def _may_be_done(labels: Names, add: Sequence[str], remove: Sequence[str]) -> bool:
    """Return whether an earlier attempt may have changed labels: one to add is present, or one to remove absent."""
    adding, removing = _plain(add), _plain(remove)
    return any(_plain(found) & adding or removing - _plain(found) for found in labels.values())


def _plain(labels: Iterable[str]) -> set[str]:
    return {" ".join(label.split()).casefold() for label in labels}


def _changes(before: Names, after: Names, asked: set[str]) -> list[JsonValue]:
    """Return what changed on which mail among the labels asked for; other changes are not ours."""
    found = []
    for mail in after.keys() & before.keys():
        old, new = ([label for label in labels[mail] if label.casefold() in asked] for labels in (before, after))
        if set(old) != set(new):
            added, removed = [label for label in new if label not in old], [label for label in old if label not in new]
            found.append({"message": mail, "added": added, "removed": removed})
    return sorted(found, key=lambda change: str(change["message"]))
