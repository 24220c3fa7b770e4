"""The declaration of Discord, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import Read
from clients.service import Key, Service

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
    key=Key(
        setting="token",
        variable="DISCORD_BOT_TOKEN",
        place="Discord, Developer portal, your application, Bot, Reset token",
        url="https://discord.com/developers/applications",
        label="Bot token",
    ),
    needs_key=False,
    reads=(
        Read("GET", "/users/@me"),
        Read("GET", "/users/@me/guilds"),
        Read("GET", "/guilds/*/channels"),
        Read("GET", "/channels/*"),
        Read("GET", "/channels/*/messages"),
        Read("GET", "/webhooks/*/*"),
    ),
    pickers={"discord-channel": "channels"},
    shown_at=("discord.com",),
    link="Message",
)
