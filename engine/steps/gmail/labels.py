"""Steps that add, remove, create and list labels of a Gmail mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.plugins.mail_fields import Part
from engine.plugins.step import Call, Fields, JsonValue, Output, Repeat, Written, changes_respected, destination
from engine.steps.gmail.reading import GmailRead
from engine.steps.gmail.relabeling import ChangeOutput, Relabel, WhereFields
from engine.steps.gmail.writing import GmailWrite


class LabelFields(WhereFields):
    """Labels by name, and the mail or thread."""

    labels: list[str] = destination("Labels", min_length=1, format="gmail-label")


class AddedOutput(ChangeOutput):
    """The mail or thread with all its current labels, those that this step `added`, and what it `changed` on which
    mail. Both are null if unknown: an earlier attempt was interrupted and may have added the labels.
    """

    added: list[str] | None


class AddLabels(Relabel):
    """Add labels to a mail, or to all mails of a thread; labels that do not exist are created."""

    name = "gmail.add_labels"
    title = "Label a mail"
    done = "labelled"
    fields = LabelFields
    output = AddedOutput
    undoes = "removes the labels that it added"
    stays = "the labels themselves, which the mailbox keeps"

    def labels(self, fields: LabelFields) -> tuple[Sequence[str], Sequence[str]]:
        """Return the labels as those to add."""
        return fields.labels, ()

    def call(self, call: Call) -> JsonValue:
        """Return {id, url, labels, added, changed}."""
        output: Any = super().call(call)
        changed = output["changed"]
        added = None if changed is None else list(dict.fromkeys(label for one in changed for label in one["added"]))
        return {**output, "added": added}


class RemoveLabels(Relabel):
    """Remove labels from a mail, or from all mails of a thread."""

    name = "gmail.remove_labels"
    title = "Remove labels"
    done = "unlabelled"
    fields = LabelFields
    undoes = "adds back the labels that it removed"

    def labels(self, fields: LabelFields) -> tuple[Sequence[str], Sequence[str]]:
        """Return the labels as those to remove."""
        return (), fields.labels


class NameFields(Fields):
    """The label; `A/B` is B nested in A."""

    name: str = destination("Name", min_length=1)


class LabelOutput(Output):
    """The label; `created` is false if it already existed."""

    id: str
    name: str
    created: bool


class CreateLabel(GmailWrite):
    """Create a label, unless it already exists."""

    name = "gmail.create_label"
    title = "Create a label"
    done = "made"
    repeat = Repeat.SAFE
    fields = NameFields
    output = LabelOutput
    undoes = "deletes the label that it created, unless a mail now has it"

    def call(self, call: Call) -> JsonValue:
        """Return {id, name, created}."""
        return call.client.labels.create(call.fields.name)

    def why_kept(self, written: Written) -> str:
        """Return a reason if the label existed before, or may have."""
        return "" if written.output.get("created") else "The label already existed."

    def undo(self, call: Call, written: Written) -> None:
        """Delete the label, unless it is in use."""
        with changes_respected():
            call.client.labels.delete_unused(written.output["id"])

    def target(self, fields: Any) -> str:
        """Serialize creations of the same label."""
        return str(fields.name).casefold()


class ListedLabel(Part):
    """A label; `type` is `system` for Gmail's own, `user` for the others."""

    id: str
    name: str
    type: str


class LabelsOutput(Output):
    """The labels, sorted by name."""

    labels: list[ListedLabel]


class ListLabels(GmailRead):
    """List the labels of the mailbox."""

    name = "gmail.list_labels"
    title = "List the labels"
    fields = Fields
    output = LabelsOutput

    def call(self, call: Call) -> JsonValue:
        """Return {labels}."""
        return {"labels": call.client.labels.all()}
