"""Where the steps of a document are, by id, kept from one edit to the next: what did not change is not read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from engine.base.json_text import JsonObject
from engine.base.step_tree import FAILURE, ON_ERROR, Child, Place, StepDefinition, StepNode, step_node, walk

STEPS = "steps"
_OUTER: tuple[Place, ...] = ((STEPS,), (FAILURE,), (FAILURE, STEPS))
_INNER: tuple[Place, ...] = ((STEPS,), (ON_ERROR, STEPS))


class _Home(NamedTuple):
    """The list that a step is in."""

    around: str
    """The id of the step around it, "" at the top level."""
    place: Place
    """The path of the list, from that step or from the workflow."""


class StepHomes:
    """The steps of a document in which each step has an id of its own."""

    def __init__(self, document: JsonObject, homes: Mapping[str, _Home]) -> None:
        self._document = document
        self._homes = homes
        """The homes by the ids of the steps."""

    def __contains__(self, step: str) -> bool:
        return step in self._homes

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def node(self, step: str) -> StepNode[StepDefinition]:
        """Return a step by its id."""
        home = self._homes[step]
        parent = self.node(home.around) if home.around else None
        entries = _list(self._document if parent is None else parent.step.json, home.place)
        index = next(at for at, one in enumerate(entries) if isinstance(one, Mapping) and one.get("id") == step)
        return step_node(Child(step, StepDefinition(entries[index]), (*home.place, index)), parent)

    def after(self, document: JsonObject) -> StepHomes | None:
        """Return the same for the document after edits, which shares what they left as it was; None if unclear."""
        changes = _Changes()
        changes.compare(self._document, document, "", _OUTER)
        homes = dict(self._homes)
        for step in changes.gone:
            for id_ in ids_inside(step):
                homes.pop(id_, None)
        is_clear = all(_enter(homes, step, home) for step, home in changes.come)
        return StepHomes(document, homes) if is_clear else None


class _Changes:
    """The steps that left a list, and those that came into one."""

    def __init__(self) -> None:
        self.gone: list[JsonObject] = []
        self.come: list[tuple[Any, _Home]] = []

    def compare(self, old: JsonObject, new: JsonObject, around: str, places: Iterable[Place]) -> None:
        """Compare the lists of a step, or of the workflow, before and after."""
        for place in places:
            before, after = _list(old, place), _list(new, place)
            if before is not after:
                self._compare_lists(before, after, _Home(around, place))

    def _compare_lists(self, old: Sequence[Any], new: Sequence[Any], home: _Home) -> None:
        kept = {id(one) for one in old} & {id(one) for one in new}
        gone = {_id(one): one for one in old if id(one) not in kept and isinstance(one, Mapping)}
        for one in new:
            if id(one) in kept or not isinstance(one, Mapping):
                continue
            same = gone.pop(_id(one), None)
            if same is None:
                self.come.append((one, home))
            else:
                self.compare(same, one, _id(one), _INNER)
        self.gone += gone.values()


def step_homes(document: JsonObject) -> StepHomes | None:
    """Return where the steps of a document are; None if one has no id, or the same as another one."""
    return StepHomes({}, {}).after(document)


def ids_inside(step: JsonObject) -> Iterator[str]:
    """Yield the ids of a step and of all steps inside it."""
    yield _id(step)
    for node in walk(StepDefinition(step).inside(), StepDefinition.inside):
        yield node.step.id


def ids_in(holder: JsonObject, key: str) -> Iterator[str]:
    """Yield the ids of all steps in `on_error` of a step, or in `on_failure` of a workflow."""
    for place in {*_OUTER, *_INNER}:
        for step in _list(holder, place) if place[0] == key else ():
            if isinstance(step, Mapping):
                yield from ids_inside(step)


def _enter(homes: dict[str, _Home], step: JsonObject, home: _Home) -> bool:
    """Add a step and all inside it; return whether each has an id of its own."""
    own = _id(step)
    if not own or own in homes:
        return False
    homes[own] = home
    inner = [(one, place) for place in _INNER for one in _list(step, place) if isinstance(one, Mapping)]
    return all(_enter(homes, one, _Home(own, place)) for one, place in inner)


def _list(holder: JsonObject, place: Place) -> Sequence[Any]:
    """Return the steps at a place, [] if there is no list."""
    found: Any = holder
    for part in place:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, list) else _NO_STEPS


def _id(step: JsonObject) -> str:
    id_ = step.get("id")
    return id_ if isinstance(id_, str) else ""


_NO_STEPS: Sequence[Any] = ()
