"""An earlier run as a store of answers: its steps by what they stood for, whatever their position in a list was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.runner.frames import Frame
from engine.runner.values import Values

Place = tuple[str, ...]
"""A step without indexes (`each_mail.task`), then the key of each item around it, outermost first."""


def place_of(path: str, keys: Mapping[str, str | None]) -> Place:
    """Return the place of a run path; `keys`: of each item of the run, by its run path."""
    names, found, begun = [], [], 0
    for position, letter in enumerate(path):
        if letter == "[":
            names.append(path[begun:position])
        elif letter == "]":
            begun = position + 1
            if begun < len(path):  # the last index names the item itself, which is told from its loop by "[]"
                found.append(_key(path, begun, keys))
    tail = f"[]{_key(path, begun, keys)}" if path.endswith("]") else path[begun:]
    return ("".join([*names, tail]), *found)


def _key(path: str, end: int, keys: Mapping[str, str | None]) -> str:
    key = keys.get(path[:end])
    return path[path.rindex("[", 0, end) + 1 : end - 1] if key is None else str(key)


def keys_of(run: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the key of every item of a run, by run path."""
    return {step["path"]: step["key"] for step in run["steps"] if step["path"].endswith("]")}


def places(run: Mapping[str, Any]) -> dict[Place, Mapping[str, Any]]:
    """Return the steps of a run document by place; of items with one key the first."""
    keys, found = keys_of(run), dict[Place, Mapping[str, Any]]()
    for step in run["steps"]:
        found.setdefault(place_of(step["path"], keys), step)
    return found


def place_in(frame: Frame, node_path: str) -> Place:
    """Return the place of a step of a run that is at work."""
    return (node_path, *(str(turn.index) if turn.key is None else turn.key for turn in frame.turns))


class EarlierRun:
    """The log of a run, and the large values beside it."""

    def __init__(self, run: Mapping[str, Any], logs: Path) -> None:
        self.run_id: str = run["run_id"]
        self.prompts: Mapping[str, Any] = run["definition"].get("prompts") or {}
        self._accounts: Mapping[str, Any] = run["accounts"]
        self._default_mode = "demo" if run["demo"] else "mine"
        self._values = Values(logs, self.run_id)
        self._steps = places(run)

    def step(self, place: Place) -> Mapping[str, Any] | None:
        """Return what the run tells of a step, None where it did not come to it."""
        return self._steps.get(place)

    def mode(self, connection: str | None) -> str | None:
        """Return whose account stood behind a connection: "demo" or "mine"."""
        if connection is None:
            return self._default_mode
        account = self._accounts.get(connection)
        return None if account is None else str(account["mode"])

    def loaded(self, value: Any) -> Any:
        """Return a value with what lies in files of its own. Raises InvalidFile."""
        return self._values.loaded(value)
