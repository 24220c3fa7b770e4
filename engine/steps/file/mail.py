"""The step that takes a file out of a mail of an archive: a mailbox (mbox), a Maildir, a file, or a zip archive."""

from __future__ import annotations

from clients.mail_archive.archive import attachment
from engine.mail.fields import FileOutput, file_content
from engine.plugins.step import Call, Fields, JsonValue, destination, option
from engine.steps.file.fields import FileStep


class StoredFileFields(Fields):
    """The mail, and the attachment in it."""

    message: str = destination("Mail (its id, or the path of its file)", min_length=1)
    attachment: str = option("Attachment (its id)", min_length=1)


class GetAttachment(FileStep):
    """Save an attachment of a mail of an archive as a file of the run."""

    name = "file.get_attachment"
    title = "Extract a file from a mail of an archive"
    fields = StoredFileFields
    output = FileOutput

    def call(self, call: Call) -> JsonValue:
        """Return {file}."""
        return {"file": file_content(attachment(call.client, call.fields.message, call.fields.attachment))}
