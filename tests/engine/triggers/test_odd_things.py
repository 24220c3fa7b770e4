"""One thing never stops the others: however it is mangled, the rest is found, and it is read or dead alone.

Every eighth way to mangle it; `make assurance` tries them all (tests/engine/triggers/chaos.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Item, TriggerType
from engine.triggering.polling.poll import listed, read_thing
from tests.conftest import StandIns
from tests.engine.triggers import github_world, notion_world
from tests.engine.triggers.looking import Looker
from tests.engine.triggers.mangling import Proxy, manglings, proxied
from tests.engine.triggers.worlds import Scene, worlds

_LISTED: dict[str, Any] = {
    "github.new_issue": lambda one: one.get("title") == "Thing 2",
    "github.release": lambda one: one.get("tag_name") == "v2",
    "github.mention": lambda one: str(one.get("body", "")).endswith(" 2") and "issue_url" in one,
    "notion.item_added": lambda one: "Thing 2" in json.dumps(one.get("properties", {})),
    "notion.item_updated": lambda one: "Thing 2" in json.dumps(one.get("properties", {})),
}
"""How the second of three things is known among all that a service lists."""


@pytest.fixture
def scene(tmp_path: Path, standins: StandIns, http: httpx.Client) -> Scene:
    """Where things happen."""
    return Scene(tmp_path, standins, http)


@pytest.fixture(params=_LISTED)
def kind(request: pytest.FixtureRequest) -> TriggerType:
    """A trigger type whose service lists things as JSON."""
    return trigger_type(request.param)


@pytest.fixture
def proxy(kind: TriggerType, standins: StandIns) -> Iterator[Proxy]:
    """What mangles the second thing, once it is told how."""
    with proxied(standins[kind.name.partition(".")[0]]) as one:
        yield one


@pytest.fixture
def looker(kind: TriggerType, scene: Scene, proxy: Proxy) -> Looker:
    """The trigger behind the proxy; three things have happened since it was turned on."""
    world = worlds()[kind.name](scene)
    before = scene.standins.endpoints
    service = kind.name.partition(".")[0]
    client_of = {"github": github_world.client_of, "notion": notion_world.connected}[service]
    direct = before[service]
    before[service] = proxy.endpoint
    world.client = client_of(scene)
    before[service] = direct
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    for number in (1, 2, 3):
        world.happen(number)
    looker.now = world.now(3)  # type: ignore[attr-defined]
    return looker


def _found(kind: TriggerType, looker: Looker) -> dict[str, Item | dict[str, str]]:
    """Look from where it stands; return what came of each thing, by its title."""
    look = looker.request(looker.now)  # type: ignore[attr-defined]
    found: dict[str, Any] = {}
    for item in listed(kind, look).items:
        if not item.skip and item.id not in looker.seen:
            read = read_thing(kind, look, item)
            found[item.id] = read.error or read.item
    return found


def find_the_others(kind: TriggerType, looker: Looker, proxy: Proxy, stride: int) -> None:
    """Mangle one of three things in every way, or every so-many-th, and look each time."""
    whole = _found(kind, looker)
    assert len(whole) == 3
    proxy.wanted = _LISTED[kind.name]
    assert _found(kind, looker) == whole
    ways = manglings(proxy.seen)
    assert len(ways) > 50
    lost = {}
    for name, proxy.mangle in list(ways.items())[::stride]:
        found = _found(kind, looker)
        good = [some_id for some_id, thing in found.items() if some_id in whole and thing == whole[some_id]]
        if len(good) < 2 or len(found) > 3:
            lost[name] = sorted(found)
    assert lost == {}


@pytest.mark.slow
def test_however_a_listed_thing_is_mangled_the_others_are_found(
    kind: TriggerType, looker: Looker, proxy: Proxy
) -> None:
    find_the_others(kind, looker, proxy, 8)
