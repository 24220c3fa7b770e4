"""The three-way merge of workflows taken apart: by step, field, and place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, structs

from engine.base.json_text import JsonObject, is_alike
from engine.base.step_tree import FAILURE, ON_ERROR
from engine.workflows.differences.changes import ABSENT
from engine.workflows.merging.conflict_sentences import ConflictSentences, shown
from engine.workflows.merging.conflicts import SIDES, MergeConflict, MergeDecisions, Side, conflict, place
from engine.workflows.merging.ordering import ordered, placed
from engine.workflows.merging.outline import STEPS, Outline, StepOutline, has_steps, homes_of, owner_of, whole_step

_DEFINITION = ("uses", STEPS)
"""Fields that decide what the arguments of a step mean."""


class ThreeWaySides(Struct, frozen=True):
    """The three workflows; steps that were renamed have the same ids in all."""

    base: Outline
    main: Outline
    branch: Outline

    def of(self, side: Side) -> Outline:
        """Return the outline of a side."""
        return self.main if side == "main" else self.branch


def merged(sides: ThreeWaySides, decisions: MergeDecisions) -> Outline:
    """Return `base` with the changes of both sides; conflicts are added to `decisions`."""
    return _Merge(sides, decisions).merged()


def other(side: Side) -> Side:
    """Return the opposite side."""
    return "branch" if side == "main" else "main"


class _Merge:
    def __init__(self, sides: ThreeWaySides, decisions: MergeDecisions) -> None:
        self._sides, self._decisions = sides, decisions
        self._base, self._main, self._branch = sides.base, sides.main, sides.branch
        self._saying = ConflictSentences(sides.base)
        self._whole: dict[str, Side] = {}
        """The side whose definition of a step is taken as a whole."""
        self._place_of: dict[str, Side] = {}
        """The side whose place of a step is taken, because the group that it was in is taken from there."""
        self._failure: Side | None = None
        """The side whose `on_failure` is taken as a whole."""

    def merged(self) -> Outline:
        ids = self._present()
        for id_ in ids:
            self._decide_whole(id_)
        fields = self._workflow_fields()
        homes = self._homes({id_: self._fields(id_) for id_ in ids}, fields)
        parts = {id_: StepOutline(id_, home, self._fields(id_)) for id_, home in homes.items()}
        lists = {home: list[str]() for home in _lists({id_: one.fields for id_, one in parts.items()}, fields)}
        members: dict[str, set[str]] = {home: set() for home in lists}
        for id_, home in homes.items():
            members.setdefault(home, set()).add(id_)
        for home in lists:
            lists[home] = ordered(home, members[home], self._base, self._main, self._branch, self._place)
        self._decisions.require_known()
        found = Outline(fields, parts, lists)
        return Outline(fields, {id_: parts[id_] for home in _tops(lists) for id_ in _walk(found, home)}, lists)

    # --- which steps there are

    def _present(self) -> list[str]:
        """Return the ids of all steps of the result."""
        present = dict.fromkeys([*self._main.parts, *self._branch.parts], True)
        for side in SIDES:
            keeper, remover = self._sides.of(side), self._sides.of(other(side))
            decided = self._lists_gone(side, present)
            gone = [id_ for id_ in keeper.parts if id_ in self._base.parts and id_ not in remover.parts]
            for root in self._roots(gone, keeper):
                if root not in decided:
                    self._remove(root, side, present)
        return [id_ for id_, is_there in present.items() if is_there]

    def _lists_gone(self, side: Side, present: dict[str, bool]) -> set[str]:
        """Decide about each list of steps that only `side` still has and has changed; return the steps in them."""
        keeper, remover = self._sides.of(side), self._sides.of(other(side))
        decided = set[str]()
        for home, ids in keeper.lists.items():
            owner = owner_of(home)
            if home not in self._base.lists or home in remover.lists or (owner and owner not in remover.parts):
                continue
            inside = [one for id_ in ids for one in _only_in(keeper, remover, id_)]
            if self._is_rearranged(home, keeper) or any(
                one not in self._base.parts or self._is_touched(one, side) for one in inside
            ):
                taken = self._decide_list(home)
                decided.update(inside)
                present.update(dict.fromkeys(inside, taken == side))
        return decided

    def _decide_list(self, home: str) -> Side:
        if home == FAILURE:
            texts = [self._saying.list_changed(one, home) for one in (self._main, self._branch)]
            values = [one.fields.get(FAILURE) for one in structs.asdict(self._sides).values()]
            self._failure = self._decisions.side(conflict(FAILURE, texts, values))
            return self._failure
        return self._decide_definition(owner_of(home))

    def _decide_definition(self, id_: str) -> Side:
        texts = [self._saying.changed(one, id_) for one in (self._main, self._branch)]
        self._whole[id_] = self._decisions.side(self._conflict(id_, "main", *texts))
        return self._whole[id_]

    def _roots(self, gone: list[str], keeper: Outline) -> list[str]:
        """Return the removed steps that are in no removed step."""
        return [id_ for id_ in gone if owner_of(keeper.parts[id_].home) not in gone]

    def _remove(self, root: str, side: Side, present: dict[str, bool]) -> None:
        """Remove a step that only `side` still has, with the steps in it, unless that side has changed them."""
        keeper, remover = self._sides.of(side), self._sides.of(other(side))
        inside = list(_only_in(keeper, remover, root))
        if any(self._is_touched(id_, side) for id_ in inside if id_ in self._base.parts):
            change = self._saying.changed(keeper, root)
            taken = self._decisions.side(self._conflict(root, side, change, self._saying.removed(root)))
            self._place_of |= {id_: taken for home in homes_of(root) for id_ in keeper.lists.get(home, ())}
            if taken == side:
                return
        present.update(dict.fromkeys(inside, False))

    def _is_touched(self, id_: str, side: Side) -> bool:
        """Return whether a side has changed a step, moved it, or put steps into it."""
        keeper = self._sides.of(side)
        if self._is_moved(id_, side) or not is_alike(self._base.parts[id_].fields, keeper.parts[id_].fields):
            return True
        return any(self._is_rearranged(home, keeper) for home in homes_of(id_))

    def _is_rearranged(self, home: str, side: Outline) -> bool:
        """Return whether a side has put steps into a list, or into another order."""
        return bool(placed(self._base.lists.get(home, []), side.lists.get(home, [])))

    # --- what is in them

    def _decide_whole(self, id_: str) -> None:
        """Take the definition of a step from one side if its parts do not fit the other side's."""
        if id_ in self._whole or not all(id_ in one.parts for one in (self._main, self._branch)):
            return
        main, branch = (one.parts[id_].fields for one in (self._main, self._branch))
        before = self._base.parts.get(id_)
        if not is_alike(main, branch) and (before is None or _is_split(before.fields, main, branch)):
            self._decide_definition(id_)

    def _fields(self, id_: str) -> dict[str, Any]:
        found = [one.parts.get(id_) for one in (self._base, self._main, self._branch)]
        before, main, branch = (one.fields if one is not None else ABSENT for one in found)
        if main is ABSENT or branch is ABSENT:
            return dict(branch if main is ABSENT else main)
        if id_ in self._whole:
            return dict(self._sides.of(self._whole[id_]).parts[id_].fields)
        return dict(self._field(id_, (), before, main, branch))

    def _workflow_fields(self) -> dict[str, Any]:
        sides = (self._base, self._main, self._branch)
        base, main, branch = ({key: value for key, value in one.fields.items() if key != "id"} for one in sides)
        if self._failure is not None:
            taken = (main if self._failure == "main" else branch).get(FAILURE, ABSENT)
            for one in (main, branch):
                one.pop(FAILURE, None)
                one.update({} if taken is ABSENT else {FAILURE: taken})
        found = self._field("", (), base, main, branch)
        kept = {"id": self._main.fields["id"]} if "id" in self._main.fields else {}
        return {**found, **kept}  # what is kept of the workflow goes by its id

    def _field(self, id_: str, path: tuple[str, ...], base: Any, main: Any, branch: Any) -> Any:
        """Return the value of a field, which may be ABSENT."""
        if _same(main, branch) or _same(base, branch):
            return main
        if _same(base, main):
            return branch
        if isinstance(main, Mapping) and isinstance(branch, Mapping):
            was = base if isinstance(base, Mapping) else {}
            keys = [*main, *(key for key in branch if key not in main)]
            found = {
                key: self._field(id_, (*path, key), *(one.get(key, ABSENT) for one in (was, main, branch)))
                for key in keys
            }
            return {key: value for key, value in found.items() if value is not ABSENT}
        texts = [self._saying.field(id_, path, base, one) for one in (main, branch)]
        values = [shown(one) for one in (base, main, branch)]
        where = place(STEPS, id_, *path) if id_ else place(*path)
        return self._decisions.value(conflict(where, texts, values, is_field=True), main, branch)

    # --- where they are

    def _homes(self, steps: Mapping[str, JsonObject], fields: JsonObject) -> dict[str, str]:
        """Return the list in which each step is; a new step is dropped with its list."""
        steps = dict(steps)
        while True:  # a step that goes may take a list with it, and so further steps
            known = set(_lists(steps, fields))
            homes = {id_: self._home(id_, known) for id_ in steps}
            lost = [id_ for id_, home in homes.items() if home is None]
            if not lost:
                break
            steps = {id_: one for id_, one in steps.items() if id_ not in lost}
        found = {id_: home for id_, home in homes.items() if home is not None}
        for id_ in found:
            if id_ in _way_up(found, id_):
                self._untie(id_, found)
        return found

    def _home(self, id_: str, known: set[str]) -> str | None:
        """Return the list in which a step is: the other side's if the list itself is gone, None if both are gone."""
        base, main, branch = (self._home_in(one, id_) for one in (self._base, self._main, self._branch))
        found = branch if main is None or (main == base and branch is not None) else main
        if (
            None not in (main, branch)
            and main != branch
            and id_ not in self._place_of
            and all(self._is_moved(id_, side) for side in SIDES)
        ):
            found = self._home_in(self._sides.of(self._place(id_)), id_)
        if id_ in self._place_of and None not in (main, branch):
            found = self._home_in(self._sides.of(self._place_of[id_]), id_)
        return next((one for one in (found, main, branch, base) if one is not None and one in known), None)

    def _is_moved(self, id_: str, side: Side) -> bool:
        """Return whether a side has put a step into another list, or elsewhere in its list."""
        found, home = self._sides.of(side), self._home_in(self._base, id_)
        return found.parts[id_].home != home or id_ in placed(self._base.lists[home], found.lists[home])

    def _home_in(self, found: Outline, id_: str) -> str | None:
        return found.parts[id_].home if id_ in found.parts else None

    def _untie(self, id_: str, homes: dict[str, str]) -> None:
        """Decide where steps are if each side has put one of them into another."""
        ring = _way_up(homes, id_)
        moved = [one for one in ring if len({self._home_in(side, one) for side in (self._main, self._branch)}) > 1]
        as_main: dict[str, Side] = dict.fromkeys(ring, "main")
        # First as people have decided; if this is a circle, too, then as in main, which has no circle.
        for sides in ({one: self._place(one) for one in moved}, as_main):
            for one, side in sides.items():
                homes[one] = self._home_in(self._sides.of(side), one) or ""
            if id_ not in _way_up(homes, id_):
                return

    def _place(self, id_: str) -> Side:
        """Return the side whose place of a step is taken."""
        texts = [self._saying.moved(one, id_) for one in (self._main, self._branch)]
        places = [self._saying.place(one, id_) for one in (self._base, self._main, self._branch)]
        return self._decisions.side(conflict(f"{place(STEPS, id_)}.@place", texts, places))

    def _conflict(self, id_: str, side: Side, its: str, others: str) -> MergeConflict:
        """Return a conflict about a whole step; `its` and `others` are the words of `side` and of the other."""
        texts = (its, others) if side == "main" else (others, its)
        values = [whole_step(one, id_) if id_ in one.parts else None for one in structs.asdict(self._sides).values()]
        return conflict(place(STEPS, id_), texts, values)


def _only_in(keeper: Outline, remover: Outline, id_: str) -> Iterator[str]:
    """Yield a step and the steps in it, up to those that the other side has somewhere."""
    if id_ not in remover.parts:
        yield id_
        for home in homes_of(id_):
            for one in keeper.lists.get(home, ()):
                yield from _only_in(keeper, remover, one)


def _is_split(base: JsonObject, main: JsonObject, branch: JsonObject) -> bool:
    """Return whether one side has changed the type of a step, and the other its type or arguments."""
    if not _differ(main, branch, *_DEFINITION, "with"):
        return False
    return any(
        _differ(base, mine, *_DEFINITION) and _differ(base, its, *_DEFINITION, "with")
        for mine, its in ((main, branch), (branch, main))
    )


def _same(one: Any, another: Any) -> bool:
    return one is another or (ABSENT not in (one, another) and is_alike(one, another))


def _differ(base: JsonObject, now: JsonObject, *keys: str) -> bool:
    return any(not _same(base.get(key, ABSENT), now.get(key, ABSENT)) for key in keys)


def _lists(steps: Mapping[str, JsonObject], fields: JsonObject) -> Iterator[str]:
    """Yield the lists of steps for which there is a place in the fields."""
    if STEPS in fields:
        yield ""
    if has_steps(fields.get(FAILURE)):
        yield FAILURE
    for id_, one in steps.items():
        inner, fallback = homes_of(id_)
        if isinstance(one.get(STEPS), list):
            yield inner
        if isinstance(one.get(ON_ERROR), Mapping) and has_steps(one[ON_ERROR]):
            yield fallback


def _tops(lists: Mapping[str, list[str]]) -> list[str]:
    return [home for home in ("", FAILURE) if home in lists]


def _walk(found: Outline, home: str) -> Iterator[str]:
    for id_ in found.lists.get(home, ()):
        yield from found.inside(id_)


def _way_up(homes: Mapping[str, str], id_: str) -> list[str]:
    """Return the steps around a step; if they form a circle, each once."""
    found: list[str] = []
    id_ = owner_of(homes.get(id_, ""))
    while id_ in homes and id_ not in found:
        found.append(id_)
        id_ = owner_of(homes[id_])
    return found
