"""The promises of every trigger type (engine/plugins/trigger.py), checked in worlds where things happen."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx
import jsonschema
import pytest

from clients.errors import Unavailable
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Start, StartFrom, TriggerType
from engine.triggering.polling import poll as looks
from tests.conftest import StandIns
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World, kinds, worlds


@pytest.fixture(params=kinds())
def kind(request: pytest.FixtureRequest) -> TriggerType:
    """Each trigger type."""
    return trigger_type(request.param)


@pytest.fixture
def world(kind: TriggerType, tmp_path: Path, standins: StandIns, http: httpx.Client) -> World:
    """A world in which something can happen to it."""
    return worlds()[kind.name](Scene(tmp_path, standins, http))


def test_from_now_on_nothing_old_is_new(kind: TriggerType, world: World) -> None:
    looker = world.looker(kind)
    assert looker.look_until_done(world.now(0)) == []
    assert looker.cursor is not None


def test_each_thing_is_new_once_and_the_oldest_comes_first(kind: TriggerType, world: World) -> None:
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    world.happen(1)
    first = looker.look_until_done(world.now(1))
    world.happen(2)
    world.happen(3)
    later = looker.look_until_done(world.now(3))
    assert (len(first), len(later)) == (1, 1 if world.is_state else 2)
    assert len({item.id for item in [*first, *later]}) == len([*first, *later])
    times = [item.at for item in [*first, *later]]
    assert all(times)
    assert times == sorted(times, key=str)
    assert looker.look_until_done(world.now(3)) == []


def test_the_same_cursor_lists_the_same_things_again(kind: TriggerType, world: World) -> None:
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    before = json.loads(json.dumps(looker.cursor))
    world.happen(1)
    world.happen(2)
    first = looker.look_until_done(world.now(2))
    forgetful = world.looker(kind)
    forgetful.cursor = before
    again = forgetful.look_until_done(world.now(2))
    assert [item.id for item in again] == [item.id for item in first]
    assert [item.value for item in again] == [item.value for item in first]


def test_a_cursor_is_json_and_looking_on_from_its_copy_is_the_same(kind: TriggerType, world: World) -> None:
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    world.happen(1)
    looker.cursor = json.loads(json.dumps(looker.cursor, allow_nan=False))
    assert len(looker.look_until_done(world.now(1))) == 1
    assert looker.cursor == json.loads(json.dumps(looker.cursor, allow_nan=False))


def test_an_item_has_the_shape_that_expressions_are_checked_against(kind: TriggerType, world: World) -> None:
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    world.happen(1)
    [item] = looker.look_until_done(world.now(1))
    assert item.value is not None
    value = json.loads(json.dumps(item.value, allow_nan=False))
    jsonschema.validate(value, dict(kind.item_schema()))  # type: ignore[no-untyped-call]
    assert item.id
    assert item.title


def test_looking_and_reading_change_nothing(kind: TriggerType, world: World) -> None:
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    world.happen(1)
    before = world.shown()
    looker.look_until_done(world.now(1))
    assert world.shown() == before


def test_a_look_that_fails_has_moved_nothing(kind: TriggerType, world: World) -> None:
    if world.fail is None:
        pytest.skip("no service is asked")
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    world.happen(1)
    before = looker.cursor
    world.fail()
    with pytest.raises(world.fails_with):
        looker.look(world.now(1))
    assert looker.cursor == before
    assert len(looker.look_until_done(world.now(1))) == 1


def test_a_service_that_is_down_is_asked_three_times_at_most(
    kind: TriggerType, world: World, standins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = kind.name.partition(".")[0]
    if service not in {"gmail", "outlook", "github", "notion"}:
        pytest.skip("it is not asked over HTTP")
    monkeypatch.setattr(looks, "_PAUSES_SECONDS", (0.0, 0.0))
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    before = sum(standins.requests(service).values())
    standins.faults(service, times=100, status=500)
    with pytest.raises(Unavailable):
        looks.listed(kind, looker.request(world.now(1)))
    assert sum(standins.requests(service).values()) - before == 3


@pytest.mark.parametrize("choice", ["now", "last", "since"])
def test_what_comes_after_the_first_look_is_new_and_that_look_itself_starts_nothing(
    kind: TriggerType, world: World, choice: StartFrom
) -> None:
    if choice not in kind.start_from:
        pytest.skip("it does not begin so")
    starts = {"now": Start(), "last": Start(last=1), "since": Start(since=NOW - timedelta(days=1))}
    old = {item.id for item in world.looker(kind, starts[choice]).look_until_done(world.now(0))}
    looker = world.looker(kind, starts[choice])
    assert looker.look(world.now(0)) == []
    assert looker.cursor is not None
    world.happen(1)
    world.happen(2)
    found = {item.id for item in looker.look_until_done(world.now(2))}
    assert (len(found - old), old - found) == (1 if world.is_state else 2, set())


def test_a_backlog_comes_in_pieces(kind: TriggerType, world: World) -> None:
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    for number in range(1, 6):
        world.happen(number)
    looker.limit = 2
    pieces: list[int] = []
    while not pieces or looker.has_more:
        pieces.append(len(looker.look(world.now(5))))
        assert len(pieces) < 20
    assert sum(pieces) == (1 if world.is_state else 5)


def test_the_newest_come_first_of_all_where_that_was_asked_for(kind: TriggerType, world: World) -> None:
    if "last" not in kind.start_from:
        pytest.skip("it begins from now on")
    for number in range(1, 4):
        world.happen(number)
    looker = world.looker(kind, Start(last=2))
    assert looker.look(world.now(3)) == []
    assert len(looker.look_until_done(world.now(3))) == 2
    assert looker.look_until_done(world.now(3)) == []
