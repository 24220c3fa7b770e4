"""Answering an invitation that is in Google Calendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients.errors import InvalidRequest, NotFound
from engine.plugins import registry
from tests.operations.world import World

if TYPE_CHECKING:
    from tests.conftest import StandIns

UID = "talk@conference.example"
BOB = {"email": "bob@b.example", "responseStatus": "tentative"}


@pytest.fixture
def world(standins: StandIns, http: httpx.Client) -> World:
    return World("google_calendar", standins, http)


def account(world: World) -> str:
    return str(next(one["id"] for one in world.shown()["calendars"] if one["primary"]))


@pytest.fixture
def invited(world: World) -> Callable[..., str]:
    """Put an invitation into the calendar; gives its id."""

    def put(**more: Any) -> str:
        times = {"start": {"dateTime": "2026-12-01T10:00:00Z"}, "end": {"dateTime": "2026-12-01T11:00:00Z"}}
        event: dict[str, Any] = {
            **times,
            "summary": "Talk",
            "iCalUID": UID,
            "organizer": {"email": "eve@conference.example"},
        }
        event |= {"attendees": [{"email": account(world)}, BOB], **more}
        answer = httpx.post(f"{world.endpoint.origin}/_demo/event", json=event, trust_env=False)
        return str(answer.raise_for_status().json()["id"])

    return put


def respond(world: World, **arguments: Any) -> Any:
    return world.run(registry.step_type("google_calendar.respond"), {"answer": "accept", **arguments})


def people(world: World, event: str) -> list[Mapping[str, Any]]:
    [found] = [one for one in world.shown()["events"] if one["id"] == event]
    return [{name: value for name, value in one.items() if name != "self"} for one in found["attendees"]]


@pytest.mark.parametrize(("answer", "response"), [("accept", "accepted"), ("decline", "declined"), ("tentative",) * 2])
def test_only_the_own_answer_changes(world: World, invited: Callable[..., str], answer: str, response: str) -> None:
    event = invited()
    told = respond(world, event=UID, answer=answer, comment="From Berlin")
    assert (told["id"], told["title"], told["organizer"]) == (event, "Talk", "eve@conference.example")
    mine = {"email": account(world), "responseStatus": response, "comment": "From Berlin"}
    assert people(world, event) == [mine, BOB]


def test_the_same_answer_again_sends_nothing(world: World, invited: Callable[..., str]) -> None:
    event = invited()
    respond(world, event=event)
    mails = len(world.shown()["mails"])
    assert mails > 0
    respond(world, event=UID)
    assert len(world.shown()["mails"]) == mails
    respond(world, event=event, answer="decline")
    assert len(world.shown()["mails"]) > mails


def test_without_mail_the_organizer_gets_none(world: World, invited: Callable[..., str]) -> None:
    before = len(world.shown()["mails"])
    respond(world, event=invited(), invitations="none")
    assert len(world.shown()["mails"]) == before


def test_who_is_not_invited_cannot_answer(world: World, invited: Callable[..., str]) -> None:
    with pytest.raises(InvalidRequest, match="is not invited"):
        respond(world, event=invited(attendees=[BOB]))
    with pytest.raises(NotFound, match="There is no event 'none@conference"):
        respond(world, event="none@conference.example")


def test_a_person_approves_it_unless_nobody_gets_mail() -> None:
    step = registry.step_type("google_calendar.respond")
    assert step.approval_of({"event": UID, "answer": "accept"}) == "always"
    assert step.approval_of({"event": UID, "answer": "accept", "invitations": "{{ steps.a.output }}"}) == "always"
    assert step.approval_of({"event": UID, "answer": "accept", "invitations": "none"}) == "never"
