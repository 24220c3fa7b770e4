"""The contract of announcements, kept by PostgreSQL's NOTIFY and by each broker; and what only brokers promise."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import nats
import pytest
from nats.errors import NoServersError
from nats.js.errors import NotFoundError

from engine.base.errors import InvalidFile, InvalidInput
from engine.store.postgres.announcements import NotifiedAnnouncements
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.sql.base.announcements import Announcements
from engine.store.sql.opening import open_database
from engine.store.taskiq.announcements import BrokerAnnouncements
from engine.workspace.config import load
from tests import postgres
from tests.brokers import BROKERS, require
from tests.engine.store.one_schema import emptied
from tests.few import rare
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port
from tests.road import Road

pytestmark = pytest.mark.service
Open = Callable[[], Announcements]


@pytest.fixture
def database() -> Iterator[PostgresStateDatabase]:
    with emptied() as opened:
        yield opened


@pytest.fixture
def name() -> Iterator[str]:
    """Of the workspace: messages of two do not mix."""
    name = f"test-{secrets.token_hex(6)}"
    yield name
    asyncio.run(forgotten_by_nats(name))


async def forgotten_by_nats(name: str) -> None:
    """Delete a stream; RabbitMQ forgets what nobody uses by itself."""
    with suppress(OSError, NoServersError, NotFoundError):
        client = await nats.connect("nats://127.0.0.1:4222", allow_reconnect=False)
        try:
            await client.jetstream().delete_stream(name)
        finally:
            await client.close()


@pytest.fixture(params=list(BROKERS))
def url(request: pytest.FixtureRequest) -> str:
    """A broker; the test is skipped where none answers."""
    found, port, called = BROKERS[request.param]
    require(port, called)
    return found


@pytest.fixture
def opened() -> Iterator[list[Announcements]]:
    """What is closed in the end."""
    found: list[Announcements] = []
    yield found
    for one in found:
        one.close()


@pytest.fixture(params=["postgres", *BROKERS])
def open_one(
    request: pytest.FixtureRequest, database: PostgresStateDatabase, name: str, opened: list[Announcements]
) -> Open:
    """Open the announcements of another process."""

    def open_one() -> Announcements:
        if request.param == "postgres":
            opened.append(NotifiedAnnouncements(database.server))
        else:
            opened.append(BrokerAnnouncements(BROKERS[request.param][0], name))
        return opened[-1]

    if request.param != "postgres":
        require(*BROKERS[request.param][1:])
    return open_one


def announced(database: PostgresStateDatabase, by: Announcements, count: int = 1) -> None:
    """Announce in a transaction."""
    with database.inserting() as cursor:
        by.announce(cursor, count)
    by.committed()


def listening(one: Announcements) -> Announcements:
    """Wait once, so that it is connected and has heard what there was before."""
    while one.wait(0.3, takes=True):
        pass
    return one


def test_who_waits_hears_of_runs_once_they_are_on_disk(database: PostgresStateDatabase, open_one: Open) -> None:
    sender, hearer = open_one(), listening(open_one())
    with database.inserting() as cursor:
        sender.announce(cursor, 1)
        assert not hearer.wait(0.3, takes=True)
    sender.committed()
    until(lambda: hearer.wait(1.0, takes=True), "the announcement")


def test_nothing_is_heard_where_nothing_was_announced(database: PostgresStateDatabase, open_one: Open) -> None:
    sender, hearer = open_one(), listening(open_one())
    with database.inserting() as cursor:
        cursor.execute("SELECT 1")
    sender.committed()
    assert not hearer.wait(0.5, takes=True)


def test_each_of_several_that_wait_hears_of_many_runs(database: PostgresStateDatabase, open_one: Open) -> None:
    sender, hearers = open_one(), [listening(open_one()) for _ in range(3)]
    announced(database, sender, 3)
    for one in hearers:
        until(partial(one.wait, 1.0, takes=True), "its announcement")


def test_a_process_announces_to_itself(database: PostgresStateDatabase, open_one: Open) -> None:
    one = listening(open_one())
    announced(database, one)
    until(lambda: one.wait(1.0, takes=True), "its own announcement")


def test_closed_it_neither_fails_nor_waits_for_ever(database: PostgresStateDatabase, open_one: Open) -> None:
    sender, never_used = listening(open_one()), open_one()
    announced(database, sender)
    for one in (sender, never_used):
        one.close()
        one.close()


# --- what a broker promises beyond


def test_one_run_wakes_one_process(
    database: PostgresStateDatabase, url: str, name: str, opened: list[Announcements]
) -> None:
    opened += [BrokerAnnouncements(url, name) for _ in range(4)]
    sender, *hearers = opened
    for one in hearers:
        listening(one)
    heard: list[bool] = []
    threads = [threading.Thread(target=lambda one=one: heard.append(one.wait(1.0, takes=True))) for one in hearers]
    for thread in threads:
        thread.start()
    announced(database, sender)
    for thread in threads:
        thread.join()
    assert sorted(heard) == [False, False, True]


def test_a_process_at_work_leaves_announcements_to_others(
    database: PostgresStateDatabase, url: str, name: str, opened: list[Announcements]
) -> None:
    opened += [BrokerAnnouncements(url, name) for _ in range(3)]
    sender, busy, idle = opened
    listening(busy)
    announced(database, sender)
    until(lambda: busy.wait(1.0, takes=True), "the run that it works on from now on")
    for _ in range(3):
        announced(database, sender)
        until(lambda: idle.wait(1.0, takes=True), "an announcement for the other one")


def test_what_failed_to_be_stored_stops_nothing(
    database: PostgresStateDatabase, url: str, name: str, opened: list[Announcements]
) -> None:
    opened += [BrokerAnnouncements(url, name) for _ in range(2)]
    sender, hearer = opened[0], listening(opened[1])
    with suppress(RuntimeError), database.inserting() as cursor:
        sender.announce(cursor, 1)
        raise RuntimeError
    assert not hearer.wait(0.3, takes=True)
    announced(database, sender)
    until(lambda: hearer.wait(1.0, takes=True), "the announcement")


# aio-pika never awaits one of its own coroutines if its connection is cut while it is being closed.
@pytest.mark.filterwarnings("ignore:.*RobustConnection.close:pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_goes_and_comes_back_is_found_again(
    database: PostgresStateDatabase, url: str, name: str, opened: list[Announcements], caplog: pytest.LogCaptureFixture
) -> None:
    host, port, own_port = "127.0.0.1", urlsplit(url).port or 0, free_port()
    road = Road(host, port, own_port)
    opened += [BrokerAnnouncements(url.replace(str(port), str(own_port)), name) for _ in range(2)]
    sender, hearer = opened[0], listening(opened[1])
    announced(database, sender)
    until(lambda: hearer.wait(1.0, takes=True), "the announcement")
    road.close()
    with caplog.at_level(logging.WARNING, "engine.store.taskiq"):
        began = time.monotonic()
        for _ in range(5):
            announced(database, sender)
            assert not hearer.wait(0.2, takes=True)
        assert time.monotonic() - began < 30, "nobody is held up by it"
        until(lambda: "they may wait for a second" in caplog.text, "the warning")
    assert "guest:guest" not in caplog.text
    road = Road(host, port, own_port)

    def heard_again() -> bool:
        announced(database, sender)
        return hearer.wait(0.5, takes=True)

    until(heard_again, "an announcement by the new connections")
    road.close()


@pytest.mark.parametrize(
    ("is_silent", "scheme"),
    [
        pytest.param(False, "nats", id="refused-nats"),
        rare(True, "nats", id="silent-nats"),
        rare(False, "amqp", id="refused-amqp"),
        pytest.param(True, "amqp", id="silent-amqp"),
    ],
)
def test_a_broker_that_does_not_answer_holds_nobody_up(
    database: PostgresStateDatabase, scheme: str, name: str, caplog: pytest.LogCaptureFixture, *, is_silent: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1] if is_silent else free_port()
        one = BrokerAnnouncements(f"taskiq+{scheme}://user:s3kret@127.0.0.1:{port}", name)
        announced(database, one)
        until(lambda: not one.wait(0.5, takes=True) and "they may wait for a second" in caplog.text, "the warning")
        assert not one.wait(1.5, takes=True)  # it is tried again meanwhile
        began = time.monotonic()
        one.close()
        assert time.monotonic() - began < 10
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1, "once, not at each try"
    assert "s3kret" not in caplog.text


def test_what_is_announced_just_before_the_end_is_heard(
    database: PostgresStateDatabase, url: str, name: str, opened: list[Announcements]
) -> None:
    hearer, sender = BrokerAnnouncements(url, name), BrokerAnnouncements(url, name)
    opened.append(hearer)
    listening(hearer)
    announced(database, sender)
    sender.close()
    until(lambda: hearer.wait(1.0, takes=True), "the announcement")


def test_who_would_take_no_run_takes_no_announcement(
    database: PostgresStateDatabase, url: str, name: str, opened: list[Announcements]
) -> None:
    opened += [BrokerAnnouncements(url, name) for _ in range(3)]
    sender, full, free = opened
    for _ in range(5):
        announced(database, sender)
        assert not full.wait(0.1, takes=False)
        until(lambda: free.wait(1.0, takes=True), "an announcement for the process with free slots")


def test_a_run_that_is_on_disk_is_accepted_whatever_becomes_of_its_announcement(
    database: PostgresStateDatabase, url: str, name: str, opened: list[Announcements], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    sender, hearer = BrokerAnnouncements(url, name), BrokerAnnouncements(url, name)
    opened += [sender, hearer]
    listening(hearer)
    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", refused)
        announced(database, sender)
    announced(database, sender)
    until(lambda: hearer.wait(1.0, takes=True), "an announcement once there are threads again")
    sender.close()
    announced(database, sender)


def test_a_process_ends_although_a_name_is_still_being_looked_up(name: str) -> None:
    code = f"""if True:
        import socket, time
        socket.getaddrinfo = lambda *_, **__: time.sleep(60)
        from engine.store.taskiq.announcements import BrokerAnnouncements
        one = BrokerAnnouncements("taskiq+nats://slow.invalid:4222", {name!r})
        one.wait(0.5, takes=True)
        one.close()
    """
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_SECONDS)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "url",
    [
        "taskiq+kafka://user:s3kret@127.0.0.1",
        "nats://user:s3kret@127.0.0.1",
        "taskiq+nats://",
        "taskiq+nats://[::1",
        "taskiq+amqp://user:s3k/ret@127.0.0.1/",
        "taskiq+amqp://user:s3k#ret@127.0.0.1/",
        "taskiq+nats://user:one@127.0.0.1,nats://user:s3kret@127.0.0.2",
    ],
)
def test_an_address_of_no_broker_is_an_error_that_does_not_show_it(url: str, name: str) -> None:
    with pytest.raises(InvalidInput, match="is not the address of a broker") as raised:
        BrokerAnnouncements(url, name)
    assert "s3k" not in f"{raised.value} {raised.value.remedy}"


def test_a_setting_that_is_no_address_is_refused_without_its_password(tmp_path: Path) -> None:
    for name in ("queue", "state", "cache"):
        (tmp_path / "config.yaml").write_text(f"{name}: http://user:s3k/ret@db.example.org/x\n")
        with pytest.raises(InvalidFile) as raised:
            load(tmp_path)
        said = " ".join(f"{one.message} {one.remedy}" for one in raised.value.problems)
        assert "http://…@db.example.org/x" in said
        assert "s3k" not in said


def test_a_state_in_a_file_needs_no_broker(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the state is a file") as raised:
        open_database(tmp_path, "", "taskiq+nats://127.0.0.1:4222")
    assert "PostgreSQL" in raised.value.remedy


def test_processes_of_one_state_share_a_name_that_no_other_has(tmp_path: Path, url: str) -> None:
    with ExitStack() as end:
        state, another = end.enter_context(postgres.schema()), end.enter_context(postgres.schema())
        one, two, other = [
            end.enter_context(closing(open_database(tmp_path, each, url))) for each in (state, state, another)
        ]
        for hearer in (two, other):
            while hearer.wait_for_runs(0.3):
                pass
        with one.inserting() as cursor:
            one.announce_runs(cursor)
        until(lambda: two.wait_for_runs(1.0), "the announcement of the same state")
        assert not other.wait_for_runs(0.3)
