"""Steps that file mails by IMAP: into another folder, the archive, the trash."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from clients.errors import OutcomeUnknown
from clients.imap.filing import (
    Filed,
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
from engine.step import (
    Call,
    Effect,
    JsonValue,
    Output,
    Repeat,
    StepType,
    Written,
    changes_respected,
    destination,
    outside,
)
from engine.steps.imap import SERVICE
from engine.steps.imap_flags import MarkFields


class FolderFields(MarkFields):
    """Which mail, and where to."""

    folder: str = destination("Folder", min_length=1, format="imap-folder")


class FiledOutput(Output):
    """Where the mail is now. A mail that is moved has another `id`; it is empty where the server does not tell it."""

    id: str
    folder: str
    message_id: str = outside("Message-ID")


class _Filing(StepType):
    """Puts a mail into a folder."""

    service = SERVICE
    effect = Effect.WRITES
    output = FiledOutput

    @abstractmethod
    def folder(self, call: Call) -> str:
        """Say where to."""

    def why_kept(self, written: Written) -> str:
        """What cannot be found cannot be taken back."""
        return "" if written.output["id"] else "Where the mail is now is not known."

    def target(self, fields: Any) -> str:
        """One mail is filed once at a time."""
        return str(fields.message)


def _output(filed: Filed, folder: str) -> JsonValue:
    return {"id": filed.id, "folder": folder, "message_id": filed.message_id}


def _filed(written: Written) -> Filed:
    return Filed(written.output["id"], written.output["message_id"])


class _Moving(_Filing):
    """Moves a mail; moving it once more finds it gone, and where it went."""

    repeat = Repeat.SAFE
    undoes = "moves the mail back to its folder"

    def call(self, call: Call) -> JsonValue:
        """Give {id, folder, message_id}."""
        mailbox, mail, folder = call.client.mailbox, call.fields.message, self.folder(call)
        name = message_id_at(mailbox, mail)
        if name is None:
            return _output(self._moved_before(call, folder), folder)
        call.request["message_id"] = name
        return _output(move(mailbox, mail, folder), folder)

    def _moved_before(self, call: Call, folder: str) -> Filed:
        """What an earlier attempt did, which had no answer; the first attempt must find the mail. Raises NotFound."""
        if not call.is_again:
            raise gone(mail_id(call.fields.message))
        name = call.request.get("message_id", "")
        return (found_in(call.client.mailbox, folder, name) if name else None) or Filed("", name)

    def undo(self, call: Call, written: Written) -> None:
        """Move it back, unless it was moved on since."""
        with changes_respected():
            move_back(call.client.mailbox, _filed(written), mail_id(call.fields.message).folder)


class Move(_Moving):
    """Move a mail to another folder."""

    name = "imap.move"
    title = "Move a mail"
    done = "moved"
    fields = FolderFields

    def folder(self, call: Call) -> str:
        """As the field says."""
        return str(call.fields.folder)


class Archive(_Moving):
    """Move a mail to the folder that the mailbox has for its archive."""

    name = "imap.archive"
    title = "Archive a mail"
    done = "archived"
    fields = MarkFields

    def folder(self, call: Call) -> str:
        """The archive."""
        return str(call.client.mailbox.required_folder("archive"))


class Delete(_Moving):
    """Move a mail to the trash; nothing is deleted for good."""

    name = "imap.delete"
    title = "Move a mail to the trash"
    done = "moved to the trash"
    fields = MarkFields

    def folder(self, call: Call) -> str:
        """The trash."""
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
        """As the field says."""
        return str(call.fields.folder)

    def call(self, call: Call) -> JsonValue:
        """Give {id, folder, message_id} of the copy."""
        mailbox, it = call.client.mailbox, call.fields
        if "there" not in call.request:
            call.request["there"] = [one.id for one in copies(mailbox, it.message, it.folder) or ()]
        return _output(copy(mailbox, it.message, it.folder), it.folder)

    def find(self, call: Call) -> JsonValue | None:
        """Look whether the folder holds the mail, but for those that it held before.

        Where that is not known, one that is there is enough; which one this write made cannot be told then.
        """
        it, before = call.fields, call.request.get("there")
        found = copies(call.client.mailbox, it.message, it.folder)
        if found is None:
            raise OutcomeUnknown(f"The mail {it.message} has no Message-ID to find a copy by.", service=SERVICE)
        new = [one for one in found if before is None or one.id not in before]
        if not new:
            return None
        return _output(new[-1] if before is not None else Filed("", new[-1].message_id), it.folder)

    def undo(self, call: Call, written: Written) -> None:
        """Delete the copy."""
        with changes_respected():
            delete_copy(call.client.mailbox, _filed(written))
