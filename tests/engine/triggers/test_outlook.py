"""New mail in Outlook: links that expire or grow old, moved mail, one's own mail, and lists of changes in any order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.mail.letter import Letter
from clients.mail.outgoing import OutgoingMail
from clients.outlook.client import OutlookClient
from engine.base.clock import timestamp
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Item, Start
from tests.conftest import StandIns
from tests.engine.triggers.looking import Looker
from tests.engine.triggers.outlook_world import arrives, client_of
from tests.engine.triggers.worlds import Scene

MAIL = "From: Ada <ada@example.com>\nSubject: {0}\n\nHello\n"


@pytest.fixture
def scene(tmp_path: Path, standins: StandIns, http: httpx.Client) -> Scene:
    return Scene(tmp_path, standins, http)


@pytest.fixture
def client(scene: Scene) -> OutlookClient:
    return client_of(scene)


def looker(client: OutlookClient, start: Start | None = None, **fields: Any) -> Looker:
    """The trigger, looked at once."""
    made = Looker(trigger_type("outlook.new_message"), fields, client, start or Start())
    assert made.look_until_done(now()) == []
    return made


def now(**later: float) -> datetime:
    return datetime.now(UTC) + timedelta(**later)


def titles(items: Sequence[Item]) -> list[str]:
    return [item.title for item in items]


def control(scene: Scene, **given: Any) -> None:
    address = f"{scene.standins['outlook'].origin}/_demo/delta"
    scene.standins.controls.post(address, json=given).raise_for_status()


def test_an_expired_link_loses_and_doubles_nothing(scene: Scene, client: OutlookClient) -> None:
    one = looker(client)
    arrives(scene, MAIL.format("First"))
    assert titles(one.look_until_done(now())) == ["First"]
    arrives(scene, MAIL.format("Second"))
    control(scene, forget=True)
    assert titles(one.look_until_done(now())) == ["Second"]
    assert "no longer has the changes" in one.notes[-1]
    arrives(scene, MAIL.format("Third"))
    assert titles(one.look_until_done(now())) == ["Third"]


def test_a_link_is_renewed_each_day_and_nothing_is_lost_or_doubled(scene: Scene, client: OutlookClient) -> None:
    one = looker(client)
    for title in ("First", "Second", "Third"):
        arrives(scene, MAIL.format(title))
        old = one.cursor["link"]
        one.cursor["began_at"] = timestamp(now(days=-2))
        assert titles(one.look_until_done(now())) == [title]
        assert one.cursor["began_at"] > timestamp(now(hours=-1))
        assert one.cursor["link"] != old


def test_what_is_only_changed_is_not_new(scene: Scene, client: OutlookClient) -> None:
    mail = arrives(scene, MAIL.format("There before"))
    one = looker(client)
    url = f"{scene.standins['outlook'].base_url}/v1.0/me/messages/{mail}"
    token = {"Authorization": f"Bearer {scene.standins['outlook'].token}"}
    scene.standins.controls.patch(url, json={"isRead": True}, headers=token).raise_for_status()
    assert one.look_until_done(now()) == []


def test_a_mail_that_is_moved_into_the_folder_is_new_there(scene: Scene, client: OutlookClient) -> None:
    one = looker(client, folder="Inbox/Projects")
    mail = arrives(scene, MAIL.format("Moved"))
    assert one.look_until_done(now()) == []
    client.filing.move(mail, client.box.folder("inbox/projects"))
    [item] = one.look_until_done(now())
    assert (item.id, item.title) == (mail, "Moved")
    client.filing.move(mail, client.box.folder("archive"))
    client.filing.move(mail, client.box.folder("inbox/projects"))
    assert one.look_until_done(now()) == []


def test_sender_and_subject_are_compared(scene: Scene, client: OutlookClient) -> None:
    wanted: dict[str, Any] = {"from": "ADA@", "subject": "invoice"}
    one = looker(client, **wanted)
    arrives(scene, MAIL.format("Your invoice"))
    arrives(scene, MAIL.format("Hello"))
    arrives(scene, "From: eve@example.net\nSubject: An invoice\n\nHello\n")
    assert titles(one.look_until_done(now())) == ["Your invoice"]


@pytest.mark.parametrize("wanted", ["Ann@corp.example", "corp.example", "@corp.example"])
def test_an_address_or_a_domain_is_the_senders(scene: Scene, client: OutlookClient, wanted: str) -> None:
    fields: dict[str, Any] = {"from": wanted}
    one = looker(client, **fields)
    senders = ['"ann@corp.example" <eve@evil.example>', "ann@corp.example.evil.example", "ann@evil-corp.example"]
    for sender in [*senders, "Ann <ann@corp.example>"]:
        arrives(scene, f"From: {sender}\nSubject: {sender}\n\nHello\n")
    assert titles(one.look_until_done(now())) == ["Ann <ann@corp.example>"]


def test_an_international_domain_is_the_same_in_both_of_its_forms_and_no_other(
    scene: Scene, client: OutlookClient
) -> None:
    fields: dict[str, Any] = {"from": "Faß.example"}
    one = looker(client, **fields)
    for sender in ("ann@xn--fa-hia.example", "ann@fass.example"):
        arrives(scene, f"From: {sender}\nSubject: {sender}\n\nHello\n")
    assert titles(one.look_until_done(now())) == ["ann@xn--fa-hia.example"]


def test_a_mail_of_several_senders_is_from_none_of_them(scene: Scene, client: OutlookClient) -> None:
    fields: dict[str, Any] = {"from": "corp.example"}
    one = looker(client, **fields)
    arrives(scene, "From: Ann <ann@corp.example>, Eve <eve@evil.example>\nSubject: Two\n\nHello\n")
    arrives(scene, "From: Ann <ann@corp.example>\nFrom: Eve <eve@evil.example>\nSubject: Twice\n\nHello\n")
    assert titles(one.look_until_done(now())) == []


@pytest.mark.parametrize(
    ("fields", "expected"), [({}, []), ({"include_own": True, "include_sent": True}, ["To me", "To myself"])]
)
def test_mail_of_workflows_and_of_oneself_is_left_out_unless_it_is_asked_for(
    scene: Scene, client: OutlookClient, fields: dict[str, Any], expected: list[str]
) -> None:
    control(scene, renames=True)
    one = looker(client, **fields)
    client.outbox.send(Letter(OutgoingMail([client.account()], subject="To me", text="Hello"), "m" * 32))
    arrives(scene, f"From: {client.account()}\nSubject: To myself\n\nHello\n")
    assert titles(one.look_until_done(now())) == expected


def test_drafts_count_only_if_they_are_asked_for(client: OutlookClient) -> None:
    without, also = (looker(client, folder="drafts", include_own=True, include_drafts=one) for one in (False, True))
    client.outbox.create_draft(Letter(OutgoingMail(["ann@example.org"], subject="Draft", text="Hello"), "m" * 32))
    assert titles(without.look_until_done(now())) == []
    assert titles(also.look_until_done(now())) == ["Draft"]


def test_many_mails_at_once_come_in_pieces_and_the_link_is_asked_once(scene: Scene, client: OutlookClient) -> None:
    one = looker(client)
    for number in range(5):
        arrives(scene, MAIL.format(f"Mail {number}"))
    one.limit = 2
    before = sum(count for path, count in scene.standins.requests("outlook").items() if path.endswith("/delta"))
    found = one.look_until_done(now())
    after = sum(count for path, count in scene.standins.requests("outlook").items() if path.endswith("/delta"))
    assert titles(found) == [f"Mail {number}" for number in range(5)]
    assert after - before <= 3
