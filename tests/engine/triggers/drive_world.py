"""A folder of a drive, for the contract suite: somebody puts files into it."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import SecretStr

from clients.errors import Unavailable
from clients.webdav.client import WebdavClient
from clients.webdav.service import WebdavSettings
from tests.engine.triggers.worlds import Scene, World


def _new_file(scene: Scene) -> World:
    where = scene.standins["webdav"]
    client = WebdavClient(WebdavSettings(token=SecretStr(where.token), base_url=where.base_url), scene.http)
    source = scene.folder / "source"
    source.write_text("content")
    return World(
        fields={"folder": "Attachments"},
        happen=lambda number: client.upload("Attachments", f"File {number}.txt", source, ""),
        shown=lambda: scene.standins.show("webdav"),
        client=client,
        fail=lambda: scene.standins.faults("webdav", match="PROPFIND", times=1, status=503),
        fails_with=Unavailable,
        now=lambda number: datetime.now(UTC),
    )


WORLDS = {"drive.new_file": _new_file}
