"""Outlook, for the contract suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import SecretStr

from clients.errors import Unavailable
from clients.outlook.client import OutlookClient
from clients.outlook.service import OutlookSettings
from tests.engine.triggers.gmail_world import quiet_now
from tests.engine.triggers.worlds import Scene, World

WITH_FILE = (
    "From: ada@example.com\nSubject: Thing {0}\nContent-Type: multipart/mixed; boundary=x\n\n"
    "--x\n\nHello\n--x\nContent-Type: text/csv; name={0}.csv\n\n1,2\n--x--\n"
)


def client_of(scene: Scene) -> OutlookClient:
    """A client of the stand-in."""
    where = scene.standins["outlook"]
    return OutlookClient(OutlookSettings(token=SecretStr(where.token), base_url=where.base_url), scene.http)


def arrives(scene: Scene, raw: str) -> str:
    """Let a mail arrive; return its id."""
    address, plain = f"{scene.standins['outlook'].origin}/_demo/mail", {"content-type": "text/plain"}
    answer = scene.standins.controls.post(address, content=raw, headers=plain).raise_for_status()
    return str(answer.json()["id"])


def _world(raw: str) -> Callable[[Scene], World]:
    def world(scene: Scene) -> World:
        return World(
            fields={},
            happen=lambda number: arrives(scene, raw.format(number)),
            shown=lambda: scene.standins.show("outlook"),
            client=client_of(scene),
            fail=lambda: scene.standins.faults("outlook", match="/v1.0/", times=1, status=503),
            fails_with=Unavailable,
            now=lambda number: datetime.now(UTC),
        )

    return world


_PLAIN = "From: ada@example.com\nSubject: Thing {0}\n\nHello\n"
WORLDS = {
    "outlook.new_message": _world(_PLAIN),
    "outlook.new_attachment": _world(WITH_FILE),
    "outlook.new_in_thread": _world(_PLAIN),
    "outlook.quiet_conversation": lambda scene: replace(_world(_PLAIN)(scene), now=quiet_now),
}
