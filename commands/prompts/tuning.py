"""`prompts tune`: a better text of a prompt for one model, found with its cases."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, note, say, table
from commands.base.session import CommandSession, opened
from commands.copilot.accepting import require_ticks, ticks_given
from commands.prompts.options import Connection, Model, Name

if TYPE_CHECKING:
    from engine.copilot.prompting.records import PromptProposal
    from engine.runs.prompt_tries.tuned import TunedVariant, TuneReport


def tune(
    name: Name,
    model: Model = "",
    connection: Connection = "",
    accept: Annotated[bool, typer.Option("--accept", help="Make the proposed text the draft.")] = False,
    tick: Annotated[list[str] | None, typer.Option(help="Agree to one of the points that the answer lists.")] = None,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Propose the best of some variants of the draft, tested with its cases and a model: exit code 1 if it stops."""
    from engine.base.statuses import RunStatus
    from engine.runs.prompt_tries.tuned import TuneRequest

    wanted = TuneRequest(model, connection)
    with opened(workspace, demo=demo) as session:
        tuning, p = session.orchestra.copilot.prompting.tuning, session.principal
        note(tuning.cost(p, name, wanted).words)
        is_asked = at_terminal(as_json=as_json)
        found = agreed(lambda who: tuning.tune(who, name, wanted), p, yes=yes, names=confirm, is_asked=is_asked)
        made = _proposal(session, found)
        if made is not None and accept:
            ticks = ticks_given(made, tick or [], is_asked=is_asked)
            require_ticks(made, ticks)
            made = session.orchestra.copilot.prompting.proposals.accept(p, made.prompt, made.id, ticks)
    if as_json:
        document(asdict(found))
    else:
        _show(found, made)
    return DONE if found.status == RunStatus.SUCCEEDED else FAILED


def _proposal(session: CommandSession, found: TuneReport) -> PromptProposal | None:
    if not found.proposal:
        return None
    return session.orchestra.copilot.prompting.proposals.get(session.principal, found.prompt, found.proposal)


def _show(found: TuneReport, made: PromptProposal | None) -> None:
    held = [f"PASSED OF {found.held_back} OTHERS", "UNSURE"] if found.held_back else []
    title = ["VARIANT", f"PASSED OF {found.cases}", "UNSURE", *held, "TOKENS", "COST", "SECONDS"]
    table(title, [_row(one, has_others=bool(held)) for one in found.variants])
    say(found.words)
    if made is None:
        return
    for line in made.diff.splitlines():
        say(line)
    if made.status == "accepted":
        before = "" if made.version is None else f" The text from before is version {made.version}."
        note(f"It is the draft of {made.prompt} now.{before} Workflows use it once a version of it is saved.")
    else:
        note(f"Nothing is changed. `orchestra prompts tune {made.prompt} --accept` makes it the draft.")


def _row(one: TunedVariant, *, has_others: bool) -> list[object]:
    from engine.budgets.limits import money

    others = ["" if one is None else one for one in (one.held_back_passed, one.held_back_unsure)] if has_others else []
    cost = "not known" if one.cost_usd is None else money(one.cost_usd)
    return [one.title, one.passed, one.unsure, *others, round(one.tokens), cost, one.seconds]
