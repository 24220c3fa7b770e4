"""Runs that update what an earlier run made: only where the arguments differ, once, and safely broken off."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from clients.errors import InvalidRequest, NotFound
from engine.record.types.step import ReceiptRecord
from engine.runner.effects.job import Done, Job
from tests.engine.runner.notes import AFTER, BEFORE, Bench, Board, Try, World, gone

HERE = ("run-1", "note")


def board(on: Bench, run_id: str, text: str, **more: Any) -> Job:
    """A note that can be changed, in a run that updates."""
    return on.job(run_id, text=text, **{"step_type": Board(), "receipts": "update", **more})


async def written(on: Bench, text: str = "old") -> Done:
    on.told[HERE] = {"text": text}
    return await on.make(board(on, "run-1", text))


def effect_of(done: Done) -> Any:
    assert done.effect is not None
    return done.effect


def test_other_arguments_update_what_was_made(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        first = effect_of(await written(on))
        done = await on.make(board(on, "run-2", "new"))
        assert (effect_of(done)["reused"], effect_of(done)["updated"]) == (False, True)
        assert (done.output["text"], effect_of(done)["receipt"]) == ("new", first["receipt"])
        (update, marker) = world.updates[0]
        assert (update.arguments, update.receipt.id, update.marker) == ({"text": "old"}, "1", marker)
        again = await on.make(board(on, "run-3", "new"))
        assert effect_of(again)["reused"]
        assert "note" not in effect_of(again)
        assert again.output == done.output

    attempt(test)
    assert (world.sent, len(world.updates), len(world.notes)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("receipts", "step_type", "text", "note"),
    [
        pytest.param("update", "board", "old", None, id="equal-arguments"),
        pytest.param("update", "note", "new", "cannot be updated", id="a-step-that-cannot"),
        pytest.param("reuse", "board", "new", "kept, arguments differ", id="a-run-that-does-not"),
        pytest.param("reuse", "note", "new", "cannot be updated", id="a-step-that-cannot-in-a-run-that-does-not"),
        pytest.param("reuse", "note", "old", None, id="plain"),
    ],
)
def test_else_the_receipt_is_reused(
    attempt: Try, world: World, receipts: str, step_type: str, text: str, note: str | None
) -> None:
    async def test(on: Bench) -> None:
        await written(on)
        more = {} if step_type == "board" else {"step_type": type(on.job().step_type)()}
        done = effect_of(await on.make(board(on, "run-2", text, receipts=receipts, **more)))
        assert (done["reused"], done.get("note")) == (True, note)

    attempt(test)
    assert (world.sent, world.updates) == (1, [])


def test_an_update_in_doubt_is_made_again(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        await written(on)
        world.faults = [(gone(), AFTER), (gone(), BEFORE)]
        done = await on.make(board(on, "run-2", "new"))
        assert effect_of(done)["updated"]

    attempt(test)
    assert len(world.updates) == 3
    assert [text for _, text in world.notes] == ["new"]


@pytest.mark.parametrize(
    ("fault", "is_known"),
    [
        pytest.param((InvalidRequest("422", outcome="not_done"), BEFORE), True, id="refused"),
        pytest.param((NotFound("404", outcome="not_done"), BEFORE), True, id="gone"),
        pytest.param((gone(), AFTER), False, id="in-doubt"),
    ],
)
def test_an_update_that_fails_keeps_the_receipt(attempt: Try, world: World, fault: Any, *, is_known: bool) -> None:
    async def test(on: Bench) -> None:
        await written(on)
        world.faults = [fault, fault, fault]
        with pytest.raises(type(fault[0])):
            await on.make(board(on, "run-2", "new"))
        world.faults = []
        entry = await on.entry(board(on, "run-2", "new"))
        assert (entry.state, entry.receipt) == ("done", ReceiptRecord(id="1", url="notes/1"))
        assert (entry.run_id, entry.path) == HERE  # still that of the run which made it, and may undo it
        # What it holds now is only known where the update certainly did nothing.
        done = effect_of(await on.make(board(on, "run-3", "old")))
        assert done["reused"] is is_known

    attempt(test)


def test_an_update_that_a_crash_broke_off_is_made_again_or_let_be(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        await written(on)
        dead = board(on, "dead", "half")
        assert dead.write is not None
        assert await on.ledger.effects.begin_update(dead.write, await on.entry(dead))
        on.told["dead", "note"] = {"text": "half"}
        kept = effect_of(await on.make(board(on, "run-2", "old", receipts="reuse")))
        assert (kept["reused"], kept["note"]) == (True, "kept, arguments differ")
        done = await on.make(
            board(on, "run-3", "old")
        )  # the very arguments of the first: it must be written all the same
        assert effect_of(done)["updated"]

    attempt(test)
    assert (world.sent, len(world.updates)) == (1, 1)


def test_an_update_in_flight_is_waited_for_when_its_run_is_cancelled(attempt: Try, world: World) -> None:
    async def test(on: Bench) -> None:
        await written(on)
        world.entered.clear()
        world.gate = threading.Event()
        task = asyncio.ensure_future(on.make(board(on, "run-2", "new")))
        await asyncio.to_thread(world.entered.wait, 20)
        task.cancel()
        await asyncio.sleep(0.05)
        world.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert effect_of(await on.make(board(on, "run-3", "new")))["reused"]

    attempt(test)
    assert len(world.updates) == 1
