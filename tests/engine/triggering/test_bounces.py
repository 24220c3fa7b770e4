"""People are notified of mail that could not be delivered, once, and never of the mail that notifies them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from engine.store.bounces import BouncedMail
from engine.triggering.notices.bounces import BounceNotices
from engine.triggering.notices.channel import NoticeChannel
from engine.triggering.notices.marked import MarkedNotices
from engine.triggering.notices.webhook import WebhookMessages
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.engine.triggering.conftest import MovingClock
from tests.engine.triggering.test_failed_runs import TOLD, Place

AT = "2026-11-30T08:00:00Z"


@pytest.fixture
def place(root: Path) -> Iterator[Place]:
    """Its workflow `tell` notifies people; `work` is what runs."""
    write_workflow(root, "tell", [set_step("a")], inputs=TOLD)
    write_workflow(root, "work", [set_step("a")])
    clock = MovingClock()
    opened = Place(root, Orchestra(root, clock=clock), clock)
    opened.configure("workflow: tell, bounces: true")
    yield opened
    opened.orchestra.close()


def notices(place: Place) -> BounceNotices:
    """What a server that has just started has."""
    needs = place.orchestra._families.triggers.triggering._needs
    plan, loaded = place.orchestra._families.opened.compiled.plan, needs.context.loaded
    channel = NoticeChannel(needs.acceptor, plan, loaded, needs.clock)
    messages = WebhookMessages(needs.state.settings, lambda: loaded().webhook, needs.clock)
    marked = MarkedNotices("bounces", "a report", needs.worker, needs.state.settings, channel, messages)
    found = BounceNotices(
        marked, needs.state.bounces, needs.state.runs, needs.clock, lambda: "http://x", needs.is_closed
    )
    found.look()
    return found


def look(place: Place, looks: BounceNotices, seconds: float = 301) -> None:
    place.clock.move(seconds)
    looks._look_at = 0.0
    looks.look()


def note(place: Place, run_id: str, *names: str, action: str = "failed") -> None:
    rows = [BouncedMail(run_id, "a", f"{one}@x.example", action, "5.1.1", "no", "mail", "m", AT) for one in names]
    place.orchestra._families.opened.state.bounces.note(rows)


def test_what_could_not_be_delivered_is_told_once(place: Place) -> None:
    run_id = place.run()["run_id"]
    note(place, run_id, "before")  # it was known before anybody wanted to know
    looks = notices(place)
    note(place, run_id, "ann")
    for _ in range(3):
        look(place, looks)
    look(place, notices(place))
    [told] = place.said()
    assert told["message"] == f"Could not be delivered to ann@x.example: no\nhttp://x/run?id={run_id}"
    assert (told["kind"], told["workflow"], told["run"], told["step"]) == ("bounces", "work", run_id, "a")


def test_many_are_one_notice_and_what_is_late_is_none(place: Place) -> None:
    run_id, looks = place.run()["run_id"], notices(place)
    note(place, run_id, "ann", action="delayed")
    look(place, looks)
    assert place.said() == []
    note(place, run_id, *(f"a{number}" for number in range(9)))
    look(place, looks)
    [told] = place.said()
    assert "And 4 more recipients." in told["message"]


def test_a_notice_that_bounces_leads_to_no_other(place: Place) -> None:
    run_id, looks = place.run()["run_id"], notices(place)
    note(place, run_id, "ann")
    look(place, looks)
    assert len(place.said()) == 1
    [notice] = place.orchestra.runs.list(OWNER, workflow="tell").rows
    note(place, notice.run_id, "me")
    look(place, looks)
    assert len(place.said()) == 1


def test_nothing_is_told_of_a_workflow_that_only_some_may_see(place: Place) -> None:
    run_id, looks = place.run()["run_id"], notices(place)
    looks.is_closed = lambda name: name == "work"
    note(place, run_id, "ann")
    look(place, looks)
    [told] = place.said()
    assert told["message"] == "Mail of a private workflow could not be delivered. The page of its run says more."
    assert (told["workflow"], told["run"]) == ("", "")
