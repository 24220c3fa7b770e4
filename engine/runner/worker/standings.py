"""The state of the runs that somebody waits for: looked up for all of them together, and not on the event loop."""

from __future__ import annotations

import asyncio

from engine.store.runs import RunStanding, RunStore

_LOOK_SECONDS = 0.05


class Standings:
    """Asks the state once for all who wait. Lives on the engine's loop.

    A first question is answered at once; whoever asks it again waits for a beat, `pause()`.
    """

    def __init__(self, rows: RunStore) -> None:
        self._rows = rows
        self._asked: dict[str, asyncio.Future[RunStanding | None]] = {}
        self._under_way: dict[str, asyncio.Future[RunStanding | None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._beat: asyncio.Future[None] | None = None
        """What callers wait for before they ask again."""

    async def of(self, run_id: str) -> RunStanding | None:
        """Return how a run stands at the next look, None if it has ended or is unknown. Raises StorageError."""
        if run_id not in self._asked:
            self._asked[run_id] = asyncio.get_running_loop().create_future()
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())
        return await asyncio.shield(self._asked[run_id])

    def close(self) -> None:
        """Let nobody wait any longer."""
        if self._looking is not None:
            self._looking.cancel()
        self._end_beat()
        for future in (*self._asked.values(), *self._under_way.values()):
            if not future.done():
                future.set_result(None)

    async def pause(self) -> None:
        """Wait for the next beat. All who ask again do so on it, so that one look answers them together."""
        if self._beat is None:
            loop = asyncio.get_running_loop()
            self._beat = loop.create_future()
            loop.call_later(_LOOK_SECONDS, self._end_beat)
        await asyncio.shield(self._beat)

    def _end_beat(self) -> None:
        beat, self._beat = self._beat, None
        if beat is not None:
            beat.set_result(None)

    async def _look(self) -> None:
        """Look as long as somebody asks."""
        while self._asked:
            self._under_way, self._asked = self._asked, {}
            try:
                found = await asyncio.to_thread(self._rows.standings, list(self._under_way))
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
                for future in self._under_way.values():
                    future.set_exception(error)
            else:
                for run_id, future in self._under_way.items():
                    future.set_result(found.get(run_id))
        self._looking = None
