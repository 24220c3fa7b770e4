"""Steps that move IMAP mails to another folder, the archive or the trash, or copy them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from clients.errors import OutcomeUnknown
from clients.imap.filing import (
    FiledMail,
    copies,
    copy,
    delete_copy,
    found_in,
    gone,
    message_id_at,
    move,
    move_back,
)
from clients.imap.mailbox import mail_id
from engine.mail.fields import mail_head
from engine.plugins.step import (
    Call,
    Effect,
    JsonValue,
    Output,
    Preview,
    Repeat,
    StepType,
    Written,
    changes_respected,
    destination,
    outside,
)
from engine.steps.imap.flags import MarkFields
from engine.steps.imap.reading import SERVICE


class FolderFields(MarkFields):
    """The mail, and the target folder."""

    folder: str = destination("Folder", min_length=1, format="imap-folder")


class FiledOutput(Output):
    """The new location of the mail. A moved mail gets a new `id`; it is empty if the server does not return it."""

    id: str
    folder: str
    message_id: str = outside("Message-ID")


class _Filing(StepType):
    """Base of the steps that put a mail into a folder."""

    service = SERVICE
    effect = Effect.WRITES
    output = FiledOutput

    @abstractmethod
    def folder(self, call: Call) -> str:
        """Return the target folder."""

    def why_kept(self, written: Written) -> str:
        """Return a reason if the mail cannot be found again."""
        return "" if written.output["id"] else "The mail's current location is not known."

    def target(self, fields: Any) -> str:
        """Serialize changes of the same mail."""
        return str(fields.message)


def _output(filed: FiledMail, folder: str) -> JsonValue:
    return {"id": filed.id, "folder": folder, "message_id": filed.message_id}


def _filed(written: Written) -> FiledMail:
    return FiledMail(written.output["id"], written.output["message_id"])


class _Moving(_Filing):
    """Moves a mail; a repeated move finds that it is gone, and where it went."""

    repeat = Repeat.SAFE
    undoes = "moves the mail back to its folder"

    def preview(self, call: Call) -> Preview:
        """Return the mail, and the folders that it is in before and after."""
        mail = call.client.mail.message(call.fields.message)
        head, now = mail_head(mail), mail["folder"]
        text, before = (f"{head}\n\nFolder: {folder}" for folder in (self.folder(call), now))
        return Preview(f"{self.title}: {mail['subject']}", text, before, call.fields.message)

    def call(self, call: Call) -> JsonValue:
        """Return {id, folder, message_id}."""
        mailbox, mail, folder = call.client.mailbox, call.fields.message, self.folder(call)
        name = message_id_at(mailbox, mail)
        if name is None:
            return _output(self._moved_before(call, folder), folder)
        call.request["message_id"] = name
        return _output(move(mailbox, mail, folder), folder)

    def _moved_before(self, call: Call, folder: str) -> FiledMail:
        """Return the result of an earlier, unanswered attempt. Raises NotFound if this is the first attempt."""
        if not call.is_again:
            raise gone(mail_id(call.fields.message))
        name = call.request.get("message_id", "")
        return (found_in(call.client.mailbox, folder, name) if name else None) or FiledMail("", name)

    def undo(self, call: Call, written: Written) -> None:
        """Move the mail back, unless it was moved again."""
        with changes_respected():
            move_back(call.client.mailbox, _filed(written), mail_id(call.fields.message).folder)


class Move(_Moving):
    """Move a mail to another folder."""

    name = "imap.move"
    title = "Move a mail"
    done = "moved"
    fields = FolderFields

    def folder(self, call: Call) -> str:
        """Return the folder from the field."""
        return str(call.fields.folder)


class Archive(_Moving):
    """Move a mail to the mailbox's archive folder."""

    name = "imap.archive"
    title = "Archive a mail"
    done = "archived"
    fields = MarkFields

    def folder(self, call: Call) -> str:
        """Return the archive folder."""
        return str(call.client.mailbox.required_folder("archive"))


class Delete(_Moving):
    """Move a mail to the trash; nothing is deleted permanently."""

    name = "imap.delete"
    approval = "always"
    title = "Move a mail to the trash"
    done = "moved to the trash"
    fields = MarkFields

    def folder(self, call: Call) -> str:
        """Return the trash folder."""
        return str(call.client.mailbox.required_folder("trash"))


class Copy(_Filing):
    """Copy a mail to another folder."""

    name = "imap.copy"
    title = "Copy a mail"
    done = "copied"
    repeat = Repeat.FINDABLE
    lag_seconds = 2.0
    fields = FolderFields
    undoes = "deletes the copy"

    def folder(self, call: Call) -> str:
        """Return the folder from the field."""
        return str(call.fields.folder)

    def call(self, call: Call) -> JsonValue:
        """Return {id, folder, message_id} of the copy."""
        mailbox, it = call.client.mailbox, call.fields
        if "there" not in call.request:
            call.request["there"] = [one.id for one in copies(mailbox, it.message, it.folder) or ()]
        return _output(copy(mailbox, it.message, it.folder), it.folder)

    def find(self, call: Call) -> JsonValue | None:
        """Look for a copy in the folder that was not there before.

        If the earlier copies are not known, any copy counts, but which one this write made is unknown.
        """
        it, before = call.fields, call.request.get("there")
        found = copies(call.client.mailbox, it.message, it.folder)
        if found is None:
            raise OutcomeUnknown(f"The mail {it.message} has no Message-ID to find a copy by.", service=SERVICE)
        new = [one for one in found if before is None or one.id not in before]
        if not new:
            return None
        return _output(new[-1] if before is not None else FiledMail("", new[-1].message_id), it.folder)

    def undo(self, call: Call, written: Written) -> None:
        """Delete the copy."""
        with changes_respected():
            delete_copy(call.client.mailbox, _filed(written))
