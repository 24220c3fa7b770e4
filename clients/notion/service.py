"""The declaration of Notion, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.limits.text_limit import TextLimit
from clients.reads import ReadRequest
from clients.service import AccountKey, Service

URL = "https://api.notion.com"


class NotionSettings(BaseModel):
    """Settings of a Notion workspace under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(SecretStr(""), description="Its key.")
    base_url: BaseUrl = Field(URL, description="The address of the API.")
    requests_per_second: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Empty: 3, Notion's limit for one connection; for a server at another address, no limit.",
    )


NOTION = Service(
    name="notion",
    title="Notion",
    icon="description",
    settings=NotionSettings,
    url=URL,
    key=AccountKey(
        setting="token",
        variable="NOTION_TOKEN",
        place="Notion, My integrations (share your pages with it, too)",
        url="https://www.notion.so/my-integrations",
        rights="Read, update and insert content.",
    ),
    reads=(
        ReadRequest("GET", "/v1/**"),
        ReadRequest("POST", "/v1/search"),
        ReadRequest("POST", "/v1/databases/*/query"),
        ReadRequest("POST", "/v1/data_sources/*/query"),
    ),
    harmless=("requests_per_second",),
    pickers={"notion-database": "databases"},
    finders={"notion-database": "data_source"},
    shown_at=("www.notion.so", "notion.so", "app.notion.com"),
    link="Page",
)

TITLE = TextLimit(2000, "utf16")
"""Of a page or database. developers.notion.com/reference/request-limits; a text object counts UTF-16 units."""
CAPTION = TextLimit(2000)
COMMENT = TextLimit(100_000, way="text")
"""A list of 100 text objects, each with 1,000 characters that may count double."""
