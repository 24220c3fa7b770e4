"""The declaration of WebDAV, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import ReadRequest
from clients.service import AccountKey, Service, Setting


class WebdavSettings(BaseModel):
    """Settings of a WebDAV server under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(SecretStr(""), description="The app password; without `user`, a bearer token.")
    user: str = Field("", description="The name of the user.")
    base_url: BaseUrl = Field("", description="The address of the user's files.")


WEBDAV = Service(
    name="webdav",
    title="WebDAV",
    icon="folder_shared",
    offered_as="WebDAV (Nextcloud and others)",
    error_name="The WebDAV server",
    settings=WebdavSettings,
    kind="drive",
    key=AccountKey(
        setting="token",
        variable="WEBDAV_PASSWORD",
        place="Nextcloud, Settings, Security, Devices & sessions",
        url="https://docs.nextcloud.com/server/latest/user_manual/en/session_management.html",
        label="App password",
    ),
    beside_key=(
        Setting("base_url", "WEBDAV_URL", "Address", "https://cloud.example.com/remote.php/dav/files/USER"),
        Setting("user", "WEBDAV_USER", "User name"),
    ),
    reads=(ReadRequest("PROPFIND", "/**"), ReadRequest("GET", "/**"), ReadRequest("HEAD", "/**")),
    pickers={"drive-folder": "folders"},
    link="File",
)
