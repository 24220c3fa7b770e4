"""`plans`: what runs would write, and applying that."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.run_progress import finish
from commands.base.screen import document, local_time, say, table
from commands.base.session import opened
from commands.plan_text import finish_plan, report_plan

group = typer.Typer(
    help="Plans: what runs would write. `orchestra run NAME --plan` makes one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

PlanId = Annotated[str, typer.Argument(metavar="ID", help="The id of the plan.")]


@group.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most this many.")] = 50,
    before: Annotated[str | None, typer.Option(metavar="ID", help="Only plans older than this one.")] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List plans, newest first."""
    with opened(workspace, demo=demo) as session:
        page = session.orchestra.plans.list(session.principal, before=before, limit=limit)
        zone = session.orchestra.config.time_zone
    if as_json:
        document(page)
    elif page["plans"]:
        rows = [
            [one["plan_id"], one["state"], one["workflow"], local_time(one["made_at"], zone), one["sentence"]]
            for one in page["plans"]
        ]
        table(["ID", "STATE", "WORKFLOW", "MADE", "PLAN"], rows)
    else:
        say("No plans. `orchestra run NAME --plan` makes one.")
    return DONE


@group.command()
def show(plan_id: PlanId, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show a plan: each write as it would be made."""
    with opened(workspace, demo=demo) as session:
        plan = session.orchestra.plans.show(session.principal, plan_id)
        if as_json:
            document(plan)
            return DONE
        return report_plan(plan, session.orchestra.config.time_zone)


@group.command()
def again(
    plan_id: PlanId,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Make a new plan of the same workflow, as it is now, with the inputs of a plan."""
    with opened(workspace, demo=demo) as session:
        is_asked, plans = at_terminal(as_json=as_json), session.orchestra.plans
        new_id = agreed(lambda p: plans.again(p, plan_id), session.principal, yes=yes, names=confirm, is_asked=is_asked)
        return finish_plan(session, new_id, as_json=as_json)


@group.command()
def apply(
    plan_id: PlanId,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Execute exactly a plan. Stops before anything is written if the world has changed since."""
    with opened(workspace, demo=demo) as session:
        is_asked, plans = at_terminal(as_json=as_json), session.orchestra.plans
        run_id = agreed(lambda p: plans.apply(p, plan_id), session.principal, yes=yes, names=confirm, is_asked=is_asked)
        return finish(session, run_id, as_json=as_json)
