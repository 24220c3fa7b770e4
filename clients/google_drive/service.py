"""The declaration of Google Drive, and the settings of its connections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from clients.base_url import BaseUrl
from clients.google.declaration import RENEWAL, token_key
from clients.oauth.settings import SignInSettings
from clients.reads import ReadRequest
from clients.service import Service

URL = "https://www.googleapis.com"
DocumentForm = Literal["markdown", "docx", "pdf"]
_READS = (
    "/drive/v3/about",
    "/drive/v3/drives",
    "/drive/v3/drives/*",
    "/drive/v3/files",
    "/drive/v3/files/*",
    "/drive/v3/files/*/export",
)


class GoogleDriveSettings(SignInSettings):
    """Settings of a Google Drive account under `connections.<name>` in config.yaml."""

    base_url: BaseUrl = Field(URL, description="The address of the API.")
    documents_as: DocumentForm = Field(
        "markdown", description="What a Google document becomes when it is downloaded: `markdown`, `docx` or `pdf`."
    )


GOOGLE_DRIVE = Service(
    name="google_drive",
    title="Google Drive",
    icon="add_to_drive",
    settings=GoogleDriveSettings,
    url=URL,
    key=token_key("GOOGLE_DRIVE_TOKEN"),
    harmless=("documents_as",),
    kind="drive",
    reads=(*(ReadRequest("GET", path) for path in _READS), *RENEWAL),
    pickers={"drive-folder": "folders"},
    shown_at=("drive.google.com", "docs.google.com"),
    link="File",
)
