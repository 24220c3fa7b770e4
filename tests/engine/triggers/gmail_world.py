"""Gmail, for the contract suite."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from clients.errors import Unavailable
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


def _attached(scene: Scene) -> World:
    world, where = _new_message(scene), scene.standins["gmail"]

    def happen(number: int) -> None:
        raw = (
            f"From: ada@example.com\nSubject: Thing {number}\nContent-Type: multipart/mixed; boundary=x\n\n"
            f"--x\n\nHello\n--x\nContent-Type: text/csv; name={number}.csv\n\n1,2\n--x--\n"
        )
        plain = {"content-type": "text/plain"}
        scene.standins.controls.post(f"{where.origin}/_demo/mail", content=raw, headers=plain).raise_for_status()

    return replace(world, happen=happen)


def _new_message(scene: Scene) -> World:
    where = scene.standins["gmail"]
    client = GmailClient(GmailSettings(token=SecretStr(where.token), base_url=where.base_url), scene.http)

    def happen(number: int) -> None:
        mail = {"from": "ada@example.com", "subject": f"Thing {number}", "text": "Hello"}
        scene.standins.controls.post(f"{where.origin}/_demo/mail", json=mail).raise_for_status()

    return World(
        fields={"query": "in:inbox"},
        happen=happen,
        shown=lambda: scene.standins.show("gmail"),
        client=client,
        fail=lambda: scene.standins.faults("gmail", match="/gmail/v1/", times=1, status=503),
        fails_with=Unavailable,
        now=lambda number: NOW + timedelta(minutes=number),
    )


def quiet_now(_number: int) -> datetime:
    """A time at which all that has come is old enough: the stand-ins have a clock of their own."""
    return datetime.now(UTC) + timedelta(minutes=40)


WORLDS = {
    "gmail.new_message": _new_message,
    "gmail.new_attachment": _attached,
    "gmail.new_in_thread": _new_message,
    "gmail.quiet_conversation": lambda scene: replace(_new_message(scene), now=quiet_now),
}
