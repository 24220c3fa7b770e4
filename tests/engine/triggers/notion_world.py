"""A Notion database, for the contract suite: people make items in it, and change some that are there."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import SecretStr

from clients.errors import Unavailable
from clients.notion.client import NotionClient
from clients.notion.service import NotionSettings
from tests.engine.triggers.worlds import Scene, World


def by_hand(scene: Scene, **asked: Any) -> dict[str, Any]:
    """Make or change an item as a person does."""
    answer = scene.standins.controls.post(f"{scene.standins['notion'].origin}/_demo/item", json=asked)
    answer.raise_for_status()
    page: dict[str, Any] = answer.json()
    return page


def connected(scene: Scene) -> NotionClient:
    """A client of the stand-in."""
    where = scene.standins["notion"]
    settings = NotionSettings(token=SecretStr(where.token), base_url=where.base_url)
    return NotionClient(settings, scene.http)


def dated(scene: Scene, page: str, **times: str) -> None:
    """Let a page have been made or changed at another time."""
    store = scene.standins.stores["notion"]
    store.put("notion/pages", page, {**(store.get("notion/pages", page) or {}), **times})


def _world(scene: Scene, happen: Any) -> World:
    return World(
        fields={"database": "Tasks"},
        happen=happen,
        shown=lambda: scene.standins.show("notion"),
        client=connected(scene),
        fail=lambda: scene.standins.faults("notion", match="POST /v1/data_sources", times=1, status=503),
        fails_with=Unavailable,
        now=lambda number: datetime.now(UTC),
    )


def _added(scene: Scene) -> World:
    return _world(scene, lambda number: by_hand(scene, title=f"Thing {number}"))


def _updated(scene: Scene) -> World:
    made = [by_hand(scene, title=f"Thing {number}")["id"] for number in range(1, 6)]
    for page in made:
        dated(scene, page, created_time="2026-01-01T10:00:00.000000Z", last_edited_time="2026-01-01T10:00:00.000000Z")
    change = partial(by_hand, scene, properties={"Priority": {"select": {"name": "High"}}})
    return _world(scene, lambda number: change(page=made[number - 1]))


WORLDS = {"notion.item_added": _added, "notion.item_updated": _updated}
