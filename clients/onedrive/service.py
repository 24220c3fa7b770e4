"""The declaration of OneDrive, and the settings of its connections."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import ANYWHERE, Read
from clients.service import Key, Service

URL = "https://graph.microsoft.com"


class OnedriveSettings(BaseModel):
    """Settings of a OneDrive account under `connections.<name>` in config.yaml; most use `token_file`."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = Field(None, description="An access token, instead of a sign-in; it ends after an hour.")
    token_file: Path | None = Field(None, description="The file of the sign-in, which writes this setting.")
    base_url: BaseUrl = Field(URL, description="The address of the API.")


ONEDRIVE = Service(
    name="onedrive",
    title="OneDrive",
    icon="cloud_sync",
    settings=OnedriveSettings,
    url=URL,
    key=Key(
        setting="token",
        variable="ONEDRIVE_TOKEN",
        place="Microsoft Entra, App registrations",
        url="https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade",
    ),
    kind="drive",
    # Content comes from the address of a store that Graph names, without a key. A token is renewed by a POST.
    reads=(
        Read("GET", "/**", ANYWHERE),
        Read("POST", "/common/oauth2/v2.0/token"),
        Read("POST", "/common/oauth2/v2.0/token", "https://login.microsoftonline.com"),
    ),
    pickers={"drive-folder": "folders"},
    shown_at=("onedrive.live.com", "1drv.ms"),
    link="File",
)
