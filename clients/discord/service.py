"""The declaration of Discord, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.limits.text_limit import TextLimit
from clients.reads import ReadRequest
from clients.service import AccountKey, Service

URL = "https://discord.com/api/v10"


class DiscordSettings(BaseModel):
    """Settings of a Discord bot, or of a webhook, under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(SecretStr(""), description="The token of a bot.")
    webhook: SecretStr = Field(
        SecretStr(""), description="Instead of a bot: the address of a webhook, which can only send to one channel."
    )
    base_url: BaseUrl = Field(URL, description="The address of the API.")


DISCORD = Service(
    name="discord",
    title="Discord",
    icon="forum",
    settings=DiscordSettings,
    url=URL,
    key=AccountKey(
        setting="token",
        variable="DISCORD_BOT_TOKEN",
        place="Discord, Developer portal, your application, Bot, Reset token",
        url="https://discord.com/developers/applications",
        label="Bot token",
    ),
    needs_key=False,
    reads=(
        ReadRequest("GET", "/users/@me"),
        ReadRequest("GET", "/users/@me/guilds"),
        ReadRequest("GET", "/guilds/*/channels"),
        ReadRequest("GET", "/channels/*"),
        ReadRequest("GET", "/channels/*/messages"),
        ReadRequest("GET", "/webhooks/*/*"),
    ),
    pickers={"discord-channel": "channels"},
    shown_at=("discord.com",),
    link="Message",
)

MESSAGE = TextLimit(2000, "discord", "text", parts=10)
"""https://discord.com/developers/docs/resources/message#create-message; whether it counts UTF-16 units is not said."""
