"""Which commands there are, and where each one lies: only the one that is asked for is imported and built."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

_PLACES = {
    "init": "workspace.init",
    "serve": "serving.serve",
    "login-link": "serving.login_link",
    "run": "run.run",
    "runs": "runs.group",
    "triggers": "triggers.group",
    "approvals": "approvals.group",
    "validate": "workspace.validate",
    "fmt": "workspace.fmt",
    "workflows": "workflows.group",
    "prompts": "prompts.group",
    "connections": "connections.group",
    "users": "users.group",
    "demo": "demo.group",
    "reindex": "workspace.reindex",
    "tokens": "later.refuse",
}
_INSIDE = {
    "runs": {"rerun": "reruns.rerun", "undo": "undo.undo", "diff": "reruns.diff", "prune": "pruning.prune"},
    "prompts": {"test": "later.refuse"},
    "triggers": {name: f"trigger_looks.{name}" for name in ("poll", "dead", "retry", "dismiss")},
}
"""Commands of a group that have a module of their own."""


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": None})
        self.commands = _Built()  # type: ignore[assignment]  # nothing is ever added to it


class _Built(Mapping[str, Any]):
    """Every command by name, each built when it is first looked at."""

    def __getitem__(self, name: str) -> Any:
        if name not in _PLACES:
            raise KeyError(name)
        return _built(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


@cache
def _built(name: str) -> Any:
    found = _found(_PLACES[name])
    command: Any
    if isinstance(found, typer.Typer):
        for inner, place in _INSIDE.get(name, {}).items():
            _add(found, inner, place)
        command = get_group(found)  # also where it has one command only
    else:
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        _add(alone, name, _PLACES[name])
        command = get_command(alone)
    command.name = name
    return command


def _add(group: typer.Typer, name: str, place: str) -> None:
    if place == "later.refuse":
        settings = _found("later.SETTINGS")
        group.command(name, hidden=True, context_settings=settings)(_found(place))
    else:
        group.command(name)(_found(place))


def _found(place: str) -> Any:
    module, _, name = place.partition(".")
    return getattr(importlib.import_module(f"commands.{module}"), name)
