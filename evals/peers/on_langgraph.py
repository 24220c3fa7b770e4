"""LangGraph with its SQLite checkpointer, `durability="sync"`: a checkpoint is on disk before the next step starts."""

from __future__ import annotations

import itertools
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, TypedDict

from evals.peers.task import Peer, main

_THREADS = 16


class _State(TypedDict):
    n: int


class LangGraph(Peer):
    """One graph per length; each run has a thread of its own in the checkpointer."""

    def __init__(self, folder: Path, lengths: tuple[int, ...]) -> None:
        super().__init__(folder, lengths)
        connection = sqlite3.connect(folder / "checkpoints.db", check_same_thread=False)
        self._connection = connection
        saver = import_module("langgraph.checkpoint.sqlite").SqliteSaver(connection)
        self._graphs = {steps: _graph(steps, saver) for steps in lengths}
        self._numbers = itertools.count()

    def run(self, steps: int) -> None:
        """Run a chain."""
        config = {"configurable": {"thread_id": str(next(self._numbers))}, "recursion_limit": steps + 10}
        found = self._graphs[steps].invoke({"n": 0}, config, durability="sync")
        assert found == {"n": steps}

    def run_many(self, count: int, steps: int) -> None:
        """Run chains in threads: LangGraph has no scheduler."""
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(self.run, itertools.repeat(steps, count)))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _graph(steps: int, saver: Any) -> Any:
    graph = import_module("langgraph.graph").StateGraph(_State)
    names = [f"s{number}" for number in range(steps)]
    for name in names:
        graph.add_node(name, _step)
    for one, other in itertools.pairwise(["__start__", *names, "__end__"]):
        graph.add_edge(one, other)
    return graph.compile(checkpointer=saver)


def _step(state: _State) -> _State:
    return {"n": state["n"] + 1}


if __name__ == "__main__":
    main(LangGraph)
