"""Logs of runs that have just started: written in half a second, unless the run has ended by then."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import StorageError
from engine.record.run_log import RunLogs
from engine.runner.execution import log_writer
from engine.runner.execution.log_writer import LogWriter
from engine.store.blobs.disk import DiskBlobs


class _Load:
    """Logs that are requested soon, and which of them were written in which order."""

    def __init__(self, root: Path) -> None:
        self.writer = LogWriter(RunLogs(DiskBlobs(root)))
        self.written: list[str] = []

    def soon(self, run_id: str, error: Exception | None = None) -> None:
        """Request a log, whose writing may fail."""
        self.writer.write_soon(run_id, partial(self._write, run_id, error))

    def _write(self, run_id: str, error: Exception | None) -> asyncio.Future[Any]:
        self.written.append(run_id)
        if error is not None:
            raise error
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


@pytest.mark.slow
def test_each_first_log_waits_for_its_own_half_second(tmp_path: Path) -> None:
    """Under steady load, nearly every run would otherwise have its log written twice."""

    async def load() -> None:
        made = _Load(tmp_path)
        made.soon("first")
        await asyncio.sleep(log_writer._SOON_SECONDS / 2)
        made.soon("second")
        await asyncio.sleep(log_writer._SOON_SECONDS * 0.75)
        assert made.written == ["first"]
        await asyncio.sleep(log_writer._SOON_SECONDS / 2)
        assert made.written == ["first", "second"]
        await made.writer.finished()

    asyncio.run(load())


@pytest.mark.slow
def test_a_log_that_is_requested_again_and_again_keeps_its_turn(tmp_path: Path) -> None:
    """Else a busy run would have none, and nor would those that began after it."""

    async def load() -> None:
        made = _Load(tmp_path)
        made.soon("busy")
        made.soon("other")
        for _ in range(8):
            await asyncio.sleep(log_writer._SOON_SECONDS / 4)
            if "busy" not in made.written:
                made.soon("busy")
        assert made.written == ["busy", "other"]

    asyncio.run(load())


@pytest.mark.slow
@pytest.mark.parametrize("is_closing", [False, True])
def test_a_log_that_cannot_be_written_does_not_keep_others_from_the_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_closing: bool
) -> None:
    """A bug is reported; what the store cannot do now is tried again when the run ends."""

    async def load() -> None:
        made = _Load(tmp_path)
        made.soon("away", StorageError("The state is away."))
        made.soon("bad", ValueError("This event cannot be read."))
        made.soon("good")
        if is_closing:
            await made.writer.finished()
        else:
            await asyncio.sleep(log_writer._SOON_SECONDS * 2)
            made.soon("later")
            await asyncio.sleep(log_writer._SOON_SECONDS * 2)
        assert made.written == ["away", "bad", "good", "later"][: 3 if is_closing else 4]

    asyncio.run(load())
    assert [one.getMessage() for one in caplog.records] == ["the first log of run bad cannot be written"]
