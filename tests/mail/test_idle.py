"""Mail that is heard of at once: IDLE on a real server, on servers that refuse it, and as the engine uses it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from clients.client import Opening
from clients.deadline import CancellationToken, ended_by
from clients.errors import InvalidRequest, RateLimited, ServiceError, Unavailable
from clients.imap import idle
from clients.imap.client import ImapClient
from clients.imap.idle import listen
from clients.mail_server.settings import ImapSettings
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from engine.triggering import listening
from tests.mail.dovecot import PASSWORD
from tests.mail.mailboxes import deliver, mail
from tests.mail.scripted import IMAP, Answer, ScriptedServer, Talk, cut, imap, serving, then
from tests.patience import PATIENCE_SECONDS, until

OWNER = Principal("ann", "owner", confirmed=True)
CAPABLE = str(IMAP["CAPABILITY"]).replace("IMAP4rev1", "IMAP4rev1 IDLE")


class Ear:
    """Listens in a thread of its own."""

    def __init__(self, client: ImapClient, folder: str = "") -> None:
        self.heard = 0
        self.error: ServiceError | None = None
        self._cancellation = CancellationToken()
        self._thread = threading.Thread(target=self._run, args=(client, folder), daemon=True)
        self._thread.start()

    def _run(self, client: ImapClient, folder: str) -> None:
        with ended_by(self._cancellation):
            try:
                listen(client.mailbox, folder, self._hear)
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
def listening_to(client: ImapClient, folder: str = "") -> Iterator[Ear]:
    ear = Ear(client, folder)
    try:
        yield ear
    finally:
        ear.end()


def test_each_new_mail_is_heard_of_and_the_end_comes_at_once(client: ImapClient) -> None:
    with listening_to(client) as ear:
        until(lambda: ear.heard == 1)
        for number in (2, 3):
            deliver(client, mail())
            until(lambda number=number: ear.heard == number)  # type: ignore[misc]


def test_only_the_folder_counts_and_only_new_mail(client: ImapClient) -> None:
    known = deliver(client, mail())
    with listening_to(client, "Archive") as ear:
        until(lambda: ear.heard == 1)
        deliver(client, mail())
        with client.mailbox.opened("INBOX", for_reading=False) as (session, _):
            session.store(int(known.rpartition(":")[2]), "+FLAGS", ["\\Flagged"])
        deliver(client, mail(), "Archive")
        until(lambda: ear.heard == 2)
        assert ear.heard == 2


def test_it_goes_on_when_idle_is_sent_again(client: ImapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "_AGAIN_SECONDS", 0.5)
    with listening_to(client) as ear:
        until(lambda: ear.heard == 1)  # what comes earlier may be told by the folder's opening alone
        for number in range(2, 6):
            deliver(client, mail())
            until(lambda number=number: ear.heard >= number)  # type: ignore[misc]


def idles(server: ScriptedServer) -> int:
    return sum(b" IDLE" in line for line in server.heard)


def client_of(server: ScriptedServer) -> ImapClient:
    settings: dict[str, Any] = {"address": "ann@example.com", "password": "x", "host": "127.0.0.1"}
    found = ImapClient.open(ImapSettings(**settings, port=server.port, security="none"), Opening())
    server.at_end.append(found.close)
    return found


def done(talk: Talk, tag: bytes) -> None:
    """Wait until the client has enough."""
    assert talk.hear() == b"DONE"
    talk.say(tag + b" OK done")


def test_idle_is_sent_again_in_time_and_what_comes_between_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "_AGAIN_SECONDS", 0.05)
    at_the_end = then("+ idling", lambda talk, _: assert_done(talk), "* 2 EXISTS", "TAG OK done")
    with serving(imap({"CAPABILITY": CAPABLE, "IDLE": at_the_end})) as server, listening_to(client_of(server)) as ear:
        until(lambda: ear.heard >= 3)
        assert len(server.talks) == 1


def assert_done(talk: Talk) -> None:
    assert talk.hear() == b"DONE"


REFUSALS: dict[str, tuple[Mapping[str, Answer], type[ServiceError], str]] = {
    "it is not offered": ({}, InvalidRequest, "does not support IDLE"),
    "it is not understood": ({"CAPABILITY": CAPABLE, "IDLE": "TAG BAD What?"}, InvalidRequest, "What?"),
    "it is refused": ({"CAPABILITY": CAPABLE, "IDLE": "TAG NO Not for you"}, InvalidRequest, "Not for you"),
    "too many connections": (
        {"CAPABILITY": CAPABLE, "IDLE": "TAG NO [LIMIT] Too many connections"},
        RateLimited,
        "Too many connections",
    ),
    "it ends": ({"CAPABILITY": CAPABLE, "IDLE": then("+ idling", "* BYE Restarting", cut)}, Unavailable, "closed"),
}


@pytest.mark.parametrize(("answers", "error", "words"), REFUSALS.values(), ids=REFUSALS)
def test_a_server_without_it_says_so(answers: Mapping[str, Answer], error: type[ServiceError], words: str) -> None:
    with serving(imap(answers)) as server:
        ear = Ear(client_of(server))
        until(lambda: ear.error is not None)
        ear.end()
        assert isinstance(ear.error, error), ear.error
        assert words in ear.error.message


# The engine.

Serve = Callable[..., Orchestra]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve a workspace with a workflow that new mail starts; it is polled once an hour unless told otherwise."""
    root = tmp_path / "w"
    for folder in ("workflows", "prompts", "logs"):
        (root / folder).mkdir(parents=True)
    with contextlib.ExitStack() as stack:

        def opened(settings: Mapping[str, Any], poll_seconds: float = 3600, *names: str) -> Orchestra:
            connection = {"service": "imap", **settings, "password": "env:IMAP_PASSWORD"}
            (root / "config.yaml").write_text(yaml.safe_dump({"connections": {"mailbox": connection}}))
            (root / ".env").write_text(f'IMAP_PASSWORD="{PASSWORD}"\n', encoding="utf-8")
            uses = names or ("imap.new_message",)
            triggers = [
                {
                    "id": f"t{number}",
                    "uses": one,
                    "poll_seconds": poll_seconds,
                    "inputs": {"subject": "{{ item.subject }}"},
                }
                for number, one in enumerate(uses)
            ]
            inputs = {"type": "object", "properties": {"subject": {"type": "string"}}}
            step = {"id": "note", "uses": "flow.set", "with": {"values": {"subject": "{{ inputs.subject }}"}}}
            document = {"schema_version": 1, "inputs": inputs, "triggers": triggers, "steps": [step]}
            (root / "workflows" / "work.json").write_text(json.dumps(document))
            orchestra = Orchestra.open(root, serve=True)
            stack.callback(orchestra.close)
            for trigger in triggers:
                orchestra.triggers.turn_on(OWNER, "work", str(trigger["id"]), Start())
            return orchestra

        yield opened


def subjects(orchestra: Orchestra) -> list[str]:
    """The mails that have started runs."""
    rows = orchestra.runs.list(OWNER, limit=50).rows
    runs: list[Any] = [orchestra.runs.get(OWNER, row.run_id) for row in rows]
    return sorted(run["inputs"]["subject"] for run in runs)


def ears(orchestra: Orchestra) -> list[Any]:
    return list(orchestra._families.triggers.triggering._listening._ears.values())  # type: ignore[union-attr]


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("listening to")]


def polled(orchestra: Orchestra) -> None:
    """Wait until each trigger listens, and has been polled since: the next poll is due in an hour."""
    until(lambda: bool(ears(orchestra)))
    statuses = orchestra.triggers.list(OWNER)
    until(lambda: all(one.look_again_at for one in orchestra.triggers.list(OWNER)))
    assert all(one.is_on for one in statuses)


def test_mail_starts_its_run_at_once_although_the_next_poll_is_an_hour_away(
    serve: Serve, client: ImapClient, mailbox_settings: dict[str, Any]
) -> None:
    orchestra = serve(mailbox_settings)
    polled(orchestra)
    for number in range(3):
        deliver(client, mail(f"Mail {number}"))
        until(lambda number=number: subjects(orchestra) == [f"Mail {one}" for one in range(number + 1)])  # type: ignore[misc]


def test_triggers_of_one_folder_share_a_connection_which_ends_with_the_last_of_them(
    serve: Serve, client: ImapClient, mailbox_settings: dict[str, Any]
) -> None:
    orchestra = serve(mailbox_settings, 3600, "imap.new_message", "imap.new_in_thread")
    until(lambda: [len(one.keys) for one in ears(orchestra)] == [2])
    deliver(client, mail("Hello"))
    until(lambda: subjects(orchestra) == ["Hello", "Hello"])
    orchestra.triggers.turn_off(OWNER, "work", "t0")
    until(lambda: [len(one.keys) for one in ears(orchestra)] == [1])
    orchestra.triggers.turn_off(OWNER, "work", "t1")
    until(lambda: ears(orchestra) == [] and threads() == [])


def test_a_server_that_closes_ends_its_connections(
    serve: Serve, client: ImapClient, mailbox_settings: dict[str, Any]
) -> None:
    orchestra = serve(mailbox_settings)
    until(lambda: bool(ears(orchestra)))
    orchestra.close()
    assert threads() == []


def test_nothing_is_listened_to_while_another_server_watches(
    serve: Serve, client: ImapClient, mailbox_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    orchestra = serve(mailbox_settings)
    until(lambda: bool(ears(orchestra)))
    scheduler = orchestra._families.triggers.triggering._scheduler
    monkeypatch.setattr(scheduler, "_leads", lambda: False)
    until(lambda: ears(orchestra) == [] and threads() == [])


def test_a_connection_that_breaks_is_opened_again(
    serve: Serve, client: ImapClient, mailbox_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_PAUSE_SECONDS", 0.05)
    orchestra = serve(mailbox_settings)
    polled(orchestra)
    [ear] = ears(orchestra)
    watched = orchestra._families.triggers.triggering._resolver.watched(ear.keys[0])
    for wire in [*watched.client._connector._wires]:  # as if the server had closed it
        wire._stream._shut_down()
    deliver(client, mail("Hello"))
    until(lambda: subjects(orchestra) == ["Hello"])


def test_where_the_server_cannot_tell_mail_is_found_by_the_polls(
    serve: Serve, client: ImapClient, mailbox_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[bool] = []

    def unable(*_: object) -> None:
        refused.append(True)
        raise InvalidRequest("The mail server does not support IDLE.", service="imap")

    monkeypatch.setattr("engine.triggers.imap.listen", unable)
    orchestra = serve(mailbox_settings, 1)
    until(lambda: bool(refused))
    deliver(client, mail("Hello"))
    until(lambda: subjects(orchestra) == ["Hello"])
    assert (len(refused), orchestra.triggers.list(OWNER)[0].error) == (1, None)
