"""The declaration of OneDrive, and the settings of its connections."""

from __future__ import annotations

from pydantic import Field

from clients.base_url import BaseUrl
from clients.microsoft.declaration import RENEWAL, URL, token_key
from clients.oauth.settings import SignInSettings
from clients.reads import ReadRequest
from clients.service import Service

_STORES = ("sharepoint.com", "1drv.com", "microsoftpersonalcontent.com", "livefilestore.com", "storage.live.com")
"""Where files are kept (https://learn.microsoft.com/sharepoint/required-urls-and-ports)."""


class OnedriveSettings(SignInSettings):
    """Settings of a OneDrive account under `connections.<name>` in config.yaml."""

    base_url: BaseUrl = Field(URL, description="The address of the API.")


ONEDRIVE = Service(
    name="onedrive",
    title="OneDrive",
    icon="cloud_sync",
    settings=OnedriveSettings,
    url=URL,
    key=token_key("ONEDRIVE_TOKEN"),
    kind="drive",
    # Content comes from the address of a store that Graph names, without a key; links to further pages may name the
    # drive by its id.
    reads=(
        ReadRequest("GET", "/v1.0/me/drive"),
        ReadRequest("GET", "/v1.0/me/drive/**"),
        ReadRequest("GET", "/v1.0/drives/**"),
        *(ReadRequest("GET", "/**", f"https://*.{store}") for store in _STORES),
        *RENEWAL,
    ),
    pickers={"drive-folder": "folders"},
    shown_at=("onedrive.live.com", "1drv.ms"),
    link="File",
)
