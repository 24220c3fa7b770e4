"""A feed of the demo's site, for the contract suite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from clients.errors import Unavailable
from clients.http.client import HttpClient
from clients.http.demo_site import site_client
from clients.http.service import HttpSettings
from demo.site.stand_in import HOST
from tests.engine.triggers.worlds import Scene, World

START = datetime.now(UTC).replace(microsecond=0)


def connected(scene: Scene) -> HttpClient:
    """A client as runs in the demo have it."""
    return HttpClient(
        HttpSettings(), site_client(scene.http, lambda: scene.standins["site"].origin, lambda _: scene.http)
    )


def control(scene: Scene, action: str, **given: Any) -> None:
    """Publish a post, or change a page."""
    scene.standins.controls.post(f"{scene.standins['site'].origin}/_demo/{action}", json=given).raise_for_status()


def _new_entry(scene: Scene) -> World:
    def happen(number: int) -> None:
        at = (START + timedelta(minutes=number)).isoformat()
        control(scene, "post", slug=f"post-{number}", title=f"Post {number}", text="<p>Text</p>", at=at)

    return World(
        fields={"url": f"{HOST}/feed.xml"},
        happen=happen,
        shown=lambda: scene.standins.show("site"),
        client=connected(scene),
        fail=lambda: scene.standins.faults("site", match="GET /feed.xml", times=1, status=503),
        fails_with=Unavailable,
        now=lambda number: START + timedelta(minutes=number),
    )


WORLDS = {"rss.new_entry": _new_entry}
