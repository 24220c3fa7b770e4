"""What is told of one step of a run, by its events while it is open and by its log after that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.runner.values import Values
from engine.runs.document import document
from engine.runs.run_log import RunLogs
from engine.store.run_rows import RunRows


def told_arguments(rows: RunRows, logs: RunLogs, run_id: str, path: str) -> Mapping[str, Any]:
    """Return the arguments of a step, values that lie in files included; {} where its run is not known any more.

    Raises InvalidFile where its log, or a value that lies in a file, cannot be read.
    """
    row, events = rows.with_events(run_id)
    is_open = row is not None and row.acceptance is not None
    run = document(json.loads(row.acceptance), events) if row is not None and is_open else logs.read(run_id)
    steps = [step for step in run["steps"] if step["path"] == path] if run is not None else []
    arguments: Mapping[str, Any] = Values(logs.folder, run_id).loaded((steps[-1]["arguments"] if steps else None) or {})
    return arguments
