"""DBOS on SQLite: the output of each step is a row before the next step starts."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import Any

from evals.peers.task import Peer, main


class Dbos(Peer):
    """One workflow for chains of any length; DBOS itself schedules many runs at once."""

    def __init__(self, folder: Path, lengths: tuple[int, ...]) -> None:
        super().__init__(folder, lengths)
        self._dbos = import_module("dbos").DBOS
        self._dbos(
            config={
                "name": "bench",
                "system_database_url": f"sqlite:///{folder / 'dbos.db'}",
                "run_admin_server": False,
                "log_level": "ERROR",
            }
        )
        logging.getLogger("dbos").setLevel(logging.ERROR)
        self._chain = _chain(self._dbos)
        self._dbos.launch()

    def run(self, steps: int) -> None:
        """Run a chain."""
        assert self._chain(steps) == steps

    def run_many(self, count: int, steps: int) -> None:
        """Start workflows and wait for each."""
        handles = [self._dbos.start_workflow(self._chain, steps) for _ in range(count)]
        assert all(handle.get_result() == steps for handle in handles)

    def close(self) -> None:
        """Stop its threads."""
        self._dbos.destroy()


def _chain(dbos: Any) -> Any:
    @dbos.step()  # type: ignore[untyped-decorator]
    def step(n: int) -> int:
        return n + 1

    @dbos.workflow()  # type: ignore[untyped-decorator]
    def chain(steps: int) -> int:
        n = 0
        for _ in range(steps):
            n = int(step(n))
        return n

    return chain


if __name__ == "__main__":
    main(Dbos)
