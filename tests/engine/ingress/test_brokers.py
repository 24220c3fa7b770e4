"""Messages of real brokers: each starts one run, whatever dies in between, and those that cannot are dead letters."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from engine.base.errors import StorageError
from engine.orchestra import Orchestra
from engine.store.runs import RunFilter
from tests.api.conftest import PASSWORD
from tests.engine.conftest import OWNER
from tests.engine.ingress.servers import Cable, Nats, RabbitMQ, Server, pause
from tests.engine.runs.starting.test_admission import entry
from tests.patience import PATIENCE_SECONDS

AnyServer = TypeVar("AnyServer", bound=Server)
REPOSITORY = Path(__file__).resolve().parents[3]
MESSAGES, HALF = 200, 100


@pytest.fixture(params=[Nats, RabbitMQ], ids=["nats", "rabbitmq"])
def server(request: pytest.FixtureRequest, root: Path) -> Server:
    """A broker that the workspace is set up for."""
    server: Server = request.param()
    return configured(server, root)


def configured(server: AnyServer, root: Path) -> AnyServer:
    """Set the workspace up for a broker."""
    path = root / "config.yaml"
    topics = server.topics
    settings = {"url": server.url, "topic": topics.topic, "group": topics.group, "user": "robot"}
    path.write_text(path.read_text().replace("ingress: {user: robot}", f"ingress: {json.dumps(settings)}"))
    opened = Orchestra.open(root)
    opened.users.add(OWNER, "robot", "Robot", "operator", PASSWORD)
    opened.close()
    return server


def body(number: int, **more: Any) -> bytes:
    return json.dumps({"workflow": "work", "inputs": {"number": number}, **more}).encode()


def scene(server: Server, test: Callable[[], Awaitable[None]]) -> None:
    """Run a test on a loop while the other side is connected."""

    async def main() -> None:
        await server.open()
        try:
            await asyncio.wait_for(test(), PATIENCE_SECONDS)
        finally:
            await server.close()

    asyncio.run(main())


@asynccontextmanager
async def consuming(orchestra: Orchestra) -> AsyncIterator[None]:
    """Take messages meanwhile."""
    stop, begun = asyncio.Event(), asyncio.Event()
    work = orchestra.ingress.run(stop, begun.set)
    try:
        await asyncio.wait([work, asyncio.create_task(begun.wait())], return_when=asyncio.FIRST_COMPLETED)
        yield
    finally:
        stop.set()
        await work


def started(orchestra: Orchestra) -> Counter[int]:
    """How often each number has a run."""
    rows = orchestra._families.opened.state.runs.page(RunFilter(started_by="robot"), None, 10_000)
    return Counter(orchestra.runs.get(OWNER, one.run_id)["inputs"]["number"] for one in rows)


def test_each_message_starts_one_run_and_its_status_is_told(server: Server, orchestra: Orchestra) -> None:
    wrong = [b"{", b'{"workflow": "nowhere"}']

    async def test() -> None:
        for number in range(MESSAGES):
            await server.send(wrong[number // HALF] if number % HALF == 7 else body(number), f"id-{number}")
        told: Counter[str] = Counter()
        async with consuming(orchestra):
            while min(told["queued"], told["succeeded"]) < MESSAGES - 2:  # either may be told first
                told.update(one["status"] for one in await server.statuses())
                await pause()
        assert told["queued"] == MESSAGES - 2
        assert await server.left() == 0
        dead = dict(await server.dead())
        assert {text: error["type"] for text, error in dead.items()} == {
            wrong[0]: "InvalidInput",
            wrong[1]: "UnknownName",
        }

    scene(server, test)
    assert started(orchestra) == Counter(number for number in range(MESSAGES) if number % HALF != 7)


def test_a_process_killed_before_it_acknowledges_starts_no_second_run(
    server: Server, root: Path, orchestra: Orchestra
) -> None:
    async def test() -> None:
        for number in range(40):
            await server.send(body(number), f"id-{number}" if isinstance(server, RabbitMQ) else "")
        killed = child(root, "die")
        assert await asyncio.to_thread(killed.wait, PATIENCE_SECONDS) == -signal.SIGKILL
        assert started(orchestra)  # it was killed after the transaction
        assert await server.left() == 40
        await server.statuses()  # of what the first had taken
        second, taken = child(root), 0
        while taken < 40:
            taken += sum(one["status"] == "queued" for one in await server.statuses())
            await pause()
        second.terminate()
        assert await asyncio.to_thread(second.wait, PATIENCE_SECONDS) == 0

    scene(server, test)
    assert started(orchestra) == Counter(range(40))


def child(root: Path, *flags: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.engine.ingress.child", str(root), *flags], cwd=REPOSITORY)


def test_messages_wait_while_too_many_runs_do(server: Server, root: Path) -> None:
    with (root / "config.yaml").open("a") as config:
        config.write("limits: {most_waiting_runs: 1}\n")
    orchestra = Orchestra.open(root)
    waiting = [entry(number) for number in range(3)]
    orchestra._families.work.worker.acceptances.store(waiting)  # accepted, and nobody begins with them

    async def test() -> None:
        await server.send(body(1), "id-1")
        async with consuming(orchestra):
            await asyncio.sleep(2)
            assert not started(orchestra)
            for one in waiting:
                orchestra._families.opened.state.runs.put_down(
                    str(one.run_id), orchestra._families.work.worker.owner.id
                )
            while not started(orchestra):
                await pause()

    try:
        scene(server, test)
    finally:
        orchestra.close()


def test_messages_that_cannot_be_stored_wait_and_none_is_passed_over(
    server: Server, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_at = time.monotonic() + 2
    acceptances = orchestra._families.work.worker.acceptances
    store = acceptances.store

    def full(entries: Any) -> None:
        if time.monotonic() < ends_at:
            raise StorageError("The disk is full.")
        store(entries)

    monkeypatch.setattr(acceptances, "store", full)

    async def test() -> None:
        for number in range(20):
            await server.send(body(number), f"id-{number}")
        async with consuming(orchestra):
            while len(started(orchestra)) < 20 or await server.left():
                await pause()

    scene(server, test)
    assert started(orchestra) == Counter(range(20))


def test_messages_go_on_after_the_connection_was_cut(server: Server, root: Path) -> None:
    cable = Cable(4222 if isinstance(server, Nats) else 5672)

    async def test() -> None:
        async with cable as port:
            file = root / "config.yaml"
            file.write_text(re.sub(r"127\.0\.0\.1:(4222|5672)", f"127.0.0.1:{port}", file.read_text()))
            orchestra = await asyncio.to_thread(Orchestra.open, root)
            try:
                async with consuming(orchestra):
                    for number in range(3):
                        await server.send(body(number), f"id-{number}")
                        while number not in started(orchestra):
                            await pause()
                        cable.cut()
                assert started(orchestra) == Counter(range(3))
            finally:
                await asyncio.to_thread(orchestra.close)

    scene(server, test)
