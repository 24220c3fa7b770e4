"""`budgets`: what model calls may use and have used, and the runs that wait for a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.wording import counted
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.run_progress import follow, report
from commands.base.screen import document, say, table
from commands.base.session import looked_at, opened
from engine.base.errors import UnknownName

if TYPE_CHECKING:
    from engine.runs.budgets import BudgetOverview, BudgetRow, ModelUsage

group = typer.Typer(help="What model calls may cost.", no_args_is_help=True, rich_markup_mode=None)


class BudgetPeriod(StrEnum):
    """A budget of config.yaml."""

    DAY = "day"
    MONTH = "month"
    EACH_RUN = "workflow.run"
    EACH_DAY = "workflow.day"
    EACH_MONTH = "workflow.month"


_ON_LIMIT_HELP = "What happens at the limit: pause, warn, or the name of a model to ask instead."
_STRICT_HELP = "Whether to refuse models whose price is unknown."
_STATES = {"ok": "", "near": "nearly used up", "used_up": "used up"}
Name = Annotated[str, typer.Option("--workflow", help="Only the budgets of this workflow.")]


@group.command("list")
def list_(workflow: Name = "", demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the budgets, how much of each is used, and what was spent today and this month."""
    with looked_at(workspace, demo=demo) as session:
        names = session.orchestra.workflows.names(session.principal) if workflow else []
        if workflow and workflow not in names:
            raise UnknownName("workflow", workflow, names)
        found = session.orchestra.budgets.overview(session.principal)
    rows = [one for one in found.budgets if not workflow or _limits(one, workflow, found.budgets)]
    if as_json:
        document({**asdict(found), "budgets": [asdict(one) for one in rows]})
        return DONE
    say(f"Today {_words(found.day)}; this month {_words(found.month)}.")
    if rows:
        table(["BUDGET OF", "PERIOD", "USED", "AT THE LIMIT", ""], [_row(one) for one in rows])
    else:
        say("There are no budgets: `budgets` in config.yaml and `budget` in a workflow file set them.")
    _tell_paused(found)
    return DONE


@group.command()
def show(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show what `budgets` of config.yaml says; `orchestra budgets list` shows what is used."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.budgets.settings(session.principal)
    return _tell_settings(found, as_json=as_json)


@group.command("set")
def set_(
    period: Annotated[
        BudgetPeriod | None, typer.Argument(help="Which budget; workflow.… applies to each workflow.")
    ] = None,
    usd: Annotated[float | None, typer.Option(help="Limit in US dollars.")] = None,
    calls: Annotated[int | None, typer.Option(help="Limit in calls.")] = None,
    tokens: Annotated[int | None, typer.Option(help="Limit in tokens, input and output together.")] = None,
    on_limit: Annotated[str | None, typer.Option(help=_ON_LIMIT_HELP)] = None,
    none: Annotated[bool, typer.Option("--none", help="Remove this budget.")] = False,
    strict: Annotated[bool | None, typer.Option("--strict/--no-strict", help=_STRICT_HELP)] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Set a budget in config.yaml; limits that you do not give and comments stay as they are."""
    given = {"usd": usd, "calls": calls, "tokens": tokens, "on_limit": _end(on_limit)}
    limit = {name: value for name, value in given.items() if value is not None}
    if period is None and (limit or none):
        raise typer.BadParameter(f"Say which budget: one of {', '.join(BudgetPeriod)}.")
    if period is not None and none == bool(limit):
        raise typer.BadParameter("Give --usd, --calls, --tokens or --on-limit, or --none to take the budget out.")
    with opened(workspace, demo=demo) as session:
        budgets, p = session.orchestra.budgets, session.principal
        wanted: dict[str, Any] = dict(budgets.settings(p))
        if strict is not None:
            wanted["strict"] = strict
        if period is not None:
            wanted = _with_limit(wanted, period.split("."), None if none else limit)
        found = budgets.set(p, wanted)
    return _tell_settings(found, as_json=as_json)


def _end(on_limit: str | None) -> str | dict[str, str] | None:
    return on_limit if on_limit in (None, "pause", "warn") else {"model": str(on_limit)}


def _with_limit(settings: dict[str, Any], place: Sequence[str], limit: dict[str, Any] | None) -> dict[str, Any]:
    """Return settings with a limit changed at a place, or without it."""
    name, *further = place
    if further:
        inner = _with_limit(settings.get(name, {}), further, limit)
        return {**settings, name: inner}
    if limit is None:
        return {key: value for key, value in settings.items() if key != name}
    return {**settings, name: {**settings.get(name, {}), **limit}}


def _tell_settings(found: Mapping[str, Any], *, as_json: bool) -> int:
    if as_json:
        document(found)
        return DONE
    each = found.get("workflow", {})
    limits = {**found, **{f"workflow.{name}": one for name, one in each.items()}}
    rows = [[one, *map(str, _cells(limits[one]))] for one in BudgetPeriod if one in limits]
    if rows:
        table(["BUDGET", "USD", "CALLS", "TOKENS", "AT THE LIMIT"], rows)
    else:
        say("No budgets are set. `orchestra budgets set day --usd 5` sets one.")
    if found.get("strict"):
        say("Strict: a model whose price is not known is not asked.")
    return DONE


def _cells(limit: Mapping[str, Any]) -> Sequence[Any]:
    end = limit.get("on_limit", "pause")
    return [
        *(limit.get(name, "") for name in ("usd", "calls", "tokens")),
        end["model"] if isinstance(end, dict) else end,
    ]


@group.command()
def resume(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Let runs that wait for a budget try again after you have raised it."""
    with opened(workspace, demo=demo) as session:
        run_ids = session.orchestra.budgets.resume(session.principal)
        runs = [follow(session, run_id, quiet=True)[0] for run_id in run_ids]
        if as_json:
            document({"runs": runs})
        elif not runs:
            say("No run waits for a budget.")
        else:
            for run in runs:
                report(session, run)
    return DONE


def _limits(one: BudgetRow, workflow: str, budgets: Sequence[BudgetRow]) -> bool:
    """Return whether a budget applies to this workflow: its own, or a default that no row of its own replaces."""
    if not one.is_default:
        return one.workflow == workflow
    return all((other.workflow, other.period) != (workflow, one.period) for other in budgets)


def _row(one: BudgetRow) -> list[str]:
    state = _STATES[one.state]
    common = "each workflow" if one.is_default else "all workflows"
    return [one.workflow or common, one.period, one.sentence, one.on_limit, state]


def _words(used: ModelUsage) -> str:
    unpriced = f", {used.unpriced_calls:,} of them without a known price" if used.unpriced_calls else ""
    reserved = f", and up to ${used.reserved_usd:,.4f} more for calls under way" if used.reserved_usd else ""
    tokens = used.tokens - used.reserved_tokens
    return f"${used.spent_usd:,.4f} in {counted(used.calls, 'call')} ({tokens:,} tokens{unpriced}){reserved}"


def _tell_paused(found: BudgetOverview) -> None:
    if found.paused_runs:
        waits = "waits" if len(found.paused_runs) == 1 else "wait"
        say(f"{counted(len(found.paused_runs), 'run')} {waits} for a budget. `orchestra budgets resume` lets them try.")
        if any(one.place.startswith("workflows/") for one in found.budgets):
            say("A budget in a workflow file: raise it there, then `orchestra runs resume RUN --newest`.")
