"""The declaration of Google Sheets, and the settings of its connections."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import Read
from clients.service import Key, Service

_URL = "https://sheets.googleapis.com"


class SheetsSettings(BaseModel):
    """Settings of a Google Sheets account, `connections.<name>` in config.yaml; most use `token_file`."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = Field(None, description="An access token, instead of a sign-in.")
    token_file: Path | None = Field(None, description="The file of the sign-in, which writes this setting.")
    base_url: BaseUrl = Field(_URL, description="The address of the API.")


GOOGLE_SHEETS = Service(
    name="google_sheets",
    title="Google Sheets",
    icon="grid_on",
    settings=SheetsSettings,
    url=_URL,
    key=Key(
        setting="token",
        variable="GOOGLE_SHEETS_TOKEN",
        place="Google Cloud, APIs and services, Credentials",
        url="https://console.cloud.google.com/apis/credentials",
    ),
    reads=(
        Read("GET", "/v4/spreadsheets/*"),
        Read("GET", "/v4/spreadsheets/*/values:batchGet"),
        Read("POST", "/v4/spreadsheets/*/developerMetadata:search"),
        Read("GET", "/oauth2/v2/userinfo"),
        Read("GET", "/oauth2/v2/userinfo", "https://www.googleapis.com"),
        Read("POST", "/token"),
        Read("POST", "/token", "https://oauth2.googleapis.com"),
    ),
    shown_at=("docs.google.com",),
    link="Spreadsheet",
)
