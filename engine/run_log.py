"""The log file of each run: `logs/<yyyy-mm-dd>/<run_id>.json`, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.errors import InvalidFile
from engine.files import storage_errors, write_whole
from engine.jsonfile import read
from engine.names import RUN_ID, run_day

_LARGEST_LOG_BYTES = 512 * 1024 * 1024


class RunLogs:
    """The `logs/` folder of a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, run_id: str) -> Path:
        """Return where the log of a run lies."""
        return self.folder / run_day(run_id) / f"{run_id}.json"

    def write(self, run: Mapping[str, Any]) -> Path:
        """Write the document of a run; it is on disk when this returns. Raises StorageError."""
        path = self.path(run["run_id"])
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(run, ensure_ascii=False, indent=2) + "\n")
        return path

    def read(self, run_id: str) -> dict[str, Any] | None:
        """Return the document of a run, None where there is no file. Raises InvalidFile."""
        path = self.path(run_id)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError, RecursionError):
            read(path)  # says where it is broken
            raise InvalidFile(f"{path} cannot be read.") from None
        if not isinstance(document, dict) or document.get("run_id") != run_id:
            raise InvalidFile(f"{path} is not the log of run {run_id}.", remedy="Move the file away.")
        return document

    def run_ids(self) -> Iterator[str]:
        """Give the id of every run that has a log file, oldest first."""
        for day in sorted(self.folder.glob("????-??-??")):
            for path in sorted(day.glob("*.json")):
                if RUN_ID.match(path.stem):
                    yield path.stem
