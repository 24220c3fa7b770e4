"""The files in a mail whose parts are all there: one of them, or all attachments."""

from __future__ import annotations

from clients.errors import NotFound, Unreadable
from clients.mail.outgoing import File
from clients.mail.parts import Part, attachment_id, name_of, own_attachment_parts
from clients.mail.text import attachment_of
from clients.mail.unreadable import no_part, one_mail


def file_in(service: str, mail: str, payload: Part, wanted: str) -> File:
    """Return one part of a mail, by its id in the mail's `attachments` or `parts`. Raises NotFound, Unreadable."""
    with one_mail(service, mail):
        found = attachment_of(payload, wanted)
    if found is None:
        raise no_part(service, mail, wanted)
    described, content = found
    return File(described["name"], content, described["media_type"])


def files_in(service: str, mail: str, payload: Part) -> list[File]:
    """Return all attachments; an attached mail is one of them, with its own files inside. Raises Unreadable."""
    found = []
    for part in own_attachment_parts(payload):
        try:
            found.append(file_in(service, mail, payload, attachment_id(part)))
        except NotFound as error:
            said = f"The file {name_of(part)!r} in the mail {mail} cannot be read."
            raise Unreadable(said, service=service) from error
    return found
