"""The declaration of Slack, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.limits.text_limit import TextLimit
from clients.reads import ReadRequest
from clients.service import AccountKey, Service

URL = "https://slack.com/api"


class SlackSettings(BaseModel):
    """Settings of a Slack workspace under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(SecretStr(""), description="The token of a bot (`xoxb-`).")
    base_url: BaseUrl = Field(URL, description="The address of the API.")


SLACK = Service(
    name="slack",
    title="Slack",
    icon="tag",
    settings=SlackSettings,
    url=URL,
    key=AccountKey(
        setting="token",
        variable="SLACK_BOT_TOKEN",
        place="Slack, Your apps, OAuth & Permissions, Bot User OAuth Token",
        url="https://api.slack.com/apps",
        label="Bot token",
        rights="`chat:write`, `channels:read`, `groups:read`, `channels:history`, `groups:history`, `reactions:write`.",
    ),
    reads=(
        ReadRequest("GET", "/auth.test"),
        ReadRequest("GET", "/conversations.list"),
        ReadRequest("GET", "/conversations.history"),
        ReadRequest("GET", "/conversations.replies"),
    ),
    pickers={"slack-channel": "channels"},
    shown_at=("slack.com", "app.slack.com"),
    link="Message",
)

MESSAGE = TextLimit(12_000, "slack", "text", parts=10)
"""Slack takes 40,000 characters (docs.slack.dev/reference/methods/chat.postMessage), but shows long ones in pieces."""
