"""What each side has changed at the place of a conflict, in sentences."""

from __future__ import annotations

from typing import Any

from engine.workflows.differences.changes import ABSENT, Change, ChangedStep, fields_changed
from engine.workflows.differences.sentences import sentence
from engine.workflows.merging.outline import Outline

_MOST = 4
"""The most changes of a step that are named."""


class ConflictSentences:
    """Describes in sentences what a side has changed since the base."""

    def __init__(self, base: Outline) -> None:
        self._base = base

    def field(self, id_: str, path: tuple[str, ...], before: Any, after: Any) -> str:
        """Return the change of a field; `id_` is "" for one of the workflow."""
        step = _step(self._base, id_) if id_ in self._base.parts else None
        if id_ and step is None:
            step = ChangedStep(id_, id_, "", "", {})
        return sentence(Change("set", step, path, before, after))

    def removed(self, id_: str) -> str:
        """Return the sentence that a step was removed."""
        return sentence(Change("removed", _step(self._base, id_)))

    def moved(self, side: Outline, id_: str) -> str:
        """Return where a side has put a step."""
        if id_ not in side.parts:
            return self.removed(id_)
        return sentence(Change("moved" if id_ in self._base.parts else "added", _step(side, id_)))

    def place(self, side: Outline, id_: str) -> dict[str, str] | None:
        """Return where a step is: {in, after}, None if it is not there."""
        if id_ not in side.parts:
            return None
        step = _step(side, id_)
        return {"in": step.parent, "after": step.previous}

    def changed(self, side: Outline, id_: str) -> str:
        """Return what a side has changed in a step and the steps in it."""
        if id_ not in self._base.parts:
            return sentence(Change("added", _step(side, id_)))
        return self._listed([one for inner in side.inside(id_) for one in self._changes(side, inner)])

    def list_changed(self, side: Outline, home: str) -> str:
        """Return what a side has changed in a list of the workflow."""
        if home not in side.lists:
            return sentence(Change("set", None, (home,), after=side.fields.get(home, ABSENT)))
        return self._listed(
            [one for top in side.lists[home] for id_ in side.inside(top) for one in self._changes(side, id_)]
        )

    def _listed(self, said: list[str]) -> str:
        more = len(said) - _MOST
        return "; ".join([*said[:_MOST], *([f"and {more} more"] if more > 0 else [])])

    def _changes(self, side: Outline, id_: str) -> list[str]:
        step = _step(side, id_)
        if id_ not in self._base.parts:
            return [sentence(Change("added", step))]
        before, now = self._base.parts[id_], side.parts[id_]
        said = [sentence(one) for one in fields_changed(before.fields, now.fields, step)]
        return said if before.home == now.home else [sentence(Change("moved", step)), *said]


def _step(side: Outline, id_: str) -> ChangedStep:
    part = side.parts[id_]
    siblings = side.lists[part.home]
    at = siblings.index(id_)
    return ChangedStep(id_, part.title, part.home, siblings[at - 1] if at else "", {**part.fields, "id": id_})


def shown(value: Any) -> Any:
    """Return the value of a field for a conflict; None if it is absent."""
    return None if value is ABSENT else value
