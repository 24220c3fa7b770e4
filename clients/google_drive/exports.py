"""What Google's own documents become when they are downloaded: they have no content of their own.

https://developers.google.com/workspace/drive/api/guides/ref-export-formats
"""

from __future__ import annotations

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.google_drive.service import GOOGLE_DRIVE, DocumentForm
from clients.listing import Json

_NATIVE = "application/vnd.google-apps."


class ExportFormat(Struct, frozen=True):
    """A kind of file."""

    media_type: str
    suffix: str


_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_PDF = ExportFormat("application/pdf", ".pdf")
_DOCUMENTS: dict[DocumentForm, ExportFormat] = {
    "markdown": ExportFormat("text/markdown", ".md"),
    "docx": ExportFormat(f"{_OPEN_XML}.wordprocessingml.document", ".docx"),
    "pdf": _PDF,
}
_OTHERS = {
    "spreadsheet": ExportFormat(f"{_OPEN_XML}.spreadsheetml.sheet", ".xlsx"),
    "presentation": _PDF,
    "drawing": _PDF,
}


def form_of(found: Json, documents_as: DocumentForm) -> ExportFormat | None:
    """Return what a file is exported as; None if it has a content that can be downloaded.

    Raises InvalidRequest for what Google cannot export: forms, sites and maps.
    """
    if not found["mimeType"].startswith(_NATIVE):
        return None
    kind = found["mimeType"].removeprefix(_NATIVE)
    form = _DOCUMENTS[documents_as] if kind == "document" else _OTHERS.get(kind)
    if form is None:
        raise InvalidRequest(
            f"{found['name']!r} is a Google {kind}, which cannot be downloaded.",
            service=GOOGLE_DRIVE.name,
            remedy="Use a link to it instead.",
        )
    return form
