"""The declaration of GitHub, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.github.operations import is_query
from clients.limits.text_limit import TextLimit
from clients.reads import SERVER, ReadRequest
from clients.service import AccountKey, PublicPlace, Service

_URL = "https://api.github.com"


class GitHubSettings(BaseModel):
    """Settings of a GitHub account under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(SecretStr(""), description="Its key.")
    base_url: BaseUrl = Field(_URL, description="The address of the API.")
    paced: bool | None = Field(
        None,
        description="Whether writes keep to the rate that GitHub asks for. Empty: yes for github.com and ghe.com, "
        "no for your own server.",
    )


GITHUB = Service(
    name="github",
    title="GitHub",
    icon="bug_report",
    settings=GitHubSettings,
    url=_URL,
    key=AccountKey(
        setting="token",
        variable="GITHUB_TOKEN",
        place="GitHub, Settings, Developer settings, Personal access tokens",
        url="https://github.com/settings/tokens",
        rights="Fine-grained: read and write for Issues, Contents and Pull requests, in the "
        "repositories that workflows may use. Classic: `repo`.",
    ),
    reads=(
        ReadRequest("GET", "/**"),
        ReadRequest("HEAD", "/**"),
        ReadRequest("POST", "/graphql", body=is_query, body_is="a query"),
        ReadRequest("POST", "/api/graphql", at=SERVER, body=is_query, body_is="a query"),  # GitHub Enterprise Server
    ),
    harmless=("paced",),
    pickers={"github-repository": "repositories"},
    finders={"github-repository": "repository"},
    public_place=PublicPlace(field="repository", format="github-repository"),
    shown_at=("github.com",),
    link="Issue",
)

TITLE = TextLimit(256, rest="body")
"""Of an issue or pull request; GitHub answers a longer one with "title is too long (maximum is 256 characters)"."""
NEW_TITLE = TextLimit(256)
"""The same where the text is not to be changed."""
LABEL = TextLimit(50)
_MARKER = 64
"""Room for the hidden comment that lets a step find its text again (clients/github/values.py)."""
BODY = TextLimit(65_536 - _MARKER, way="text")
"""Of an issue, a pull request, a review: "body is too long (maximum is 65536 characters)"."""
RELEASE_TITLE, RELEASE_BODY = TextLimit(250, rest="body"), TextLimit(125_000 - _MARKER, way="text")
COMMIT_TITLE, COMMIT_MESSAGE = TextLimit(256), TextLimit(65_536, way="text")
"""Git has no limit of its own."""
