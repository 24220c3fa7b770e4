"""A Telegram bot, for the contract suite: a person writes to it."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import SecretStr

from clients.errors import Unavailable
from clients.telegram.client import TelegramClient
from clients.telegram.service import TelegramSettings
from tests.engine.triggers.worlds import Scene, World


def connected(scene: Scene) -> TelegramClient:
    """A client of the stand-in."""
    where = scene.standins["telegram"]
    return TelegramClient(TelegramSettings(token=SecretStr(where.token), base_url=where.base_url), scene.http)


def write(scene: Scene, text: str, chat: str = "4001") -> None:
    """Let a person write to the bot."""
    address = f"{scene.standins['telegram'].origin}/_demo/message"
    scene.standins.controls.post(address, json={"chat": chat, "text": text}).raise_for_status()


def _new_message(scene: Scene) -> World:
    return World(
        fields={"chat": "4001 Ada Lind"},
        happen=lambda number: write(scene, f"Message {number}"),
        shown=lambda: scene.standins.show("telegram"),
        client=connected(scene),
        fail=lambda: scene.standins.faults("telegram", match="getUpdates", times=1, status=503),
        fails_with=Unavailable,
        now=lambda number: datetime.now(UTC),
    )


WORLDS = {"telegram.new_message": _new_message}
