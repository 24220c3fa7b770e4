"""New mail in Gmail starts its run at once where the connection has a Pub/Sub subscription, as the engine uses it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.gmail.pubsub import SUBSCRIPTION
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from engine.triggering import listening
from tests.clients.test_gmail_oauth import browser, client_secret
from tests.clients.test_gmail_push import PULL, WATCH, asked, control, deliver, waiting
from tests.conftest import StandIns
from tests.patience import until

OWNER = Principal("ann", "owner", confirmed=True)
MISSING = f"{SUBSCRIPTION}-2"
Serve = Callable[..., Orchestra]


@pytest.fixture
def serve(tmp_path: Path, standins: StandIns) -> Iterator[Serve]:
    """Serve a workspace with a workflow that new mail starts; it is polled once an hour unless told otherwise."""
    root = tmp_path / "w"
    for folder in ("workflows", "prompts", "logs"):
        (root / folder).mkdir(parents=True)
    with contextlib.ExitStack() as stack:

        def opened(subscription: str = SUBSCRIPTION, poll_seconds: float = 3600, *names: str) -> Orchestra:
            where = standins["gmail"]
            connection = {"service": "gmail", "token": "env:GMAIL_TOKEN", "base_url": where.base_url}
            settings = {"connections": {"gmail": {**connection, "push_subscription": subscription}}}
            (root / "config.yaml").write_text(yaml.safe_dump(settings))
            (root / ".env").write_text(f'GMAIL_TOKEN="{where.token}"\n', encoding="utf-8")
            triggers = [
                {
                    "id": f"t{number}",
                    "uses": one,
                    "poll_seconds": poll_seconds,
                    "inputs": {"subject": "{{ item.subject }}"},
                }
                for number, one in enumerate(names or ("gmail.new_message",))
            ]
            inputs = {"type": "object", "properties": {"subject": {"type": "string"}}}
            step = {"id": "note", "uses": "flow.set", "with": {"values": {"subject": "{{ inputs.subject }}"}}}
            document = {"schema_version": 1, "inputs": inputs, "triggers": triggers, "steps": [step]}
            (root / "workflows" / "work.json").write_text(json.dumps(document))
            orchestra = Orchestra.open(root, serve=True)
            stack.callback(orchestra.close)
            orchestra.connections.set_mode(OWNER, "gmail", AccountMode.MINE)
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


def status(orchestra: Orchestra) -> Any:
    return orchestra.triggers.list(OWNER)[0]


def listens(orchestra: Orchestra, standins: StandIns, pulls: int) -> None:
    """Wait until a pull waits for messages, and the poll of the beginning is over: the next is due in an hour."""
    until(lambda: asked(standins, PULL, pulls) >= 2 and not waiting(standins))
    until(lambda: all(one.look_again_at for one in orchestra.triggers.list(OWNER)))
    quiet_since: list[Any] = [time.monotonic(), status(orchestra).looked_at]

    def is_quiet() -> bool:
        if status(orchestra).looked_at != quiet_since[1]:
            quiet_since[:] = [time.monotonic(), status(orchestra).looked_at]
        return bool(time.monotonic() - quiet_since[0] > 1.5)

    until(is_quiet)


def test_mail_starts_its_run_within_three_seconds_although_the_next_poll_is_an_hour_away(
    serve: Serve, standins: StandIns
) -> None:
    pulls = asked(standins, PULL)
    orchestra = serve()
    listens(orchestra, standins, pulls)
    took = []
    for number in range(3):
        came_at = time.monotonic()
        deliver(standins, f"Mail {number}")
        until(lambda number=number: len(subjects(orchestra)) == number + 1)  # type: ignore[misc]
        took.append(time.monotonic() - came_at)
        time.sleep(1.5)  # what comes within a second of a poll waits for the next
    assert subjects(orchestra) == ["Mail 0", "Mail 1", "Mail 2"]
    assert max(took) < 3, took
    assert status(orchestra).error is None


def test_all_triggers_of_a_mailbox_share_one_watch_which_ends_with_the_last_of_them(
    serve: Serve, standins: StandIns
) -> None:
    pulls, watches = asked(standins, PULL), asked(standins, WATCH)
    orchestra = serve(SUBSCRIPTION, 3600, "gmail.new_message", "gmail.new_in_thread", "gmail.new_attachment")
    until(lambda: [len(one.keys) for one in ears(orchestra)] == [3])
    listens(orchestra, standins, pulls)
    deliver(standins)
    until(lambda: subjects(orchestra) == ["Hello", "Hello"])
    for number in range(3):
        orchestra.triggers.turn_off(OWNER, "work", f"t{number}")
    until(lambda: ears(orchestra) == [] and threads() == [])
    assert asked(standins, WATCH, watches) == 1


def test_a_server_that_closes_ends_the_pull_at_once(serve: Serve, standins: StandIns) -> None:
    pulls = asked(standins, PULL)
    orchestra = serve()
    listens(orchestra, standins, pulls)
    began_at = time.monotonic()
    orchestra.close()
    assert threads() == []
    assert time.monotonic() - began_at < listening._CLOSE_SECONDS


def test_forged_messages_only_cause_polls_of_which_there_is_at_most_one_a_second(
    serve: Serve, standins: StandIns
) -> None:
    pulls = asked(standins, PULL)
    orchestra = serve()
    listens(orchestra, standins, pulls)
    before, looks = status(orchestra), standins.requests("gmail").get("GET /gmail/v1/users/me/history", 0)
    began_at = time.monotonic()
    for number in range(60):
        control(standins, publish=[json.dumps({"emailAddress": "eve@example.org", "historyId": 10**9 + number}), "{"])
        time.sleep(0.05)
    until(lambda: not waiting(standins))
    after = status(orchestra)
    assert after.looked_at != before.looked_at
    assert (after.items, after.error, subjects(orchestra)) == (before.items, None, [])
    polls = standins.requests("gmail").get("GET /gmail/v1/users/me/history", 0) - looks
    assert 1 <= polls <= time.monotonic() - began_at + 2
    deliver(standins)
    until(lambda: subjects(orchestra) == ["Hello"])


def test_without_what_it_needs_the_polls_find_the_mail_and_the_trigger_says_what_is_missing(
    serve: Serve, standins: StandIns
) -> None:
    orchestra = serve(MISSING, 1)
    until(lambda: "polling only" in status(orchestra).note)
    deliver(standins)
    until(lambda: subjects(orchestra) == ["Hello"])
    found = status(orchestra)
    assert (found.error, found.state) == (None, "on")
    assert f"Create the subscription {MISSING}" in found.note


def test_a_corrected_setting_counts_at_once(serve: Serve, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_PAUSE_SECONDS", 600)
    pulls = asked(standins, PULL)
    orchestra = serve(MISSING)
    until(lambda: any(one.client is not None and one.client.push.trouble for one in ears(orchestra)))
    orchestra.connections.give_key(OWNER, "gmail", "", {"push_subscription": SUBSCRIPTION})
    listens(orchestra, standins, pulls)
    deliver(standins)
    until(lambda: subjects(orchestra) == ["Hello"])
    assert status(orchestra).note == ""


def test_a_new_sign_in_with_the_missing_scope_counts_at_once(
    serve: Serve, standins: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_PAUSE_SECONDS", 600)
    pulls, orchestra = asked(standins, PULL), serve("")
    connect = orchestra.connections.connect
    file = client_secret(tmp_path, standins["gmail"].origin)
    connect(OWNER, "gmail", "gmail", file, browser)
    assert orchestra.connections.get(OWNER, "gmail").note == ""
    given = orchestra.connections.give_key(OWNER, "gmail", "", {"push_subscription": SUBSCRIPTION})
    assert given.note == "The sign-in does not allow pubsub yet: sign in again."
    until(lambda: any(one.client is not None and "Sign in again" in one.client.push.trouble for one in ears(orchestra)))
    with contextlib.closing(Orchestra.open(tmp_path / "w")) as other:  # as the command line does
        assert other.connections.connect(OWNER, "gmail", "gmail", file, browser).note == ""
    listens(orchestra, standins, pulls)
    deliver(standins)
    until(lambda: subjects(orchestra) == ["Hello"])


def test_a_setting_that_is_taken_back_ends_the_pulls(serve: Serve, standins: StandIns) -> None:
    pulls = asked(standins, PULL)
    orchestra = serve(SUBSCRIPTION, 1)
    until(lambda: asked(standins, PULL, pulls) >= 2)
    given = orchestra.connections.give_key(OWNER, "gmail", "", {"push_subscription": ""})
    assert given.beside_key == {"push_subscription": ""}
    until(lambda: all(one.client is not None and not one.client.push._subscription for one in ears(orchestra)))
    before = asked(standins, PULL)
    deliver(standins)
    until(lambda: subjects(orchestra) == ["Hello"])
    assert asked(standins, PULL) == before
