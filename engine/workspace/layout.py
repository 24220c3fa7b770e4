"""What was changed by hand in a workflow's drawing: `<name>.layout.json`, by path where steps are and how they look.

Places are kept as distances from the automatic ones: a step that is added above moves all below it, and those that were
moved by hand stay beside their neighbours.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.base.step_tree import step_nodes
from engine.documents.json_file import read

Positions: TypeAlias = dict[str, list[float]]
"""[x, y] in pixels from the automatic place, to the right and downwards, by path."""
LAYOUT_VERSION = 2
"""In files of version 1 the positions were those on another drawing; they are not read."""
FARTHEST = 100_000
SMALLEST, LARGEST = 40, 4_000
COLORS = ("blue", "green", "yellow", "orange", "pink", "gray")
ICONS = (
    "mail", "chat", "notifications", "call", "person", "group", "calendar_month", "schedule", "description", "folder",
    "image", "database", "table_chart", "bar_chart", "payments", "shopping_cart", "code", "bug_report", "search",
    "translate", "public", "lock", "flag", "star",
)  # fmt: skip
"""Names of Material Symbols, which the dashboard's pages have."""


@dataclass(frozen=True)
class StepLook:
    """How a step is drawn, where that is not automatic."""

    size: list[float] | None = None
    """[width, height] in pixels."""
    icon: str = ""
    """One of ICONS, or an emoji."""
    color: str = ""
    """One of COLORS."""


Looks: TypeAlias = dict[str, StepLook]
"""Looks of steps, by path."""


@dataclass(frozen=True)
class Drawing:
    """What a layout file has."""

    positions: Positions = field(default_factory=dict)
    looks: Looks = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the content of the file; {} if all is automatic."""
        looks = {path: {key: one for key, one in asdict(look).items() if one} for path, look in self.looks.items()}
        parts = {"positions": self.positions, "looks": looks}
        kept = {key: part for key, part in parts.items() if part}
        return {"schema_version": LAYOUT_VERSION, **kept} if kept else {}


def kept_layout(path: Path) -> Drawing:
    """Return what a layout file has; nothing of it if it is missing or damaged: all is drawn automatically then."""
    try:
        layout = read(path).value
        if layout["schema_version"] != LAYOUT_VERSION:
            return Drawing()
        positions, looks = layout.get("positions", {}).items(), layout.get("looks", {}).items()
    except (InvalidFile, KeyError, TypeError, AttributeError):
        return Drawing()
    return Drawing(
        {step: list(xy) for step, xy in positions if _is_place(xy)},
        {step: look for step, one in looks if (look := _kept_look(one)) != StepLook()},
    )


def checked_positions(
    given: Mapping[str, Sequence[float] | None], paths: Sequence[str]
) -> dict[str, list[float] | None]:
    """Return the positions if each is None or [x, y] of an existing step. Raises UnknownName, InvalidInput."""
    for step, xy in given.items():
        if xy is None:
            continue
        if step not in paths:
            raise UnknownName("step", step, paths)
        if not _is_place(xy):
            raise InvalidInput(
                f"{xy!r} is not a position for the step {step!r}.",
                remedy=f"Give [x, y], pixels from the automatic place: two numbers from -{FARTHEST} to {FARTHEST}.",
                field=step,
            )
    return {step: None if xy is None else list(xy) for step, xy in given.items()}


def changed_looks(looks: Looks, given: Mapping[str, Mapping[str, Any]], paths: Sequence[str]) -> Looks:
    """Return the looks with what is given for each step: `size`, `icon`, `color`; None or "" makes it automatic.

    Raises UnknownName (a step), InvalidInput.
    """
    now = dict(looks)
    for step, changes in given.items():
        if step not in paths and any(changes.values()):
            raise UnknownName("step", step, paths)
        for name, value in changes.items():
            if value and not _FITS[name](value):
                raise InvalidInput(
                    f"{value!r} is not {_WORDS[name]} for the step {step!r}.", remedy=_REMEDIES[name], field=step
                )
        values: dict[str, Any] = {name: value or _AUTOMATIC[name] for name, value in changes.items()}
        now[step] = replace(now.get(step, StepLook()), **values)
    return {step: look for step, look in now.items() if look != StepLook()}


def step_paths(document: object) -> dict[str, str]:
    """Return {id: path} of the steps of a workflow."""
    return {node.step.id: node.path for node in step_nodes(document)}


def carried(layout: Drawing, before: Mapping[str, str], after: Mapping[str, str]) -> Drawing:
    """Return the layout with the paths that steps have now; `before` and `after`: {id: path}.

    A step that was removed keeps its place and its look, should it come back.
    """
    moved = {path: after[step] for step, path in before.items() if step in after}
    return Drawing(_followed(layout.positions, moved), _followed(layout.looks, moved))


_Kept = TypeVar("_Kept")


def _followed(kept: Mapping[str, _Kept], moved: Mapping[str, str]) -> dict[str, _Kept]:
    taken = set(moved.values())
    others = {path: one for path, one in kept.items() if path not in moved and path not in taken}
    return others | {moved[path]: one for path, one in kept.items() if path in moved}


def _kept_look(one: Mapping[str, Any]) -> StepLook:
    if not isinstance(one, Mapping):
        return StepLook()
    return StepLook(**{name: one[name] for name, fits in _FITS.items() if one.get(name) and fits(one[name])})


def _is_place(xy: Any) -> bool:
    return _are_numbers(xy, -FARTHEST, FARTHEST)


def _is_size(size: Any) -> bool:
    return _are_numbers(size, SMALLEST, LARGEST)


def _are_numbers(given: Any, least: float, most: float) -> bool:
    return isinstance(given, list | tuple) and len(given) == 2 and all(_is_number(one, least, most) for one in given)


def _is_number(one: Any, least: float, most: float) -> bool:
    is_number = isinstance(one, int | float) and not isinstance(one, bool)
    return is_number and math.isfinite(one) and least <= one <= most


def _is_icon(icon: Any) -> bool:
    return isinstance(icon, str) and (icon in ICONS or _is_emoji(icon))


_EMOJI = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}"  # a flag
    "|[0-9#*]\ufe0f?\u20e3"
    "|(.)\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*(?:\u200d(.)\ufe0f?[\U0001f3fb-\U0001f3ff]?)*)"
)


def _is_emoji(text: str) -> bool:
    """Return whether a text is one emoji, also of several parts (UTS #51): 📮, 👩‍💻, 🇩🇪."""
    found = _EMOJI.fullmatch(text)
    return found is not None and all(_is_pictured(one) for one in found.groups() if one is not None)


def _is_pictured(character: str) -> bool:
    return character >= "\u2190" and (
        unicodedata.category(character) in {"So", "Sm"} or "\U0001f000" <= character <= "\U0001faff"
    )


_FITS = {"size": _is_size, "icon": _is_icon, "color": COLORS.__contains__}
_AUTOMATIC = asdict(StepLook())
_WORDS = {"size": "a size", "icon": "an icon", "color": "a color"}
_REMEDIES = {
    "size": f"Give [width, height] in pixels: two numbers from {SMALLEST} to {LARGEST}.",
    "icon": f"Give one emoji, or one of {', '.join(ICONS)}.",
    "color": f"Give one of {', '.join(COLORS)}.",
}
