"""Steps that move mails of an Outlook mailbox: to a folder, the archive, the deleted items, and back to the inbox."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from clients.errors import NotFound
from engine.mail.fields import mail_head
from engine.mail.labels import MailOrThreadFields, mails_of, named_mails, require_mails
from engine.mail.writing import MailWrite
from engine.plugins.step import (
    Call,
    JsonValue,
    Output,
    Part,
    Preview,
    Prompts,
    Repeat,
    Written,
    changes_respected,
    destination,
)
from engine.steps.outlook.reading import SERVICE


class FolderFields(MailOrThreadFields):
    """The mail or thread, and the folder: its path, such as `Inbox/Invoices`, or `inbox`, `archive` and the like."""

    folder: str = destination("Folder", min_length=1, format="outlook-folder")


class FolderChange(Part):
    """The move of one mail: the ids of its folders before and after."""

    message: str
    before: str
    after: str


class FiledOutput(Output):
    """The mail or thread, the folder that it is in now, and what this step `moved`; mails that were there already are
    not in it. A moved mail keeps its id. `moved` is null if unknown: an earlier attempt was interrupted and may have
    moved them.
    """

    id: str
    url: str
    folder: str
    moved: list[FolderChange] | None


class _Moving(MailWrite):
    """Moves mails; a repeated move finds them where they are to be."""

    service = SERVICE
    repeat = Repeat.SAFE
    output = FiledOutput
    undoes = "moves the mails back to their folders"

    @abstractmethod
    def folder(self, fields: Any) -> str:
        """Return the target folder."""

    def call(self, call: Call) -> JsonValue:
        """Return {id, url, folder, moved}."""
        client, target = call.client, mails_of(call.fields, SERVICE)
        folder = client.box.folder(self.folder(call.fields))
        before = self._before(call, folder)
        for message in client.filing.on(target):
            client.filing.move(message, folder)
        moved = None
        if before is not None:
            moved = [
                {"message": message, "before": there, "after": folder}
                for message, there in sorted(before.items())
                if there != folder
            ]
        return {"id": target.id, "url": client.url(target.id), "folder": client.box.path(folder), "moved": moved}

    def _before(self, call: Call, folder: str) -> Mapping[str, str] | None:
        """Return where the mails were before the first attempt; None if an attempt may already have moved them."""
        if "folders_before" not in call.request:
            found: dict[str, str] = call.client.filing.on(mails_of(call.fields, SERVICE))
            is_sure = not call.is_again or folder not in found.values()
            call.request["folders_before"] = found if is_sure else None
        known: Mapping[str, str] | None = call.request["folders_before"]
        return known

    def preview(self, call: Call) -> Preview:
        """Return the mails, and the folders that they are in before and after."""
        it, client = call.fields, call.client
        mails = named_mails(call)
        folder = client.box.path(client.box.folder(self.folder(it)))
        text, before = (
            "\n\n".join(f"{mail_head(one)}\n\nFolder: {where or one['folder']}" for one in mails)
            for where in (folder, "")
        )
        target = mails_of(it, SERVICE)
        return Preview(f"{self.title}: {mails[0]['subject']}", text, before, target.id, url=client.url(target.id))

    def why_kept(self, written: Written) -> str:
        """Return a reason if the moves were not recorded."""
        return "The mail's earlier folder is not known." if written.output.get("moved") is None else ""

    def undo(self, call: Call, written: Written) -> None:
        """Move the mails back, unless somebody has moved them again."""
        with changes_respected():
            for one in written.output["moved"]:
                with suppress(NotFound):  # nothing to restore on a deleted mail
                    call.client.filing.move_back(one)

    def target(self, fields: Any) -> str:
        """Serialize changes of the same mail."""
        return str(fields.message or fields.thread)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require either a mail or a thread."""
        return require_mails(arguments)


class Move(_Moving):
    """Move a mail, or all mails of a thread, to another folder."""

    name = "outlook.move"
    title = "Move a mail"
    done = "moved"
    fields = FolderFields

    def folder(self, fields: Any) -> str:
        """Return the folder from the field."""
        return str(fields.folder)


class Archive(_Moving):
    """Move a mail, or all mails of a thread, to the archive folder."""

    name = "outlook.archive"
    title = "Archive a mail"
    done = "archived"
    fields = MailOrThreadFields

    def folder(self, fields: Any) -> str:
        """Return the archive."""
        return "archive"


class Trash(_Moving):
    """Move a mail, or all mails of a thread, to the deleted items; nothing is deleted permanently."""

    name = "outlook.trash"
    approval = "always"
    title = "Move to the trash"
    done = "moved to the trash"
    fields = MailOrThreadFields

    def folder(self, fields: Any) -> str:
        """Return the deleted items."""
        return "deleteditems"


class Untrash(_Moving):
    """Move a mail, or all mails of a thread, from the deleted items back to the inbox."""

    name = "outlook.untrash"
    title = "Restore from the trash"
    done = "restored from the trash"
    fields = MailOrThreadFields

    def folder(self, fields: Any) -> str:
        """Return the inbox."""
        return "inbox"
