"""The declaration of Dropbox, and the settings of its connections."""

from __future__ import annotations

from pydantic import Field

from clients.base_url import BaseUrl
from clients.oauth.settings import SignInSettings
from clients.reads import BASE, ReadRequest
from clients.service import AccountKey, Service

URL = "https://api.dropboxapi.com"
CONTENT = "https://content.dropboxapi.com"
_READS = (
    "/2/files/list_folder",
    "/2/files/list_folder/continue",
    "/2/files/list_folder/get_latest_cursor",
    "/2/files/search_v2",
    "/2/files/search/continue_v2",
    "/2/files/get_metadata",
    "/2/users/get_current_account",
)


class DropboxSettings(SignInSettings):
    """Settings of a Dropbox account under `connections.<name>` in config.yaml."""

    base_url: BaseUrl = Field(URL, description="The address of the API.")


DROPBOX = Service(
    name="dropbox",
    title="Dropbox",
    icon="folder_zip",
    settings=DropboxSettings,
    url=URL,
    key=AccountKey(
        setting="token",
        variable="DROPBOX_TOKEN",
        place="Dropbox, App Console",
        url="https://www.dropbox.com/developers/apps",
    ),
    kind="drive",
    # Dropbox reads with POST. The token of a sign-in is renewed by a POST, too.
    reads=(
        *(ReadRequest("POST", path) for path in _READS),
        *(ReadRequest("GET", "/2/files/download", at) for at in (BASE, CONTENT)),
        ReadRequest("POST", "/oauth2/token"),  # at the address of the API, too
    ),
    pickers={"drive-folder": "folders"},
    shown_at=("www.dropbox.com",),
    link="File",
)
