"""People are notified of odd sign-ins, and strangers who try many names cannot send many notices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.triggering.notices.channel import NoticeChannel
from engine.triggering.notices.marked import MarkedNotices
from engine.triggering.notices.sign_ins import SignInNotices
from engine.triggering.notices.webhook import WebhookMessages
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.engine.triggering.conftest import MovingClock
from tests.engine.triggering.test_failed_runs import TOLD, Place

PASSWORD = "correct horse battery"
ADA = Principal("ada", "owner")


@pytest.fixture
def place(root: Path) -> Iterator[Place]:
    """Its workflow `tell` notifies people."""
    write_workflow(root, "tell", [set_step("a")], inputs=TOLD)
    clock = MovingClock()
    clock.now = clock.now.replace(minute=5)
    opened = Place(root, Orchestra(root, clock=clock), clock)
    opened.configure("workflow: tell, sign_ins: true, refused_sign_ins: 5")
    opened.orchestra.users.add(OWNER, "ada", "Ada", "owner", PASSWORD)
    yield opened
    opened.orchestra.close()


def notices(place: Place) -> SignInNotices:
    """What a server that has just started has."""
    needs = place.orchestra._families.triggers.triggering._needs
    plan, loaded = place.orchestra._families.opened.compiled.plan, needs.context.loaded
    channel = NoticeChannel(needs.acceptor, plan, loaded, needs.clock)
    messages = WebhookMessages(needs.state.settings, lambda: loaded().webhook, needs.clock)
    found = SignInNotices(
        MarkedNotices("sign_ins", "a sign-in", needs.worker, needs.state.settings, channel, messages),
        needs.state.audit,
        needs.clock,
        lambda: "http://x",
    )
    found.look()
    return found


def look(place: Place, looks: SignInNotices, seconds: float = 301) -> None:
    place.clock.move(seconds)
    looks._look_at = 0.0
    looks.look()


def refuse(place: Place, count: int, first: int = 0) -> None:
    """Let strangers try names, each from an address of its own."""
    for number in range(first, first + count):
        place.orchestra.users.login(f"name{number}", "wrong", f"203.0.113.{number}")


def test_a_new_browser_and_a_new_network_are_reported_once(place: Place) -> None:
    looks, users = notices(place), place.orchestra.users
    assert users.login("ada", PASSWORD, "192.0.2.1", "Firefox")
    token = users.api_tokens.create(ADA, "ada", "laptop").token
    for address in ("192.0.2.1", "198.51.100.1", "198.51.100.2"):
        users.api_tokens.principal(token, address, is_mcp=False)
    for _ in range(3):
        look(place, looks)
    look(place, notices(place))
    [told] = place.said()
    assert told["message"].split("\n\n") == [
        "ada signed in with a new browser at 192.0.2.1: Firefox.",
        "The API token 'laptop' of ada is used from a new network: 198.51.100.0/24.",
    ]
    assert (told["kind"], told["link"]) == ("sign_ins", "http://x/audit")


def test_a_known_browser_is_not_reported(place: Place) -> None:
    users = place.orchestra.users
    looks = notices(place)
    assert users.login("ada", PASSWORD, "192.0.2.1", "Firefox", [users.device_word("ada")])
    look(place, looks)
    assert place.said() == []


def test_refused_sign_ins_are_reported_once_an_hour_however_many_names_are_tried(place: Place) -> None:
    looks = notices(place)
    refuse(place, 4)
    look(place, looks, 1)
    assert place.said() == []
    refuse(place, 30, 4)
    look(place, looks, 1)
    for round_ in range(5):
        refuse(place, 20, 40 + 20 * round_)
        look(place, looks)
    [told] = place.said()
    assert told["message"].startswith("34 sign-ins were refused since ")
    assert "name" not in told["message"], "a person may have typed a password there"
    needs = place.orchestra._families.triggers.triggering._needs
    assert len(needs.state.settings.with_prefix("notified.")) == 1
    place.clock.now = place.clock.now.replace(minute=10)
    place.clock.move(3600)
    refuse(place, 6, 150)
    look(place, looks, 1)
    assert len(place.said()) == 2


def test_nothing_is_reported_unless_the_settings_say_so(place: Place) -> None:
    place.configure("workflow: tell")
    looks = notices(place)
    assert place.orchestra.users.login("ada", PASSWORD, "192.0.2.1", "Firefox")
    refuse(place, 10)
    look(place, looks)
    assert place.said() == []
