"""Steps that add, remove, create and list labels of a Gmail mailbox."""

from __future__ import annotations

from typing import Any

from clients.errors import NotFound
from clients.wording import counted
from engine.mail.labels import LabelMail, MailOrThreadFields, UnlabelMail
from engine.mail.writing import MailWrite
from engine.plugins.step import (
    Call,
    CannotUndo,
    Fields,
    JsonValue,
    Output,
    Part,
    Preview,
    Receipt,
    Repeat,
    Written,
    changes_respected,
    destination,
)
from engine.steps.gmail.reading import SERVICE, GmailRead


class LabelFields(MailOrThreadFields):
    """Labels by name, and the mail or thread."""

    labels: list[str] = destination("Labels", min_length=1, drops_empty=True, format="gmail-label")


class AddLabels(LabelMail):
    """Add labels to a mail, or to all mails of a thread; labels that do not exist are created."""

    name = "gmail.add_labels"
    service = SERVICE
    fields = LabelFields
    stays = "the labels themselves, which the mailbox keeps"


class RemoveLabels(UnlabelMail):
    """Remove labels from a mail, or from all mails of a thread."""

    name = "gmail.remove_labels"
    service = SERVICE
    fields = LabelFields


class _LabelWrite(MailWrite):
    """A step that changes a label itself."""

    service = SERVICE


class NameFields(Fields):
    """The label; `A/B` is B nested in A."""

    name: str = destination("Name", min_length=1)


class LabelOutput(Output):
    """The label; `created` is false if it already existed."""

    id: str
    name: str
    created: bool


class CreateLabel(_LabelWrite):
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


class UpdateLabelFields(Fields):
    """The label, and its new name; `A/B` is B nested in A."""

    label: str = destination("Label", min_length=1, format="gmail-label")
    name: str = destination("New name", min_length=1)


class RenamedOutput(Output):
    """The label; `before` is its old name, null if it already had the new one."""

    id: str
    name: str
    before: str | None


class UpdateLabel(_LabelWrite):
    """Rename a label; mails keep it. A label that already has the new name stays as it is."""

    name = "gmail.update_label"
    title = "Rename a label"
    done = "renamed"
    repeat = Repeat.SAFE
    fields = UpdateLabelFields
    output = RenamedOutput
    undoes = "gives the label its old name back"

    def call(self, call: Call) -> JsonValue:
        """Return {id, name, before}."""
        it = call.fields
        label = call.client.labels.found(it.label)
        if label is None:
            return _renamed_before(call)
        if label["name"] == " ".join(it.name.split()):
            return {"id": label["id"], "name": label["name"], "before": None}
        call.request["label"] = label  # a later attempt no longer finds the old name
        call.client.labels.rename(label["id"], it.name)
        return {"id": label["id"], "name": " ".join(it.name.split()), "before": label["name"]}

    def preview(self, call: Call) -> Preview:
        """Return the new and the old name."""
        it = call.fields
        label = call.client.labels.found(it.label)
        if label is None:
            return Preview(it.name, it.name)
        return Preview(label["name"], it.name, label["name"], label["id"])

    def why_kept(self, written: Written) -> str:
        """Return a reason if the label already had the name."""
        return super().why_kept(written) if written.output.get("before") else "The label already had this name."

    def undo(self, call: Call, written: Written) -> None:
        """Give the label its old name, unless somebody has renamed it since."""
        present = call.client.labels.name_of(written.output["id"])
        if present in (None, written.output["before"]):
            return
        if present != written.output["name"]:
            raise CannotUndo(f"The label is now called {present!r}.")
        with changes_respected():
            call.client.labels.rename(written.output["id"], written.output["before"])

    def target(self, fields: Any) -> str:
        """Serialize changes of the same label."""
        return str(fields.label).casefold()


def _renamed_before(call: Call) -> JsonValue:
    """Return the output if an attempt has renamed the label; raises NotFound if no label has either name."""
    label, known = call.client.labels.found(call.fields.name), call.request.get("label")
    if label is None or (not call.is_again and known is None):
        raise NotFound(f"There is no label {call.fields.label!r}.", service=SERVICE, remedy="Check the name in Gmail.")
    return {"id": label["id"], "name": label["name"], "before": known["name"] if known else call.fields.label}


class DeleteLabelFields(Fields):
    """The label."""

    label: str = destination("Label", min_length=1, format="gmail-label")


class DeletedLabelOutput(Output):
    """`deleted` is false if there was no such label; `mails` is the number of mails that had it."""

    name: str
    deleted: bool
    mails: int


class DeleteLabel(_LabelWrite):
    """Delete a label. It is removed from all mails; the mails stay."""

    name = "gmail.delete_label"
    approval = "always"
    title = "Delete a label"
    done = "deleted"
    repeat = Repeat.SAFE
    fields = DeleteLabelFields
    output = DeletedLabelOutput
    lasts = "Gmail does not record which mails had a deleted label."

    def call(self, call: Call) -> JsonValue:
        """Return {name, deleted, mails}."""
        label = call.client.labels.found(call.fields.label)
        if label is None:
            return {"name": call.fields.label, "deleted": call.is_again, "mails": 0}
        call.client.labels.delete(label["id"])
        return {"name": label["name"], "deleted": True, "mails": label["mails"]}

    def preview(self, call: Call) -> Preview:
        """Return the label, with how many mails have it."""
        label = call.client.labels.found(call.fields.label)
        if label is None:
            return Preview(call.fields.label, "There is no such label.", "There is no such label.")
        before = f"{label['name']} ({counted(label['mails'], 'mail')})"
        return Preview(label["name"], "", before, label["id"], before)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the name: the label is gone."""
        return Receipt(id=str(output["name"]))

    def target(self, fields: Any) -> str:
        """Serialize changes of the same label."""
        return str(fields.label).casefold()


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
