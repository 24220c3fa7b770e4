"""The declaration of Google Sheets, and the settings of its connections."""

from __future__ import annotations

from pydantic import Field

from clients.base_url import BaseUrl
from clients.google.declaration import RENEWAL, token_key
from clients.limits.text_limit import TextLimit
from clients.oauth.settings import SignInSettings
from clients.reads import ReadRequest
from clients.service import Service

_URL = "https://sheets.googleapis.com"


class SheetsSettings(SignInSettings):
    """Settings of a Google Sheets account, `connections.<name>` in config.yaml."""

    base_url: BaseUrl = Field(_URL, description="The address of the API.")


GOOGLE_SHEETS = Service(
    name="google_sheets",
    title="Google Sheets",
    icon="grid_on",
    settings=SheetsSettings,
    url=_URL,
    key=token_key("GOOGLE_SHEETS_TOKEN"),
    reads=(
        ReadRequest("GET", "/v4/spreadsheets/*"),
        ReadRequest("GET", "/v4/spreadsheets/*/values:batchGet"),
        ReadRequest("POST", "/v4/spreadsheets/*/developerMetadata:search"),
        ReadRequest("GET", "/oauth2/v2/userinfo"),
        ReadRequest("GET", "/oauth2/v2/userinfo", "https://www.googleapis.com"),
        *RENEWAL,
    ),
    shown_at=("docs.google.com",),
    link="Spreadsheet",
)

CELL = TextLimit(50_000, "utf16", "text")
"""https://support.google.com/drive/answer/37603"""
