"""How each step type of Slack, Telegram and Discord is run in the fault matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.errors import InvalidRequest
from tests.operations.world import Operation, World

_SUPPORT = {"channel": "#support", "text": "**Down** since noon"}
_DISCORD = {"channel": "Demo/#support", "text": "**Down** since noon"}
_OF_THE_CHAT = {"403": InvalidRequest}
"""Who may write to one chat says nothing about the token."""


def _marked(world: World) -> Mapping[str, Any]:
    message = world.made("slack.read_messages", channel="#support", limit=1)["messages"][0]["id"]
    return {"channel": "#support", "message": message, "name": "eyes"}


OPERATIONS = {
    "slack.send_message": Operation(lambda _: _SUPPORT, match="POST /chat.postMessage"),
    "slack.list_channels": Operation(lambda _: {}),
    "slack.read_messages": Operation(lambda _: {"channel": "#support"}, match="GET /conversations.history"),
    "slack.add_reaction": Operation(_marked),
    "telegram.send_message": Operation(lambda _: {"chat": "4001", "text": "Done."}, differs=_OF_THE_CHAT),
    "discord.send_message": Operation(lambda _: _DISCORD),
    "discord.read_messages": Operation(lambda _: {"channel": "Demo/#support"}),
}
