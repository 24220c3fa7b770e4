"""Steps on the labels of a Gmail mailbox: put on, taken off, made, listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.mail_fields import Part
from engine.step import Call, Fields, JsonValue, Output, Repeat, Written, changes_respected, destination
from engine.steps.gmail import GmailRead
from engine.steps.gmail_relabeling import ChangeOutput, Relabel, WhereFields
from engine.steps.gmail_writing import GmailWrite


class LabelFields(WhereFields):
    """Labels by their names, and the mail or thread."""

    labels: list[str] = destination("Labels", min_length=1)


class AddedOutput(ChangeOutput):
    """The mail or thread with all labels that it has now, those that this step `added`, and what it changed on which
    mail. Both are null where nobody can tell: an earlier attempt was broken off, and may have put them on.
    """

    added: list[str] | None


class AddLabels(Relabel):
    """Put labels on a mail, or on all mails of a thread; labels that do not exist are made."""

    name = "gmail.add_labels"
    title = "Label a mail"
    done = "labelled"
    fields = LabelFields
    output = AddedOutput
    undoes = "takes the labels off that it put on"
    stays = "the labels themselves, which the mailbox keeps"

    def labels(self, fields: LabelFields) -> tuple[Sequence[str], Sequence[str]]:
        """Put on those that are named."""
        return fields.labels, ()

    def call(self, call: Call) -> JsonValue:
        """Give {id, url, labels, added, changed}."""
        output: Any = super().call(call)
        changed = output["changed"]
        added = None if changed is None else list(dict.fromkeys(label for one in changed for label in one["added"]))
        return {**output, "added": added}


class RemoveLabels(Relabel):
    """Take labels off a mail, or off all mails of a thread."""

    name = "gmail.remove_labels"
    title = "Take labels off"
    done = "unlabelled"
    fields = LabelFields
    undoes = "puts the labels on again that it took off"

    def labels(self, fields: LabelFields) -> tuple[Sequence[str], Sequence[str]]:
        """Take off those that are named."""
        return (), fields.labels


class NameFields(Fields):
    """Which label; `A/B` is B within A."""

    name: str = destination("Name", min_length=1)


class LabelOutput(Output):
    """The label; `created` is false where it was there already."""

    id: str
    name: str
    created: bool


class CreateLabel(GmailWrite):
    """Make a label, unless there is one of that name."""

    name = "gmail.create_label"
    title = "Make a label"
    done = "made"
    repeat = Repeat.SAFE
    fields = NameFields
    output = LabelOutput
    undoes = "deletes the label that it made, unless a mail has it by now"

    def call(self, call: Call) -> JsonValue:
        """Give {id, name, created}."""
        return call.client.labels.create(call.fields.name)

    def why_kept(self, written: Written) -> str:
        """A label that was there before, or may have been, stays."""
        return "" if written.output.get("created") else "The label was there before."

    def undo(self, call: Call, written: Written) -> None:
        """Delete it, unless it is in use."""
        with changes_respected():
            call.client.labels.delete_unused(written.output["id"])

    def target(self, fields: Any) -> str:
        """A label is made once at a time."""
        return str(fields.name).casefold()


class ListedLabel(Part):
    """A label; `type` is `system` for Gmail's own, `user` for the others."""

    id: str
    name: str
    type: str


class LabelsOutput(Output):
    """The labels, by name."""

    labels: list[ListedLabel]


class ListLabels(GmailRead):
    """List the labels of the mailbox."""

    name = "gmail.list_labels"
    title = "List the labels"
    fields = Fields
    output = LabelsOutput

    def call(self, call: Call) -> JsonValue:
        """Give {labels}."""
        return {"labels": call.client.labels.all()}
