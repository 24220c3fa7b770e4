"""The installed packages, for people: what each adds, and why some are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from engine.packages.in_force import OFF, Added, packages
from engine.packages.installed import KINDS, installed
from engine.people.access import Principal, require
from engine.plugins.step import Role, StepType, fields_schema

PluginState = Literal["in force", "switched off", "left out"]


@dataclass(frozen=True)
class PluginPart:
    """One thing that a package adds."""

    kind: str
    """`service`, `step`, `trigger`, `function` or `page`."""
    name: str
    what: str
    """What it does with text from outside and with accounts, as the package declares it."""


@dataclass(frozen=True)
class Plugin:
    """An installed package."""

    name: str
    version: str
    state: PluginState
    reason: str
    """Why it is not in force, as a sentence; empty if it is."""
    adds: list[PluginPart]
    """Empty if it is not in force: nobody has asked it, or it could not say."""


def plugins(p: Principal) -> list[Plugin]:
    """Return the installed packages, by name."""
    require(p, "view", "see the plugins")
    now = packages()
    added = {one.package.name: one for one in now.added}
    found = []
    for package in installed():
        reason = now.left_out.get(package.name, "")
        state: PluginState = "in force" if not reason else "switched off" if reason == OFF else "left out"
        parts = list(_parts(added[package.name])) if package.name in added else []
        found.append(Plugin(package.name, package.version, state, reason, parts))
    return found


def _parts(added: Added) -> Iterator[PluginPart]:
    for kind in KINDS:
        known: Any = {} if kind == "pages" else getattr(added, kind)
        for name in added.names(kind):
            yield PluginPart(kind.removesuffix("s"), name, _what(known.get(name)))


def _what(thing: Any) -> str:
    """Return what a step type does, the service of a trigger type, or what a function is for."""
    if not isinstance(thing, StepType):
        return str(getattr(thing, "doc", "") or getattr(thing, "title", "") or "")
    known = fields_schema(thing.fields).get("properties", {})
    filled = [f"`{name}`" for name, one in known.items() if one.get("role") == Role.CONTENT]
    said = f"{thing.effect}; text from outside may fill {', '.join(filled) or 'nothing'}"
    return f"{said}; account: {thing.service}" if thing.service else said
