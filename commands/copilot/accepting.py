"""What a proposal lacks before a command can accept it, with the option or command that gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from clients.wording import counted
from engine.base.errors import InvalidFile, InvalidInput
from engine.base.problem import Problem

if TYPE_CHECKING:
    from engine.copilot.prompting.records import PromptProposal
    from engine.copilot.proposals.records import Proposal


def require_whole(made: Proposal) -> None:
    """Raise InvalidFile with what to do next if the whole of a proposal does not compile."""
    if made.status == "open" and not made.is_acceptable:
        remedy = _connecting(made.problems) or "Correct this in the draft, or ask for another change."
        raise InvalidFile.of(f"workflows/{made.workflow}.json", made.problems, remedy=remedy)


def ticks_given(made: PromptProposal, given: Sequence[str], *, is_asked: bool) -> list[str]:
    """Return the ticks that are given; somebody at a terminal is asked for each that is missing."""
    if not is_asked:
        return [*given]
    return [*given, *(one.id for one in made.ticks if one.id not in given and typer.confirm(f"{one.words} Agree?"))]


def require_ticks(made: Proposal | PromptProposal, given: Sequence[str]) -> None:
    """Raise InvalidInput for the points of a proposal to which nobody has agreed."""
    from engine.copilot.proposals.facts import missing

    lacking = missing(made.ticks, given)
    if lacking:
        needs = "needs a tick of its own" if len(lacking) == 1 else "need a tick of their own"
        said = "; ".join(f"{one.words.removesuffix('.')} ({one.id})" for one in lacking)
        raise InvalidInput(
            f"{counted(len(lacking), 'part')} of the proposal {needs}: {said}.", remedy="Agree with `--tick ID`."
        )


def _connecting(problems: Sequence[Problem]) -> str:
    """Return what to do about connections before asking again, "" if something else is wrong, too."""
    errors = [one for one in problems if one.severity == "error"]
    if not errors or any(one.code != "connection" for one in errors):
        return ""
    return " ".join([*dict.fromkeys(one.remedy for one in errors), "Then ask again."])
