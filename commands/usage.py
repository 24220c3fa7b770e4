"""`usage`: tokens and money of models, by what asked and what was asked."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from clients.wording import counted
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.run_progress import used_words
from commands.base.screen import document, say, table
from commands.base.session import CommandSession, looked_at
from engine.budgets.use import Kind

if TYPE_CHECKING:
    from engine.runs.usage import UsageRow


def usage(
    by: Annotated[Kind, typer.Option(help="What to count by; `prompt` is by version.")] = "workflow",
    days: Annotated[int, typer.Option(min=1, max=366, help="The last days, today included.")] = 30,
    run: Annotated[
        str | None, typer.Option(help="The id of a run: show what it and the runs that it called have used.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a line for each day and name as CSV.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show how many tokens models have used, and what they cost."""
    if as_csv and (as_json or run):
        raise typer.BadParameter("Give --csv alone, without --json and --run.")
    with looked_at(workspace, demo=demo) as session:
        reader, p = session.orchestra.usage, session.principal
        if run:
            return _of_run(session, run, as_json=as_json)
        if as_csv:
            typer.echo(reader.csv(p, by, days), nl=False)
            return DONE
        found = reader.report(p, by, days)
    if as_json:
        document(asdict(found))
    elif not found.rows:
        say(f"No model was asked from {found.first_day} to {found.last_day}.")
    else:
        say(f"From {found.first_day} to {found.last_day}:")
        table([by.upper(), "CALLS", "TOKENS IN", "TOKENS OUT", "COST", ""], [_row(one) for one in found.rows])
    return DONE


def _of_run(session: CommandSession, run_id: str, *, as_json: bool) -> int:
    """Print what a run has used together with the runs that it called."""
    session.orchestra.runs.get(session.principal, run_id)  # raises UnknownName
    found = session.orchestra.usage.of_run(session.principal, run_id)
    if as_json:
        document(asdict(found))
    else:
        say(f"{run_id}, with the runs that it called: {counted(found.calls, 'call')}, {used_words(found)}.")
    return DONE


def _row(one: UsageRow) -> list[str]:
    unpriced = f"{one.unpriced_calls:,} without a known price" if one.unpriced_calls else ""
    remark = ", ".join(filter(None, ["demo" if one.demo else unpriced, one.shares]))
    return [one.name, f"{one.calls:,}", f"{one.input_tokens:,}", f"{one.output_tokens:,}", f"${one.usd:,.4f}", remark]
