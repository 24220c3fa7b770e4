"""Messages that would stop all others: `orchestra ingress` as a process, real brokers, and a valid message behind."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pamqp import decode

from engine.ingress.bodies import Bodies
from engine.ingress.brokers import nats, nats_pull, rabbitmq
from engine.ingress.brokers.amqp_values import UNREADABLE, accept_any
from engine.ingress.brokers.broker import BrokerLost, BrokerMessage, Unsendable
from engine.ingress.consumer import Consumer, _until_done
from engine.ingress.orders import OrderRefused, Outcome
from engine.ingress.topic_consumer import TopicConsumer
from engine.orchestra import Orchestra
from tests.engine.ingress.servers import Cable, Nats, RabbitMQ, Raw, pause
from tests.engine.ingress.test_brokers import REPOSITORY, body, configured, consuming, scene, started
from tests.few import every, rare

SECONDS = 45
"""How long a message may wait: undecodable headers of NATS are noticed after 10, and come again after 60 or so."""
STOP_SECONDS = 10
Taking = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def taking(root: Path, tmp_path: Path) -> Iterator[Taking]:
    """Start `orchestra ingress` as a process; it is killed after the test if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        environment = {**os.environ, "ORCHESTRA_WORKSPACE": str(root)}
        command = [sys.executable, "-m", "cli", "ingress", "--demo"]
        with (tmp_path / "err").open("w") as err:
            started.append(subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=err, text=True))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()


async def taken(orchestra: Orchestra, process: subprocess.Popen[str], *numbers: int) -> None:
    """Wait until these messages have runs, then stop the process; it must stop quickly."""
    ends_at = time.monotonic() + SECONDS
    while not set(numbers) <= started(orchestra).keys() and time.monotonic() < ends_at:
        assert process.poll() is None, "it has ended"
        await pause()
    await asyncio.sleep(1)  # for the acknowledgement
    process.send_signal(signal.SIGTERM)
    try:
        code = await asyncio.to_thread(process.wait, STOP_SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    assert (sorted(started(orchestra)), code) == (sorted(numbers), 0)


def test_a_body_that_leaves_no_room_for_the_error_stays_in_a_file(
    root: Path, orchestra: Orchestra, taking: Taking, tmp_path: Path
) -> None:
    server = configured(Nats(), root)
    poison = b"x" * (1_048_576 - 40)

    async def test() -> None:
        await server.send(poison)
        await server.send(body(1))
        await taken(orchestra, taking(), 1)
        assert await server.left() == 0
        [(letter, error)] = await server.dead()
        assert (letter, error["type"]) == (b"", "InvalidInput")
        kept = error["body"]
        assert (kept["size_bytes"], kept["sha256"]) == (len(poison), hashlib.sha256(poison).hexdigest())
        assert kept["from"].startswith(f"{server.topics.topic}/1/")
        file = root / kept["file"]
        assert (file.read_bytes(), file.stat().st_mode & 0o777) == (poison, 0o600)
        assert kept["file"] in (tmp_path / "err").read_text()

    scene(server, test)


def test_a_stream_that_takes_less_gets_a_dead_letter_without_the_body(
    root: Path, orchestra: Orchestra, taking: Taking
) -> None:
    server = configured(Nats(), root)
    letters = server.topics.dead_letters

    async def test() -> None:
        await server._stream.add_stream(name=letters.replace(".", "-"), subjects=[letters], max_msg_size=4_096)
        await server.send(b"x" * 5_000)
        await server.send(body(1))
        await taken(orchestra, taking(), 1)
        assert await server.left() == 0
        [(letter, error)] = await server.dead()
        assert (letter, error["body"]["size_bytes"]) == (b"", 5_000)

    scene(server, test)


def test_a_key_as_long_as_a_frame_is_cut_in_the_dead_letter(root: Path, orchestra: Orchestra, taking: Taking) -> None:
    server = configured(RabbitMQ(), root)

    async def test() -> None:
        await server.send_with(b"not json", headers={"orchestra-key": "k" * 130_900})
        await server.send(body(1), "id-1")
        await taken(orchestra, taking(), 1)
        assert await server.left() == 0
        [letter] = await server.letters()
        assert (letter.body, letter.headers["orchestra-key"]) == (b"not json", "k" * 200)

    scene(server, test)


RAW: dict[str, dict[str, Any]] = {
    "id": {"message_id": Raw("\xff")},
    "long id": {"message_id": Raw("\xff" * 255)},
    "kind": {"message_type": Raw("\xff")},
    "routing key": {"routing_key": Raw("\xff")},
    "name of a header": {"headers": {Raw("\xff"): "x"}},
    "value of a header": {"headers": {"orchestra-key": bytearray(b"\xff")}},
}


@pytest.mark.parametrize("name", every(3, RAW))
@pytest.mark.parametrize("content", [b"not json", body(7, idempotency_key="seven")], ids=["bad", "good"])
def test_what_is_not_utf8_does_not_cost_the_connection(
    root: Path, orchestra: Orchestra, taking: Taking, name: str, content: bytes
) -> None:
    server = configured(RabbitMQ(), root)

    async def test() -> None:
        await server.send_with(content, **RAW[name])
        await server.send(body(1), "id-1")
        is_run = content != b"not json" and name != "name of a header"
        await taken(orchestra, taking(), 1, *([7] if is_run else []))
        assert await server.left() == 0
        assert [one.body for one in await server.letters()] == ([] if is_run else [content])

    scene(server, test)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"NATS/1.0 404 No Messages\r\n\r\n", id="a status"),
        rare(b"NATS/1.0 500 no\r\n\r\n", id="an error"),
        rare(b"NATS/1.0 503\r\n\r\n", id="not available"),
        pytest.param(b"NATS/1.0\r\nOrchestra-Key: \xff\r\nNats-Msg-Id: \xff\r\n\r\n", id="not UTF-8"),
    ],
)
def test_a_header_of_nats_that_only_servers_write_loses_no_message(
    root: Path, orchestra: Orchestra, taking: Taking, header: bytes
) -> None:
    server = configured(Nats(), root)

    async def test() -> None:
        await server.send_raw(header, body(7))
        await server.send(body(1))
        await taken(orchestra, taking(), 7, 1)
        assert await server.left() == 0
        assert await server.dead() == []

    scene(server, test)


def test_a_header_of_nats_that_cannot_be_decoded_stops_no_others(
    root: Path, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats, "_ACK_SECONDS", 12.0)
    monkeypatch.setattr(nats_pull, "_WATCH_SECONDS", 0.3)
    monkeypatch.setattr(nats_pull, "_SILENCE_SECONDS", 1.0)
    server = configured(Nats(), root)

    async def test() -> None:
        await server.send(body(0))
        await server.send_raw(b"NATS/1.0 \xff\r\n\r\n", body(7), purge=False)
        for number in range(1, 4):
            await server.send(body(number))
        async with consuming(orchestra):
            while set(range(4)) != started(orchestra).keys():
                await pause()
            await server.send(body(4))
            while 4 not in started(orchestra):
                await pause()
            await asyncio.sleep(0.5)
        assert await server.left() == 1, "the one that cannot be decoded remains"

    scene(server, test)


def test_a_client_that_its_server_has_closed_ends_the_process_with_one_line(
    root: Path, orchestra: Orchestra, taking: Taking, tmp_path: Path
) -> None:
    server = configured(Nats(), root)

    async def test() -> None:
        cable = Cable(4222)
        async with cable as port:
            file = root / "config.yaml"
            file.write_text(file.read_text().replace("127.0.0.1:4222", f"127.0.0.1:{port}"))
            process = taking()
            await server.send(body(1))
            while 1 not in started(orchestra):
                await pause()
            told_at = time.monotonic()
            cable.tell(b"-ERR 'Slow Consumer'\r\n")
            code = await asyncio.to_thread(process.wait, SECONDS)
            assert time.monotonic() - told_at < STOP_SECONDS
        assert code != 0
        assert "Traceback" not in (err := (tmp_path / "err").read_text())
        assert "The connection to NATS was closed: nats: slow consumer." in err.splitlines()[-1]

    scene(server, test)


def test_a_connection_that_ends_again_and_again_at_a_frame_ends_the_process(
    root: Path, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if there were something else that cannot be decoded."""
    server = configured(RabbitMQ(), root)
    monkeypatch.setattr(rabbitmq, "accept_any", lambda: None)
    for kind, strict in (("shortstr", decode.short_str), ("table", decode.field_table)):
        monkeypatch.setitem(decode.METHODS, kind, strict)

    async def test() -> None:
        await server.send_with(b"{}", message_id=Raw("\xff"))
        with pytest.raises(BrokerLost, match="can't decode byte 0xff"):
            await orchestra.ingress.run(asyncio.Event(), lambda: None)

    scene(server, test)


def test_a_time_or_a_table_that_cannot_be_decoded_is_passed_over() -> None:
    accept_any()
    accept_any()
    assert decode.by_type(b"\x7f" * 8 + b"rest", "timestamp") == (8, None)
    deep = b""
    for _ in range(5_000):
        deep = b"\x01kF" + len(deep).to_bytes(4) + deep
    consumed, table = decode.by_type(len(deep).to_bytes(4) + deep + b"rest", "table")
    assert (consumed, list(cast("dict[str, str]", table))) == (4 + len(deep), [UNREADABLE])
    assert decode.by_type(b"\x02ok", "shortstr") == (3, "ok")


def test_only_the_newest_bodies_are_kept(tmp_path: Path) -> None:
    bodies = Bodies(tmp_path / "state" / "dead-letters")
    for number in range(103):
        kept = bodies.keep(str(number).encode())
        os.utime(bodies.folder / kept.sha256, (number, number))
    assert {one.read_bytes() for one in bodies.folder.iterdir()} == {str(one).encode() for one in range(3, 103)}
    assert kept.file == f"state/dead-letters/{hashlib.sha256(b'102').hexdigest()}"
    assert bodies.folder.stat().st_mode & 0o777 == 0o700


class Refusing:
    """A broker that takes no dead letter of some size, or none at all, and whose connection breaks at the first."""

    def __init__(self, most: int) -> None:
        self.most, self.sent, self.calls = most, list[tuple[BrokerMessage, str]](), 0

    async def send_dead(self, message: BrokerMessage, error: str) -> None:
        """Refuse it for ever, fail once, or take it."""
        self.calls += 1
        if len(message.body) > self.most:
            raise Unsendable("Too large.")
        if self.calls == 2:
            raise OSError("gone")
        self.sent.append((message, error))


@pytest.mark.parametrize("most", [100, 0, -1], ids=["small ones", "without a body", "nothing"])
def test_a_refusal_for_ever_is_acknowledged_and_logged(
    tmp_path: Path, most: int, caplog: pytest.LogCaptureFixture
) -> None:
    broker, anything = Refusing(most), cast("Any", None)
    bodies = Bodies(tmp_path / "dead-letters")
    topic = TopicConsumer(anything, anything, anything, "workflows")
    consumer = Consumer(cast("Any", broker), topic, anything, bodies, anything, anything)
    refused = OrderRefused("InvalidInput", "ä" * 5_000, "\N{GRINNING FACE}" * 5_000)
    whole, small = BrokerMessage(b"x" * 101, "", "k" * 1_000, "i" * 1_000), BrokerMessage(b"", "place")
    unanswered: list[tuple[BrokerMessage, Outcome]] = [(whole, refused), (small, refused)]
    asyncio.run(_until_done(lambda: consumer._answer(unanswered)))
    assert unanswered == []
    assert [len(one.body) for one, _ in broker.sent] == ([] if most < 0 else [0, 0])
    assert all(len(error) < 3_700 for _, error in broker.sent)
    assert (bodies.folder / hashlib.sha256(whole.body).hexdigest()).read_bytes() == whole.body
    assert ("There is no dead letter of it" in caplog.text) == (most < 0)
