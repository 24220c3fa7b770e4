"""What a comparison shows: it leaves out noise, and groups steps that differ in the same way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from dashboard.base.language import t, tn
from engine.record.differences import Difference
from engine.record.types.run import Run
from engine.runs.compare.diff import RunDiff, StepDiff

_NOISE = ("duration_seconds", "effect.reused")


@dataclass(frozen=True)
class DiffGroup:
    """Steps that differ in the same way; the first is shown in full, the others by name."""

    first: StepDiff
    others: Sequence[StepDiff] = ()


def steps_of(diff: RunDiff) -> list[StepDiff]:
    """Return the steps that differ, in order, without a change of prompt that the page reports once for all."""
    shown_elsewhere = {"prompt"} if any(one.field.startswith("prompts.") for one in diff.definition) else set()
    return without_noise([*([diff.first] if diff.first else []), *diff.rest], shown_elsewhere)


def without_noise(found: Iterable[StepDiff], shown_elsewhere: Collection[str] = ()) -> list[StepDiff]:
    """Leave out durations, whether a write existed already, and the kinds that are shown elsewhere.

    A step without any other difference is left out.
    """
    kept = []
    for one in found:
        differences = tuple(place for place in one.differences if not _is_noise(place, shown_elsewhere))
        if differences:
            kinds = tuple(kind for kind in one.kinds if _is_left(kind, differences, shown_elsewhere))
            kept.append(replace(one, kinds=kinds or one.kinds, differences=differences))
    return kept


def _is_noise(place: Difference, shown_elsewhere: Collection[str]) -> bool:
    return place.field in _NOISE or place.field.partition(".")[0] in shown_elsewhere


def _is_left(kind: str, differences: Sequence[Difference], shown_elsewhere: Collection[str]) -> bool:
    if kind == "effect":
        return any(place.field.startswith("effect") for place in differences)
    return kind != "duration" and kind not in shown_elsewhere


def groups(found: Iterable[StepDiff]) -> list[DiffGroup]:
    """Group steps that have the same title and the same differences, ordered by the first of each group."""
    alike: dict[str, list[StepDiff]] = {}
    for one in found:
        alike.setdefault(repr((one.title, one.kinds, one.differences)), []).append(one)
    return [DiffGroup(first, others) for first, *others in alike.values()]


def item_of(path: str, runs: Sequence[Run]) -> str:
    """Return the title of the item that a step belongs to, empty for a step outside of loops."""
    place = path[: path.rindex("]") + 1] if "]" in path else ""
    titles = (str(step["title"] or "") for run in runs for step in run["steps"] if step["path"] == place)
    return next(titles, "")


def the_same(group: DiffGroup, runs: Sequence[Run]) -> str:
    """Name the other steps that differ in the same way."""
    names = [item_of(one.path, runs) or one.path for one in group.others]
    shown = ", ".join(names[:5])
    more = t(", and {count} more", count=len(names) - 5) if len(names) > 5 else ""
    return t(
        "The same in {other_steps}: {shown}{more}",
        other_steps=tn("{count} other step", "{count} other steps", len(names)),
        shown=shown,
        more=more,
    )
