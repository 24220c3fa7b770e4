"""New and changed pages of a Notion database: whose they are, and changes within one minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.errors import InvalidRequest, NotFound
from engine.plugins.trigger import Start
from engine.triggers import notion_texts
from engine.triggers.notion import ItemAdded, ItemUpdated
from tests.conftest import StandIns
from tests.engine.triggers.looking import Looker
from tests.engine.triggers.notion_world import by_hand, connected, dated
from tests.engine.triggers.worlds import Scene


@pytest.fixture
def scene(tmp_path: Path, standins: StandIns, http: httpx.Client) -> Scene:
    return Scene(tmp_path, standins, http)


def watching(scene: Scene, kind: ItemAdded | ItemUpdated, start: Start | None = None, **fields: Any) -> Looker:
    """The trigger after its first looks."""
    looker = Looker(kind, {"database": "Tasks", **fields}, connected(scene), start or Start())
    looker.look_until_done(datetime.now(UTC))
    return looker


def titles(looker: Looker) -> list[str]:
    return [item.title for item in looker.look_until_done(datetime.now(UTC))]


def change(scene: Scene, page: str, priority: str) -> None:
    by_hand(scene, page=page, properties={"Priority": {"select": {"name": priority}}})


def test_a_page_of_the_same_minute_counts_by_whether_it_was_there(scene: Scene) -> None:
    by_hand(scene, title="Before")
    looker = watching(scene, ItemAdded())
    by_hand(scene, title="After")
    assert titles(looker) == ["After"]
    assert titles(looker) == []


@pytest.mark.parametrize(("include_own", "found"), [(False, ["By hand"]), (True, ["By hand", "Keyed", "Plain"])])
def test_what_a_workflow_made_is_left_out_unless_asked_for(scene: Scene, include_own: bool, found: list[str]) -> None:
    looker = watching(scene, ItemAdded(), include_own=include_own)
    looker.client.items.create("Tasks", "Keyed", marker="m1")
    looker.client.items.create("Tasks", "Plain")
    by_hand(scene, title="By hand")
    assert sorted(titles(looker)) == found


def test_a_page_with_our_key_is_ours_whoever_copied_it(scene: Scene) -> None:
    looker = watching(scene, ItemAdded())
    looker.client.items.create("Tasks", "Keyed", marker="m1")
    key = {"Orchestra key": {"rich_text": [{"text": {"content": "m1"}}]}}
    by_hand(scene, title="A copy", properties=key)
    assert titles(looker) == []


def test_a_change_is_told_once_and_the_making_of_a_page_is_none(scene: Scene) -> None:
    looker = watching(scene, ItemUpdated())
    page = by_hand(scene, title="Task")["id"]
    assert titles(looker) == []
    change(scene, page, "High")
    assert titles(looker) == ["Task"]
    assert titles(looker) == []


def test_two_changes_in_one_minute_are_two_where_a_look_was_between_them(scene: Scene) -> None:
    page = by_hand(scene, title="Task")["id"]
    looker = watching(scene, ItemUpdated())
    for priority in ("High", "Low"):
        change(scene, page, priority)
        [item] = looker.look_until_done(datetime.now(UTC))
        assert item.value is not None
        assert item.value["properties"]["Priority"] == priority


def rewritten(scene: Scene, looker: Looker, page: str, text: str) -> None:
    """Let a person change what a page says, in the present minute."""
    by = (scene.standins.stores["notion"].get("notion/pages", page) or {})["created_by"]
    looker.client.pages.append(page, text)
    dated(scene, page, last_edited_by=by)


def test_a_text_that_is_changed_after_a_look_of_the_same_minute_is_told_once(scene: Scene) -> None:
    page = by_hand(scene, title="Task")["id"]
    looker = watching(scene, ItemUpdated())
    for text in ("First words", "More words"):
        rewritten(scene, looker, page, text)
        assert titles(looker) == ["Task"]
        assert titles(looker) == []


def test_a_text_is_read_until_its_minute_is_over_by_the_clock_of_notion(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = by_hand(scene, title="Task")["id"]
    looker = watching(scene, ItemUpdated())
    rewritten(scene, looker, page, "Words")
    monkeypatch.setattr(looker.client.clock, "now", lambda: datetime.now(UTC) + timedelta(minutes=2))
    assert titles(looker) == ["Task"]
    monkeypatch.setattr(looker.client.pages, "fingerprint", lambda page: pytest.fail("it was read again"))
    assert titles(looker) == titles(looker) == []


def test_what_is_not_read_for_there_is_too_much_is_told_when_its_minute_is_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notion_texts, "_MOST_READ", 1)
    pages = [by_hand(scene, title=f"Task {number}")["id"] for number in (1, 2)]
    for page in pages:
        dated(scene, page, created_time="2026-01-01T10:00:00.000000Z", last_edited_time="2026-01-01T10:00:00.000000Z")
    looker = watching(scene, ItemUpdated())
    for page in pages:
        change(scene, page, "High")
    [first] = titles(looker)
    assert titles(looker) == []
    monkeypatch.setattr(looker.client.clock, "now", lambda: datetime.now(UTC) + timedelta(minutes=2))
    assert sorted([first, *titles(looker)]) == ["Task 1", "Task 2"]
    assert titles(looker) == []


def spelt(minutes: int) -> str:
    """So many minutes after a day in May, as the stand-in keeps times."""
    return f"{datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}.000000Z"


@pytest.mark.parametrize("edited", [pytest.param(30, id="one already listed"), pytest.param(100, id="the next one")])
def test_a_page_that_is_changed_while_a_long_list_is_read_hides_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, edited: int
) -> None:
    pages = [by_hand(scene, title=str(number))["id"] for number in range(120)]
    for number, page in enumerate(pages):
        day = 2 if number < 5 else 1
        dated(scene, page, created_time=spelt(0), last_edited_time=spelt(day * 1440))
    looker = watching(scene, ItemUpdated())
    for number, page in enumerate(pages[5:], 5):
        dated(scene, page, last_edited_time=spelt(3 * 1440 + 15 * number))
    finder, waiting = looker.client.finder, [pages[edited]]
    changed_since = finder.changed_since

    def interrupted(*asked: Any) -> Iterator[Any]:
        for number, page in enumerate(changed_since(*asked)):
            if number == 50 and waiting:
                change(scene, waiting.pop(), "High")
            yield page

    monkeypatch.setattr(finder, "changed_since", interrupted)
    found = [*titles(looker), *titles(looker)]
    twice = [str(edited)] if edited == 30 else []
    assert sorted(found) == sorted([*map(str, range(5, 120)), *twice])


@pytest.mark.parametrize("kind", [ItemAdded, ItemUpdated])
def test_hundreds_of_one_minute_are_told_once_each(scene: Scene, kind: type[ItemAdded | ItemUpdated]) -> None:
    dated(scene, by_hand(scene, title="There")["id"], created_time=spelt(0), last_edited_time=spelt(0))
    looker = watching(scene, kind())
    made = spelt(9000 if kind is ItemAdded else 0)
    for number in range(250):
        dated(scene, by_hand(scene, title=str(number))["id"], created_time=made, last_edited_time=spelt(9000))
    assert sorted(titles(looker)) == sorted(map(str, range(250)))
    assert titles(looker) == []


def test_a_text_that_cannot_be_read_holds_up_no_look(scene: Scene, standins: StandIns) -> None:
    page = by_hand(scene, title="Task")["id"]
    looker = watching(scene, ItemUpdated())
    change(scene, page, "High")
    standins.faults("notion", match=f"GET /v1/pages/{page}/markdown", times=100, status=400)
    assert titles(looker) == ["Task"]
    assert titles(looker) == []


def test_a_text_that_a_workflow_changed_in_the_same_minute_starts_none(scene: Scene) -> None:
    page = by_hand(scene, title="Task")["id"]
    looker = watching(scene, ItemUpdated())
    looker.client.pages.append(page, "Summary")
    assert titles(looker) == []
    rewritten(scene, looker, page, "By hand")
    assert titles(looker) == ["Task"]


@pytest.mark.parametrize(("include_own", "count"), [(False, 0), (True, 1)])
def test_a_change_that_a_workflow_made_starts_none_so_none_answers_itself(
    scene: Scene, include_own: bool, count: int
) -> None:
    page = by_hand(scene, title="Task")["id"]
    looker = watching(scene, ItemUpdated(), include_own=include_own)
    looker.client.items.update(page, {"Priority": "Low"})
    assert len(titles(looker)) == count


def test_a_person_s_change_of_a_page_that_a_workflow_made_counts(scene: Scene) -> None:
    looker = watching(scene, ItemUpdated())
    page = looker.client.items.create("Tasks", "Made by a run", marker="m1")["id"]
    assert titles(looker) == []
    change(scene, page, "High")
    assert titles(looker) == ["Made by a run"]


def test_since_a_time_means_all_that_came_then(scene: Scene) -> None:
    for day in (1, 2, 3):
        page = by_hand(scene, title=f"Day {day}")["id"]
        dated(scene, page, created_time=f"2026-05-0{day}T10:00:30.000000Z")
    start = Start(since=datetime(2026, 5, 2, 10, 0, 10, tzinfo=UTC))
    looker = Looker(ItemAdded(), {"database": "Tasks"}, connected(scene), start)
    assert titles(looker) == ["Day 2", "Day 3"]


def test_the_newest_are_the_newest_by_notion_s_clock(scene: Scene) -> None:
    for day in (3, 1, 2):
        page = by_hand(scene, title=f"Day {day}")["id"]
        dated(scene, page, created_time=f"2030-05-0{day}T10:00:30.000000Z")
    looker = Looker(ItemAdded(), {"database": "Tasks"}, connected(scene), Start(last=2))
    assert titles(looker) == ["Day 2", "Day 3"]


def test_a_clock_that_is_wrong_by_hours_loses_nothing(scene: Scene) -> None:
    by_hand(scene, title="Before")
    looker = Looker(ItemAdded(), {"database": "Tasks"}, connected(scene))
    assert looker.look_until_done(datetime.now(UTC) + timedelta(hours=5)) == []
    by_hand(scene, title="After")
    assert titles(looker) == ["After"]


def test_another_database_is_another_source() -> None:
    kind = ItemAdded()
    names = [kind.source(kind.fields(database=name)) for name in ("Tasks", " tasks ", "Notes")]
    assert names[0] == names[1] != names[2]


def test_a_database_that_is_not_there_is_said(scene: Scene) -> None:
    looker = Looker(ItemAdded(), {"database": "Nowhere"}, connected(scene))
    with pytest.raises(NotFound, match="it shows Tasks"):
        looker.look()
    page = by_hand(scene, title="x")["id"]
    looker = Looker(ItemAdded(), {"database": page}, connected(scene))
    with pytest.raises(InvalidRequest, match="is a page, not a database"):
        looker.look()
