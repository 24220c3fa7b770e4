"""The order of the steps of one list, merged from both sides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

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

    Where both have put something at the same place, main comes first. `decide` is asked about a step that both
    have put at different places of the list.
    """
    before, theirs, mine = (one.lists.get(home, []) for one in (base, main, branch))
    by_main, by_branch = placed(before, theirs), placed(before, mine)
    ahead_in_main, ahead_in_branch = _ahead(theirs), _ahead(mine)
    twice = by_main & by_branch & set(members)
    both = [one for one in mine if one in twice and ahead_in_main[one] != ahead_in_branch[one]]
    taken = {one for one in both if decide(one) == "branch"}
    moved = {one for one in mine if one in members and (one in taken or (one in by_branch and one not in by_main))}
    found = _with_moved([one for one in theirs if one in members and one not in moved], mine, members, by_main)
    return [*found, *sorted(set(members).difference(found))]


def placed(before: Sequence[str], now: Sequence[str]) -> set[str]:
    """Return the steps that came into a list, and the fewest others whose move explains its order."""
    ranks = {one: rank for rank, one in enumerate(before)}
    kept = rising([ranks[one] for one in now if one in ranks])
    return {one for one in now if one not in ranks or ranks[one] not in kept}


def _ahead(steps: Sequence[str]) -> Mapping[str, str]:
    """Return the step ahead of each step, "" for the first one."""
    return dict(zip(steps, ["", *steps], strict=False))


def _with_moved(
    found: Sequence[str], mine: Sequence[str], members: Collection[str], by_main: Collection[str]
) -> list[str]:
    """Return a list with the members that are only in `mine`: each after the one ahead of it there, and after what main
    has put at that place.
    """
    following = dict(zip(["", *found], [*found, ""], strict=True))
    own, last = set(mine), ""
    for one in mine:
        if one in members and one not in following:
            after = following[last]
            while after in by_main and after not in own:  # looked at once: `last` is another one from now on
                last, after = after, following[after]
            following[last], following[one] = one, after
        if one in following:
            last = one
    ordered, one = list[str](), following[""]
    while one:
        ordered.append(one)
        one = following[one]
    return ordered
