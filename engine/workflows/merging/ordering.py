"""The order of the steps of one list, merged from both sides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from engine.workflows.differences.changes import rising
from engine.workflows.merging.conflicts import Side
from engine.workflows.merging.outline import Outline


def ordered(
    home: str,
    members: Collection[str],
    base: Outline,
    main: Outline,
    branch: Outline,
    decide: Callable[[str], Side],
) -> list[str]:
    """Return the steps of a list in the order of main, with the moves that only the branch has made.

    Where both have put something at the same place, that of main comes first. `decide` is asked about a step that both
    have put at different places of the list.
    """
    before, theirs, mine = (one.lists.get(home, []) for one in (base, main, branch))
    by_main, by_branch = placed(before, theirs), placed(before, mine)
    both = [one for one in by_main & by_branch if one in members and _ahead(one, theirs) != _ahead(one, mine)]
    taken = {one for one in sorted(both, key=mine.index) if decide(one) == "branch"}
    moved = {one for one in mine if one in members and (one in by_branch - by_main or one in taken)}
    found = [one for one in theirs if one in members and one not in moved]
    for one in mine:
        if one in moved or (one in members and one not in found):
            found.insert(_index(one, mine, found, by_main), one)
    return [*found, *sorted(set(members) - set(found))]


def placed(before: Sequence[str], now: Sequence[str]) -> set[str]:
    """Return the steps that came into a list, and the fewest others whose move explains its order."""
    ranks = {one: rank for rank, one in enumerate(before)}
    kept = rising([ranks[one] for one in now if one in ranks])
    return {one for one in now if one not in ranks or ranks[one] not in kept}


def _ahead(id_: str, steps: Sequence[str]) -> str:
    """Return the step ahead of a step, "" for the first one."""
    at = steps.index(id_)
    return steps[at - 1] if at else ""


def _index(id_: str, mine: Sequence[str], found: Sequence[str], by_main: Collection[str]) -> int:
    """Return where a step of the branch comes in the list found so far."""
    ahead = [one for one in mine[: mine.index(id_)] if one in found]
    at = found.index(ahead[-1]) + 1 if ahead else 0
    while at < len(found) and found[at] in by_main and found[at] not in mine:
        at += 1
    return at
