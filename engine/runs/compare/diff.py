"""How two runs differ: the first step that went differently, and why; then the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from clients.wording import counted
from engine.base.step_path import items_around
from engine.record.definitions import changes
from engine.record.differences import ABSENT, Difference, differences, shown
from engine.record.hidden_callees import Sees, shown_changes
from engine.record.previous_run import Place, keys_of, place_of, places
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.runs.compare.answers import headline
from engine.runs.compare.step_facts import Kind, error_differences, facts


class StepDiff(Struct, frozen=True):
    """One step (or item of a loop) that went differently in the two runs."""

    path: str
    """Its run path, in the bad run if it is there, else in the good one."""
    good_path: str | None
    """None if the good run did not reach it."""
    bad_path: str | None
    title: str
    kinds: tuple[Kind, ...]
    differences: tuple[Difference, ...]
    """`old` is the value in the good run."""

    def as_json(self) -> dict[str, Any]:
        """Return {path, good_path, bad_path, title, kinds, differences: [{field, good, bad}]}."""
        return {
            "path": self.path,
            "good_path": self.good_path,
            "bad_path": self.bad_path,
            "title": self.title,
            "kinds": list(self.kinds),
            "differences": [_as_json(one) for one in self.differences],
        }


class RunDiff(Struct, frozen=True):
    """All differences between two runs."""

    good: str
    bad: str
    sentence: str
    definition: tuple[Difference, ...]
    """Changes of the workflow and its prompts."""
    run: tuple[Difference, ...]
    """Differences of the runs themselves: status, inputs, accounts, options, outputs and error."""
    first: StepDiff | None
    """The first step, in time, at which the bad run diverged; writes that were only reused or made do not count."""
    rest: tuple[StepDiff, ...]
    headline: str = ""
    """The start of `sentence`: which prompts differ, and how many answers; "" if neither differ."""

    @property
    def is_same(self) -> bool:
        """Return whether there is no difference."""
        return not (self.definition or self.run or self.first or self.rest)

    def as_json(self) -> dict[str, Any]:
        """Return {good, bad, sentence, definition, run, first, rest}."""
        return {
            "good": self.good,
            "bad": self.bad,
            "sentence": self.sentence,
            "definition": [_as_json(one) for one in self.definition],
            "run": [_as_json(one) for one in self.run],
            "first": self.first.as_json() if self.first else None,
            "rest": [one.as_json() for one in self.rest],
        }


def diff(good: Run, bad: Run, sees: Sees) -> RunDiff:
    """Return how two run documents differ; steps are matched by the keys of the items around them.

    `sees`: which called workflows the reader may see (engine/record/hidden_callees.py).
    """
    found = list(_in_order(good, bad, _step_diffs(good, bad)))
    first = next((one for one in found if set(one.kinds) != {"effect"}), None)
    definition = tuple(shown_changes(_definition(good, bad), sees))
    run = tuple(_run(good, bad))
    rest = tuple(one for one in found if one is not first)
    told = headline(good, bad)
    details = _sentence(good, bad, definition, run, first, rest)
    return RunDiff(
        good=good["run_id"],
        bad=bad["run_id"],
        sentence=f"{told} {details}".strip(),
        definition=definition,
        run=run,
        first=first,
        rest=rest,
        headline=told,
    )


# --- the runs themselves


def _definition(good: Run, bad: Run) -> Iterator[Difference]:
    yield from differences("workflow", good["workflow"], bad["workflow"])
    if good["workflow_hash"] != bad["workflow_hash"]:
        yield from changes(good["definition"], bad["definition"])


def _run(good: Run, bad: Run) -> Iterator[Difference]:
    for name in ("inputs", "accounts", "options", "status", "outputs"):
        yield from differences(name, good.get(name) or {}, bad.get(name) or {})
    yield from error_differences("error", good["error"], bad["error"])


# --- steps


def _step_diffs(good: Run, bad: Run) -> Iterator[StepDiff]:
    ours, theirs = places(good), places(bad)
    keys = (keys_of(good), keys_of(bad))
    told: set[Place] = set()
    for place in [*theirs, *(one for one in ours if one not in theirs)]:
        one, other = ours.get(place), theirs.get(place)
        if one is None or other is None:
            present = one or other
            assert present is not None
            if not _is_inside_told(present["path"], keys[one is None], told):
                told.add(place)
                yield _presence(one, other)
        else:
            found = list(facts(one, other, (good, bad)))
            if found:
                yield _step_diff(one, other, found)


def _is_inside_told(path: str, keys: Mapping[str, str | None], told: set[Place]) -> bool:
    """Return whether the item around a step is missing as a whole, which is reported once."""
    return any(place_of(item, keys) in told for item in items_around(path) if item != path)


def _presence(good: StepRecord | None, bad: StepRecord | None) -> StepDiff:
    sides = [ABSENT if one is None else one["status"] for one in (good, bad)]
    return _step_diff(good, bad, [("presence", Difference("status", *sides))])


def _step_diff(good: StepRecord | None, bad: StepRecord | None, found: Sequence[tuple[Kind, Difference]]) -> StepDiff:
    shown_step = bad or good
    assert shown_step is not None
    return StepDiff(
        path=shown_step["path"],
        good_path=good["path"] if good else None,
        bad_path=bad["path"] if bad else None,
        title=shown_step["title"] or shown_step["key"] or shown_step["id"],
        kinds=tuple(dict.fromkeys(kind for kind, _ in found)),
        differences=tuple(one for _, one in found),
    )


# --- order


def _in_order(good: Run, bad: Run, found: Iterator[StepDiff]) -> list[StepDiff]:
    """Sort by when the bad run reached each; steps it never reached follow what preceded them in the good run."""
    steps = {step["path"]: (index, step) for index, step in enumerate(bad["steps"])}
    missing = _places_of_missing(good, bad, {path: _begun(step, index) for path, (index, step) in steps.items()})

    def moment(one: StepDiff) -> _Moment:
        if one.bad_path is None:
            return missing[one.path]
        index, step = steps[one.bad_path]
        is_result = step["uses"] is None and "arguments" not in one.kinds
        # Groups come after their members: they failed because a member did.
        return (step["ended_at"] or _NEVER, 1, index) if is_result else _begun(step, index)

    return sorted(found, key=moment)


_Moment = tuple[str, int, int]
_NEVER = "9999"  # times are compared as text, and every real one sorts before this


def _begun(step: StepRecord, index: int) -> _Moment:
    return (step["started_at"] or step["ended_at"] or _NEVER, 0, index)


def _places_of_missing(good: Run, bad: Run, began: Mapping[str, _Moment]) -> dict[str, _Moment]:
    theirs, keys = places(bad), keys_of(good)
    found: dict[str, _Moment] = {}
    last: _Moment = ("", 0, 0)
    ordered = sorted(enumerate(good["steps"]), key=lambda one: _begun(one[1], one[0]))
    for index, step in ordered:
        other = theirs.get(place_of(step["path"], keys))
        if other is not None:
            last = max(last, began[other["path"]])
        else:
            found[step["path"]] = (last[0], 2, index)
    return found


# --- words


def _sentence(
    good: Run,
    bad: Run,
    definition: Sequence[Difference],
    run: Sequence[Difference],
    first: StepDiff | None,
    rest: Sequence[StepDiff],
) -> str:
    if not (definition or run or first or rest):
        return "The runs do not differ."
    parts = []
    if good["workflow"] != bad["workflow"]:
        parts.append(f"They are runs of two workflows, {good['workflow']} and {bad['workflow']}.")
    elif changed := [one for one in definition if not one.field.startswith("prompts.")]:
        parts.append(f"The definition was changed in between ({_named(changed)}).")
    inputs = [one for one in run if one.field.startswith("inputs")]
    if inputs:
        parts.append(f"They began with other inputs ({_named(inputs)}).")
    if first is None:
        parts.append(f"Every step went the same way{_but_for(rest)}.")
    else:
        parts.append(f"First different: {first.path} ({_of_what(first)}).")
        parts += [f"{len(rest)} more differ."] if rest else []
    return " ".join(parts)


def _of_what(one: StepDiff) -> str:
    if "presence" not in one.kinds:
        return " and ".join(one.kinds)
    if one.good_path is not None and one.bad_path is not None:
        return "skipped in one of them"
    return "only in the second run" if one.good_path is None else "only in the first run"


def _but_for(writes: Sequence[StepDiff]) -> str:
    return f", but for what became of {counted(len(writes), 'write')}" if writes else ""


def _named(found: Sequence[Difference]) -> str:
    names = list(dict.fromkeys(one.field for one in found))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _as_json(one: Difference) -> dict[str, Any]:
    """Return {field, good, bad}, without a value that is absent."""
    sides = {"good": one.old, "bad": one.new}
    return {"field": one.field, **{name: value for name, value in sides.items() if value is not ABSENT}}


def line(one: Difference) -> str:
    """Return a difference in one line for people: `arguments.title: "a" -> "b"`."""
    return str(one) if one.is_bare else f"{one.field}: {shown(one.old)} -> {shown(one.new)}"
