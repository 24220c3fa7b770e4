"""Gmail that reports new mail at once, by Cloud Pub/Sub: what is asked, what may be missing, and how it ends."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from clients.client import Opening
from clients.deadline import CancellationToken, ended_by
from clients.errors import InvalidRequest, ServiceError, Unavailable
from clients.gmail import push
from clients.gmail.app import GMAIL_APP
from clients.gmail.client import GmailClient
from clients.gmail.push import PushFailed
from clients.gmail.service import GmailSettings
from clients.oauth.sign_in_file import SignInFile
from demo.gmail.pubsub import PROJECT, SUBSCRIPTION, TOPIC
from tests.clients.test_gmail_oauth import browser, client_secret
from tests.clients.test_google_services import Requests
from tests.patience import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted
    from tests.conftest import StandIns

PULL, ACKNOWLEDGE = f"/v1/{SUBSCRIPTION}:pull", f"/v1/{SUBSCRIPTION}:acknowledge"
WATCH, STOP = "/gmail/v1/users/me/watch", "/gmail/v1/users/me/stop"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Ear:
    """Listens in a thread of its own."""

    def __init__(self, client: GmailClient) -> None:
        self.heard = 0
        self.error: ServiceError | None = None
        self._cancellation = CancellationToken()
        self._thread = threading.Thread(target=self._run, args=(client,), daemon=True)
        self._thread.start()

    def _run(self, client: GmailClient) -> None:
        with ended_by(self._cancellation):
            try:
                client.push.listen(self._hear)
            except ServiceError as error:
                self.error = error

    def _hear(self) -> None:
        self.heard += 1

    def end(self) -> None:
        """End the call, and wait for its thread."""
        self._cancellation.now()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def listening_to(client: GmailClient) -> Iterator[Ear]:
    ear = Ear(client)
    try:
        yield ear
    finally:
        ear.end()


Open = Callable[..., GmailClient]


@pytest.fixture
def open_client(standins: StandIns) -> Iterator[Open]:
    """Open clients of the stand-in; each of their requests has to be in Google's descriptions."""
    with contextlib.ExitStack() as stack:

        def opened(subscription: str = SUBSCRIPTION, **settings: Any) -> GmailClient:
            where = standins["gmail"]
            given = {"token": SecretStr(where.token), "base_url": where.base_url, **settings}
            client = GmailClient.open(GmailSettings(push_subscription=subscription, **given), Opening())
            stack.callback(client.close)
            client.http.event_hooks["request"].append(Requests("gmail"))
            return client

        yield opened


def control(standins: StandIns, **rules: Any) -> None:
    standins.controls.post(f"{standins['gmail'].origin}/_demo/pubsub", json=rules).raise_for_status()


def deliver(standins: StandIns, subject: str = "Hello") -> None:
    standins.controls.post(f"{standins['gmail'].origin}/_demo/mail", json={"subject": subject}).raise_for_status()


def asked(standins: StandIns, path: str, before: int = 0) -> int:
    """How often a path was asked, less what was asked before."""
    return standins.requests("gmail").get(f"POST {path}", 0) - before


def waiting(standins: StandIns) -> list[Any]:
    """The messages that nobody has acknowledged."""
    return standins.stores["gmail"].all("gmail_pubsub_messages")


def test_each_change_is_heard_of_and_its_message_acknowledged(standins: StandIns, open_client: Open) -> None:
    with listening_to(open_client()) as ear:
        until(lambda: ear.heard >= 2 and not waiting(standins))  # the beginning, and the message of the watch
        for _ in range(3):
            before = ear.heard
            deliver(standins)
            until(lambda before=before: ear.heard > before and not waiting(standins))  # type: ignore[misc]


def test_the_end_comes_at_once_while_a_pull_waits(standins: StandIns, open_client: Open) -> None:
    client, pulls = open_client(), asked(standins, PULL)
    ear = Ear(client)
    until(lambda: asked(standins, PULL, pulls) >= 2)  # the first has the message of the watch
    began_at = time.monotonic()
    ear.end()
    assert time.monotonic() - began_at < 5, "a pull at the stand-in takes 20 seconds"
    assert ear.error is not None


@pytest.mark.parametrize(
    "text", ['{"emailAddress": "eve@example.org", "historyId": 1}', "", "[]", '{"historyId": "-1"}', "x" * 10_000]
)
def test_what_a_message_says_does_not_count(standins: StandIns, open_client: Open, text: str) -> None:
    client = open_client()
    with listening_to(client) as ear:
        until(lambda: ear.heard >= 2 and not waiting(standins))
        before, seen = ear.heard, client.history.here()
        control(standins, publish=[text])
        until(lambda: ear.heard > before and not waiting(standins))
        assert (ear.error, client.history.here()) == (None, seen)


def test_the_watch_is_renewed_in_time_and_otherwise_not(
    standins: StandIns, open_client: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, pulls = asked(standins, WATCH), asked(standins, PULL)
    with listening_to(open_client()):
        for pull in range(2, 5):  # the first has the message of the watch
            until(lambda pull=pull: asked(standins, PULL, pulls) >= pull)  # type: ignore[misc]
            deliver(standins)
        assert asked(standins, WATCH, before) == 1
    monkeypatch.setattr(push, "_AGAIN_SECONDS", 0)
    with listening_to(open_client()):
        until(lambda: asked(standins, WATCH, before) >= 4)


def test_a_watch_with_another_topic_is_replaced(standins: StandIns, open_client: Open) -> None:
    other = f"{PROJECT}/topics/other"
    control(standins, topics=[other])
    url = f"{standins['gmail'].origin}{WATCH}"
    headers = {"authorization": f"Bearer {standins['gmail'].token}"}
    standins.controls.post(url, json={"topicName": other}, headers=headers).raise_for_status()
    stopped = asked(standins, STOP)
    with listening_to(open_client()) as ear:
        until(lambda: ear.heard >= 2)
        deliver(standins)
        until(lambda: ear.heard >= 3)
    assert asked(standins, STOP, stopped) == 1


def test_messages_that_came_in_the_meantime_wake_once(standins: StandIns, open_client: Open) -> None:
    client = open_client()
    with listening_to(client) as ear:
        until(lambda: ear.heard >= 2)
    for _ in range(50):
        deliver(standins)
    assert len(waiting(standins)) >= 50
    with listening_to(client) as ear:
        until(lambda: not waiting(standins))
        assert ear.heard <= 3


def rules(**given: Any) -> Callable[[StandIns], None]:
    return lambda standins: control(standins, **given)


def fault(match: str, **given: Any) -> Callable[[StandIns], None]:
    return lambda standins: standins.faults("gmail", match=match, **given)


def google_error(status: int, message: str, reason: str) -> str:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}]
    return httpx.Response(200, json={"error": {"code": status, "message": message, "details": details}}).text


DISABLED = google_error(403, "Cloud Pub/Sub API has not been used in project 1 before.", "SERVICE_DISABLED")
MISSING = {
    "no subscription": (
        SUBSCRIPTION + "-2",
        rules(),
        "Cloud Pub/Sub answered 404: Resource not found",
        f"Create the subscription {SUBSCRIPTION}-2",
    ),
    "it may not be seen": (SUBSCRIPTION, fault(f"GET /v1/{SUBSCRIPTION}", status=403), "answered 403", "Subscriber"),
    "it may not be pulled": (SUBSCRIPTION, rules(consumer=False), "", "Subscriber"),
    "the API is off": (SUBSCRIPTION, fault("/v1/projects", status=403, body=DISABLED), "not been used", "Enable"),
    "Gmail may not publish": (SUBSCRIPTION, rules(publisher=False), "not authorized", push.PUBLISHER),
    "the topic is of another project": (
        SUBSCRIPTION,
        rules(subscription={"topic": "projects/other/topics/mail"}),
        "Invalid topicName",
        "the project of your OAuth client",
    ),
    "the topic is gone": (SUBSCRIPTION, rules(subscription={"topic": "_deleted-topic_"}), "deleted", "anew"),
    "it is detached": (SUBSCRIPTION, rules(subscription={"detached": True}), "detached", "anew"),
    "it pushes": (
        SUBSCRIPTION,
        rules(subscription={"pushConfig": {"pushEndpoint": "https://example.org"}}),
        "another place",
        "the type Pull",
    ),
}


@pytest.mark.parametrize(("subscription", "spoil", "said", "remedy"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_said_with_its_remedy_by_the_check_and_by_the_polls(
    standins: StandIns,
    open_client: Open,
    subscription: str,
    spoil: Callable[[StandIns], None],
    said: str,
    remedy: str,
) -> None:
    client = open_client(subscription)
    spoil(standins)
    ear = Ear(client)
    until(lambda: ear.error is not None)
    ear.end()
    assert isinstance(ear.error, PushFailed)
    assert said in ear.error.message
    assert remedy in ear.error.remedy
    assert client.push.trouble == f"New mail is found by polling only. {ear.error.message} {ear.error.remedy}"
    assert all(line.ok for line in client.check())
    spoil(standins)
    [line] = client.look_closer(NOW)
    assert (line.what, line.ok, line.field) == ("new mail", False, "push_subscription")
    assert said in line.text
    assert remedy in line.text


def test_what_was_missing_is_no_longer_said_once_it_is_there(standins: StandIns, open_client: Open) -> None:
    client = open_client()
    control(standins, publisher=False)
    ear = Ear(client)
    until(lambda: client.push.trouble)
    ear.end()
    control(standins, publisher=True)
    with listening_to(client):
        until(lambda: not client.push.trouble)
    assert [(line.what, line.ok) for line in client.look_closer(NOW)] == [("new mail", True)]


def test_without_a_subscription_nothing_is_asked(standins: StandIns, open_client: Open) -> None:
    client, before = open_client(""), standins.requests("gmail")
    ear = Ear(client)
    until(lambda: ear.error is not None)
    ear.end()
    assert isinstance(ear.error, InvalidRequest)
    assert (client.push.trouble, client.look_closer(NOW)) == ("", [])
    assert standins.requests("gmail") == before


def test_a_service_that_is_down_is_not_called_missing(standins: StandIns, open_client: Open) -> None:
    client = open_client()
    standins.faults("gmail", match="/v1/projects", status=503)
    ear = Ear(client)
    until(lambda: ear.error is not None)
    ear.end()
    assert isinstance(ear.error, Unavailable)
    assert client.push.trouble == ""


@pytest.mark.parametrize("answer", [[], 5, {"receivedMessages": 7}, {"receivedMessages": [{}]}, b"<html>"])
def test_an_answer_that_makes_no_sense_is_an_error_of_the_service(
    scripted: Scripted, http: httpx.Client, answer: Any
) -> None:
    scripted.then(200, {"topic": TOPIC}).then(200, {"expiration": "1"}).then(200, answer)
    settings = GmailSettings(token=SecretStr("t" * 20), base_url=scripted.url, push_subscription=SUBSCRIPTION)
    with pytest.raises(ServiceError):
        GmailClient(settings, http).push.listen(lambda: None)


def test_empty_answers_that_come_at_once_are_not_asked_for_in_a_loop(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, {"topic": TOPIC}).then(200, {"expiration": "1"}).then(200, {})
    settings = GmailSettings(token=SecretStr("t" * 20), base_url=scripted.url, push_subscription=SUBSCRIPTION)
    began_at = time.monotonic()
    with listening_to(GmailClient(settings, http)):
        until(lambda: len(scripted.seen) >= 5)
        assert time.monotonic() - began_at > 1.9, "two pulls take two seconds"


@pytest.mark.parametrize("name", ["mail", "projects/p/topics/mail", f"{SUBSCRIPTION}/x", f"{SUBSCRIPTION}?a=b", "../x"])
def test_only_the_whole_name_of_a_subscription_is_one(name: str) -> None:
    with pytest.raises(ValidationError):
        GmailSettings(push_subscription=name)


def test_the_sign_in_asks_for_pubsub_only_where_it_is_wanted_and_mail_is_read_without_it(
    standins: StandIns, open_client: Open, tmp_path: Path
) -> None:
    origin, seen = standins["gmail"].origin, []

    def consenting(url: str) -> None:
        seen.append(parse_qs(urlsplit(url).query)["scope"][0])
        browser(url)

    def signed_in(subscription: str) -> GmailClient:
        way, wanted = (GmailClient.sign_in_for({"push_subscription": one}) for one in (subscription, SUBSCRIPTION))
        assert way is not None
        assert wanted is not None
        info = way.sign_in(client_secret(tmp_path, origin), consenting, origin).info
        file = tmp_path / f"{len(seen)}.json"
        SignInFile(file, GMAIL_APP).save(info)
        lacks = wanted.facts(info, NOW).lacks
        assert (lacks == "") == bool(subscription)
        return open_client(SUBSCRIPTION, token=None, token_file=file)

    without, with_it = signed_in(""), signed_in(SUBSCRIPTION)
    assert seen == [
        "https://www.googleapis.com/auth/gmail.modify",
        "https://www.googleapis.com/auth/gmail.modify https://www.googleapis.com/auth/pubsub",
    ]
    assert all(line.ok for line in without.check())
    [line] = without.look_closer(NOW)
    assert not line.ok
    assert "Sign in again" in line.text
    assert [line.ok for line in with_it.look_closer(NOW)] == [True]
    with listening_to(with_it) as ear:
        until(lambda: ear.heard >= 2)
        deliver(standins)
        until(lambda: ear.heard >= 3)
