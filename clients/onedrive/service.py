"""The declaration of OneDrive, and the settings of its connections."""

from __future__ import annotations

from pydantic import Field

from clients.base_url import BaseUrl
from clients.oauth.settings import SignInSettings
from clients.reads import ReadRequest
from clients.service import AccountKey, Service

URL = "https://graph.microsoft.com"
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
    key=AccountKey(
        setting="token",
        variable="ONEDRIVE_TOKEN",
        place="Microsoft Entra, App registrations",
        url="https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade",
    ),
    kind="drive",
    # Content comes from the address of a store that Graph names, without a key; links to further pages may name the
    # drive by its id. A token is renewed by a POST.
    reads=(
        ReadRequest("GET", "/v1.0/me/drive"),
        ReadRequest("GET", "/v1.0/me/drive/**"),
        ReadRequest("GET", "/v1.0/drives/**"),
        *(ReadRequest("GET", "/**", f"https://*.{store}") for store in _STORES),
        ReadRequest("POST", "/common/oauth2/v2.0/token"),
        ReadRequest("POST", "/common/oauth2/v2.0/token", "https://login.microsoftonline.com"),
    ),
    pickers={"drive-folder": "folders"},
    shown_at=("onedrive.live.com", "1drv.ms"),
    link="File",
)
