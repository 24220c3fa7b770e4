"""A page of the demo's site, for the contract suite."""

from __future__ import annotations

from datetime import timedelta

from clients.errors import Unavailable
from demo.site.stand_in import HOST
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.rss_world import connected, control
from tests.engine.triggers.worlds import Scene, World


def _page_changed(scene: Scene) -> World:
    return World(
        fields={"url": f"{HOST}/pages/pricing", "selector": "#plans"},
        happen=lambda number: control(
            scene, "page", name="pricing", text=f'<p id="plans">{number} euros</p><p>Seen {number} times</p>'
        ),
        shown=lambda: scene.standins.show("site"),
        client=connected(scene),
        fail=lambda: scene.standins.faults("site", match="GET /pages", times=1, status=503),
        fails_with=Unavailable,
        now=lambda number: NOW + timedelta(minutes=number),
        is_state=True,
    )


WORLDS = {"web.page_changed": _page_changed}
