"""Changing the labels of a mail or thread, as which Gmail keeps all that sorts mail; each change can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from clients.errors import InvalidRequest, NotFound
from clients.gmail.labels import Names, Target
from engine.mail_fields import Part
from engine.step import Call, Fields, JsonValue, Output, Repeat, Written, destination
from engine.steps.gmail import SERVICE
from engine.steps.gmail_writing import GmailWrite

INBOX, UNREAD, TRASH = "INBOX", "UNREAD", "TRASH"


class WhereFields(Fields):
    """A mail, or all mails of a thread."""

    message: str = destination("Mail", "", format="gmail-message")
    thread: str = destination("Or all mails of this thread", "")


class Change(Part):
    """What was changed on a mail, by the names of labels."""

    message: str
    added: list[str]
    removed: list[str]


class ChangeOutput(Output):
    """The mail or thread with all labels that it has now, and what this step changed on which mail.

    `changed` is null where nobody can tell: an earlier attempt was broken off, and may have done it.
    """

    id: str
    url: str
    labels: list[str]
    changed: list[Change] | None


class Relabel(GmailWrite):
    """Puts labels on, and takes others off; Gmail keeps everything that sorts a mail as a label."""

    repeat = Repeat.SAFE
    fields: ClassVar[type[Fields]] = WhereFields
    output: ClassVar[type[Output] | None] = ChangeOutput
    undoes = "restores the labels that it changed"
    updates = True

    puts_on: ClassVar[tuple[str, ...]] = ()
    takes_off: ClassVar[tuple[str, ...]] = ()

    def labels(self, fields: Any) -> tuple[Sequence[str], Sequence[str]]:
        """Give the names of the labels to put on, and of those to take off."""
        return self.puts_on, self.takes_off

    def call(self, call: Call) -> JsonValue:
        """Give {id, url, labels, changed}."""
        target = _target(call.fields)
        add, remove = self.labels(call.fields)
        before = _labels_before(call, target, add, remove)
        after: Names = call.client.labels.change(target, add, remove)
        labels = list(dict.fromkeys(label for labels in after.values() for label in labels))
        asked = _plain([*add, *remove, *([INBOX] if TRASH in add else [])])  # what goes to the trash leaves the inbox
        changed = None if before is None else _changes(before, after, asked)
        return {"id": target.id, "url": call.client.url(target.id), "labels": labels, "changed": changed}

    def why_kept(self, written: Written) -> str:
        """What was not told cannot be taken back; an update changes no less."""
        if written.output.get("changed") is None and written.output.get("added") is None:
            return "Which labels the mail had before is not known."
        return ""

    def undo(self, call: Call, written: Written) -> None:
        """Take off what it put on and the other way round, whatever else the mail got since."""
        for one in _told(written.output):
            with suppress(NotFound):  # a mail that is gone needs no labels
                call.client.labels.change(Target("messages", one["message"]), one["removed"], one["added"])

    def update(self, call: Call, written: Written) -> JsonValue:
        """Change the labels once more: the same call again."""
        return self.call(call)

    def target(self, fields: Any) -> str:
        """Labels of one mail are changed one after the other."""
        return str(fields.message or fields.thread)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """One of the two must be named."""
        if bool(arguments.get("message")) is not bool(arguments.get("thread")):
            return []
        return [("message", "Name a mail (`message`) or a thread (`thread`), one of the two.")]


def _target(fields: WhereFields) -> Target:
    if bool(fields.message.strip()) is bool(fields.thread.strip()):
        raise InvalidRequest("Name a mail (`message`) or a thread (`thread`), one of the two.", service=SERVICE)
    return Target("messages", fields.message) if fields.message.strip() else Target("threads", fields.thread)


def _labels_before(call: Call, target: Target, add: Sequence[str], remove: Sequence[str]) -> Names | None:
    """Give the labels of the mails as they were before the first attempt; None where that had begun earlier.

    They are kept for the attempts to come: afterwards nobody knows who put a label on, or took it off.
    """
    if "labels_before" not in call.request:
        before: Names = call.client.labels.on(target)
        is_sure = not call.is_again or not _may_be_done(before, add, remove)
        call.request["labels_before"] = before if is_sure else None
    known: Names | None = call.request["labels_before"]
    return known


def _may_be_done(labels: Names, add: Sequence[str], remove: Sequence[str]) -> bool:
    """Tell whether an earlier attempt may have changed something: a label is on that it puts on, or off that it
    takes off.
    """
    adding, removing = _plain(add), _plain(remove)
    return any(_plain(found) & adding or removing - _plain(found) for found in labels.values())


def _plain(labels: Iterable[str]) -> set[str]:
    return {" ".join(label.split()).casefold() for label in labels}


def _changes(before: Names, after: Names, asked: set[str]) -> list[JsonValue]:
    """Give what is different on which mail, of the labels asked for; what others did meanwhile is theirs."""
    found = []
    for mail in after.keys() & before.keys():
        old, new = ([label for label in labels[mail] if label.casefold() in asked] for labels in (before, after))
        if set(old) != set(new):
            added, removed = [label for label in new if label not in old], [label for label in old if label not in new]
            found.append({"message": mail, "added": added, "removed": removed})
    return sorted(found, key=lambda change: str(change["message"]))


def _told(output: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give what a write changed; an earlier release told only what it had added."""
    if output.get("changed") is not None:
        return list(output["changed"])
    return [{"message": output["id"], "added": output.get("added") or [], "removed": []}]
