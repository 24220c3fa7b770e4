"""Large values of a run: kept once as a file under their hash, named by reference in events and logs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from engine.files import write_whole
from engine.names import run_day

LARGE_BYTES = 256 * 1024


class Values:
    """The `<run_id>.files` folder of one run."""

    def __init__(self, logs: Path, run_id: str) -> None:
        self._folder = logs / run_day(run_id) / f"{run_id}.files"

    def stored(self, value: Any) -> Any:
        """Return the value with each text over 256 KB, or the whole if it is larger, replaced by a reference."""
        if isinstance(value, str):
            return self._reference(value, "text/plain") if _is_large(value) else value
        if isinstance(value, dict):
            value = {key: self.stored(inner) for key, inner in value.items()}
        elif isinstance(value, list):
            value = [self.stored(inner) for inner in value]
        return value

    def whole(self, value: Any) -> Any:
        """Return the value as it is if it is small, else a reference to all of it as JSON."""
        value = self.stored(value)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return self._reference(text, "application/json") if _is_large(text) else value

    def loaded(self, value: Any) -> Any:
        """Return the value with every reference of this run replaced by what it stands for."""
        if isinstance(value, list):
            return [self.loaded(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"$file", "bytes", "media_type"}:
            return self._content(value)
        return {key: self.loaded(inner) for key, inner in value.items()}

    def _content(self, reference: dict[str, Any]) -> Any:
        data = (self._folder / Path(reference["$file"]).name).read_bytes()
        text = data.decode()
        return self.loaded(json.loads(text)) if reference["media_type"] == "application/json" else text

    def _reference(self, text: str, media_type: str) -> dict[str, Any]:
        data = text.encode()
        digest = hashlib.sha256(data).hexdigest()
        path = self._folder / digest
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
        return {"$file": f"{self._folder.name}/{digest}", "bytes": len(data), "media_type": media_type}


def _is_large(text: str) -> bool:
    # A character takes four bytes at most: short texts need not be encoded to know.
    return len(text) * 4 > LARGE_BYTES and len(text.encode()) > LARGE_BYTES
