"""Agreement to what a workflow may touch: at a terminal with a question, in a script by `--yes` or `--confirm`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from commands.base.failures import Declined
from commands.base.screen import note, say

if TYPE_CHECKING:
    from engine.people.access import Principal
    from engine.runs.branches.merging import Merging
    from engine.runs.environments.promotion import Promotion

Result = TypeVar("Result")

Yes = Annotated[
    bool, typer.Option("--yes", help="Agree to all accounts it would touch, without asking; each is named on stderr.")
]
Confirm = Annotated[
    list[str] | None,
    typer.Option("--confirm", metavar="NAME", help="Agree to this account or repository only; may be repeated."),
]


def agreed(
    act: Callable[[Principal], Result],
    principal: Principal,
    *,
    yes: bool,
    names: list[str] | None,
    is_asked: bool,
    show: Callable[[], None] | None = None,
) -> Result:
    """Call `act` with a principal who agrees to what it needs, and return its result.

    `is_asked` says whether somebody at a terminal may be asked; `show` tells them more first. Raises
    ConfirmationNeeded if nobody agrees, Declined if a person says no, and anything that `act` raises.
    """
    from engine.base.errors import ConfirmationNeeded

    try:
        return act(principal.agreeing(names or ()))
    except ConfirmationNeeded as needed:
        if not yes and not is_asked:
            raise
        if yes:
            note(f"--yes agrees to {', '.join(needed.needs_confirmation)}")
        else:
            say(needed.message)
            if show is not None:
                show()
            if not typer.confirm("Start it?"):
                raise Declined("Nothing was started.") from None
        return act(principal.agreeing([*(names or ()), *needed.needs_confirmation]))


def at_terminal(*, as_json: bool = False) -> bool:
    """Return whether somebody at a terminal can be asked."""
    return not as_json and sys.stdin.isatty()


def say_new(found: Merging | Promotion) -> None:
    """Say what a workflow touches that it did not before, what a run may cost, and what else is worth knowing."""
    for title, lines in (
        ("New account", found.accounts),
        ("New write", found.effects),
        ("New destination", found.destinations),
    ):
        for line in lines:
            say(f"{title}: {line}")
    if found.estimate:
        say(f"Expected cost of a run: {found.estimate}")
    for line in found.notes:
        note(line)
