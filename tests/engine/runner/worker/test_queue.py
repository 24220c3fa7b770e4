"""The contract of the port of the queue, and a worker that copes with the worst queue that keeps it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from engine.runner.worker.queue import LocalQueue, WorkQueue
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, write_workflow
from tests.engine.runner.worker.careless_queue import CarelessQueue
from tests.patience import PATIENCE_SECONDS, until


@pytest.fixture(params=[LocalQueue, CarelessQueue])
def queue(request: pytest.FixtureRequest) -> WorkQueue:
    """A queue to which nothing was put."""
    made: WorkQueue = request.param()
    return made


async def _comes(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_whatever_any_thread_puts_is_delivered_on_the_loop(queue: WorkQueue) -> None:
    async def story() -> None:
        delivered: set[str] = set()

        def work(run_id: str) -> None:
            assert threading.current_thread() is threading.main_thread()
            delivered.add(run_id)

        queue.work(work)
        queue.put("a")
        await asyncio.to_thread(queue.put_many, ["b", "c"])
        await asyncio.to_thread(queue.put, "d")
        await _comes(lambda: delivered == {"a", "b", "c", "d"})

    asyncio.run(story())


def test_what_is_put_for_later_is_not_delivered_before(queue: WorkQueue) -> None:
    async def story() -> None:
        delivered: dict[str, float] = {}
        queue.work(lambda run_id: delivered.update({run_id: asyncio.get_running_loop().time()}))
        began = asyncio.get_running_loop().time()
        queue.put("later", after_seconds=0.3)
        queue.put("now")
        await _comes(lambda: delivered.keys() == {"later", "now"})
        assert delivered["later"] - began >= 0.3

    asyncio.run(story())


def test_nothing_is_delivered_once_it_is_closed(queue: WorkQueue) -> None:
    async def story() -> None:
        delivered: list[str] = []
        queue.work(delivered.append)
        queue.put("a")
        queue.close()
        queue.put("b", after_seconds=0.05)
        await asyncio.sleep(0.3)
        assert delivered == []

    asyncio.run(story())


def test_the_queue_of_a_process_delivers_once_and_in_order() -> None:
    async def story() -> None:
        queue, delivered = LocalQueue(), list[str]()
        queue.work(delivered.append)
        queue.put_many(["a", "b"])
        queue.put("c")
        assert delivered == []
        await _comes(lambda: len(delivered) >= 3)
        await asyncio.sleep(0.1)
        assert delivered == ["a", "b", "c"]

    asyncio.run(story())


# --- the worker, on a queue that delivers late, in another order, and twice


@pytest.fixture
def careless(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orchestra]:
    """An engine on such a queue."""
    monkeypatch.setattr("engine.orchestra.LocalQueue", CarelessQueue)
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def _ends(orchestra: Orchestra, run_id: str, status: str) -> None:
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == status)


def _delivers_everything(orchestra: Orchestra) -> None:
    queue = orchestra._host._queue
    assert isinstance(queue, CarelessQueue)
    until(lambda: queue.depth() == 0)


def test_each_of_many_runs_is_made_once(careless: Orchestra, root: Path, service: Service) -> None:
    for number in range(20):
        write_workflow(root, f"work{number}", [post_step("w", service.url(f"/{number}"))])
    run_ids = [careless.runs.start(OWNER, f"work{number}", {}) for number in range(20)]
    for run_id in run_ids:
        _ends(careless, run_id, "succeeded")
    _delivers_everything(careless)
    assert dict(service.seen) == {f"/{number}": 1 for number in range(20)}


def test_a_run_goes_on_from_a_wait_and_from_the_run_it_called(
    careless: Orchestra, root: Path, service: Service
) -> None:
    pause = {"id": "pause", "uses": "flow.wait", "with": {"seconds": 0.5}}
    write_workflow(root, "inner", [post_step("w", service.url("/inner")), pause], outputs={"n": "{{ 7 }}"})
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}
    last = set_step("last", {"n": "{{ steps.call.output.n }}"})
    write_workflow(root, "work", [call, pause, post_step("v", service.url("/outer")), last])
    run_id = careless.runs.start(OWNER, "work", {})
    _ends(careless, run_id, "succeeded")
    _delivers_everything(careless)
    run = careless.runs.get(OWNER, run_id)
    assert [step["status"] for step in run["steps"]] == ["succeeded"] * 4
    assert run["steps"][3]["output"] == {"n": 7}
    assert dict(service.seen) == {"/inner": 1, "/outer": 1}


def test_a_run_that_waits_is_not_disturbed_by_a_late_delivery(
    careless: Orchestra, root: Path, service: Service
) -> None:
    write_workflow(root, "work", [{"id": "ask", "uses": "flow.approve", "with": {"message": "Send it?"}}])
    run_id = careless.runs.start(OWNER, "work", {})
    _ends(careless, run_id, "waiting")
    careless._host.start(run_id)
    _delivers_everything(careless)
    _ends(careless, run_id, "waiting")
    assert len(careless.approvals.list(OWNER)) == 1


def test_a_failed_run_that_is_resumed_repeats_nothing(careless: Orchestra, root: Path, service: Service) -> None:
    service.answers = {"/r": [404]}
    write_workflow(root, "work", [post_step("w", service.url("/w")), get_step("r", service.url("/r"))])
    run_id = careless.runs.start(OWNER, "work", {})
    _ends(careless, run_id, "failed")
    careless.runs.resume(OWNER, run_id)
    _ends(careless, run_id, "succeeded")
    _delivers_everything(careless)
    assert dict(service.seen) == {"/w": 1, "/r": 2}


def test_a_run_of_another_process_is_left_to_it(careless: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/r": 0.5}
    write_workflow(root, "work", [get_step("r", service.url("/r")), post_step("w", service.url("/w"))])
    other = Orchestra.open(root)
    try:
        run_id = careless.runs.start(OWNER, "work", {})
        other._host._queue.put(run_id)
        _ends(careless, run_id, "succeeded")
        other._host._queue.put(run_id)
        _delivers_everything(other)
        assert not other._host.is_at_work_on(run_id)
    finally:
        other.close()
    assert dict(service.seen) == {"/r": 1, "/w": 1}
