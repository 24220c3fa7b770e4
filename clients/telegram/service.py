"""The declaration of Telegram, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.limits.text_limit import TextLimit
from clients.reads import ReadRequest
from clients.service import AccountKey, Service

URL = "https://api.telegram.org"


class TelegramSettings(BaseModel):
    """Settings of a Telegram bot under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(SecretStr(""), description="The token of the bot.")
    base_url: BaseUrl = Field(URL, description="The address of the API.")


TELEGRAM = Service(
    name="telegram",
    title="Telegram",
    icon="send",
    settings=TelegramSettings,
    url=URL,
    key=AccountKey(
        setting="token",
        variable="TELEGRAM_BOT_TOKEN",
        place="Telegram, @BotFather, /newbot",
        url="https://t.me/BotFather",
        label="Bot token",
    ),
    # Below `/bot<token>`. Updates are forgotten by a request that names an offset, which is sent as a POST.
    reads=(ReadRequest("GET", "/getMe"), ReadRequest("GET", "/getUpdates"), ReadRequest("GET", "/getWebhookInfo")),
    pickers={"telegram-chat": "chats"},
    shown_at=("t.me",),
    link="Message",
)

MESSAGE = TextLimit(4096, "telegram", "text", parts=10)
"""https://core.telegram.org/bots/api#sendmessage"""
