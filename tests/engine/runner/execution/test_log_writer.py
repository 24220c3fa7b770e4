"""Logs of runs that have just started: written in half a second, unless the run has ended by then."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from engine.blobs.disk import DiskBlobs
from engine.record.run_log import RunLogs
from engine.runner.execution import log_writer
from engine.runner.execution.log_writer import LogWriter


def test_each_first_log_waits_for_its_own_half_second(tmp_path: Path) -> None:
    """Under steady load, nearly every run would otherwise have its log written twice."""
    written: list[str] = []

    def write(run_id: str) -> asyncio.Future[Any]:
        written.append(run_id)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def load() -> None:
        writer = LogWriter(RunLogs(DiskBlobs(tmp_path)))
        writer.write_soon("first", partial(write, "first"))
        await asyncio.sleep(log_writer._SOON_SECONDS / 2)
        writer.write_soon("second", partial(write, "second"))
        await asyncio.sleep(log_writer._SOON_SECONDS * 0.75)
        assert written == ["first"]
        await asyncio.sleep(log_writer._SOON_SECONDS / 2)
        assert written == ["first", "second"]
        await writer.finished()

    asyncio.run(load())
