"""Messages to a bot: who sees them, and what Telegram is told to forget."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from engine.triggers.telegram import NewMessage
from tests.conftest import StandIns
from tests.engine.triggers.looking import Looker
from tests.engine.triggers.telegram_world import connected, write
from tests.engine.triggers.worlds import Scene


@pytest.fixture
def scene(tmp_path: Path, standins: StandIns, http: httpx.Client) -> Scene:
    return Scene(tmp_path, standins, http)


def looker(scene: Scene, chat: str = "") -> Looker:
    made = Looker(NewMessage(), {"chat": chat}, connected(scene))
    made.look_until_done(datetime.now(UTC))
    return made


def texts(looker: Looker) -> list[str]:
    return [str((one.value or {})["text"]) for one in looker.look_until_done(datetime.now(UTC))]


def test_two_triggers_on_one_bot_both_see_every_message(scene: Scene) -> None:
    first, second = looker(scene), looker(scene)
    write(scene, "Hello")
    assert texts(first) == texts(second) == ["Hello"]
    assert texts(first) == texts(second) == []


def test_only_messages_of_the_chat_start_something(scene: Scene) -> None:
    group = looker(scene, "-1005001")
    write(scene, "in private")
    write(scene, "in the group", "-1005001")
    assert texts(group) == ["in the group"]


def test_more_messages_than_telegram_sends_at_once_all_arrive(scene: Scene) -> None:
    every = looker(scene)
    expected = [str(number) for number in range(130)]
    for text in expected[:70]:
        write(scene, text)
    found = texts(every)
    for text in expected[70:]:
        write(scene, text)
    found += texts(every)
    assert found == expected
    write(scene, "one more")
    assert texts(every) == ["one more"]
