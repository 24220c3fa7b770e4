"""`approvals`: questions that runs ask a person, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.base.failures import DONE
from commands.base.following import follow, report
from commands.base.opened import Session, looked_at, opened
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say, table
from engine.base.statuses import RunStatus

if TYPE_CHECKING:
    from engine.runs.approvals import Approval

group = typer.Typer(help="Questions that runs ask people.", no_args_is_help=True, rich_markup_mode=None)

State = Literal["open", "approved", "rejected", "withdrawn", "any"]
Id = Annotated[str, typer.Argument(metavar="ID", help="The id of the question.")]
Comment = Annotated[str, typer.Option(help="A comment to add to the answer.")]


@group.command("list")
def list_(
    state: Annotated[State, typer.Option(help="Only questions in this state.")] = "open",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List questions, newest first."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.approvals.list(session.principal, None if state == "any" else state)
    if as_json:
        document({"approvals": found})
    elif found:
        table(["ID", "STATE", "WORKFLOW", "RUN", "QUESTION"], [_row(one) for one in found])
    else:
        say("No questions.")
    return DONE


def _row(one: Approval) -> list[str]:
    return [one.id, one.state, one.workflow, one.run_id, one.message]


@group.command()
def approve(
    question: Id, comment: Comment = "", demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """Approve a step; the run goes on."""
    with opened(workspace, demo=demo) as session:
        answered = session.orchestra.approvals.approve(session.principal, question, comment)
        return _gone_on(session, answered, as_json=as_json)


@group.command()
def reject(
    question: Id, comment: Comment = "", demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """Reject a step; the step that asked fails."""
    with opened(workspace, demo=demo) as session:
        answered = session.orchestra.approvals.reject(session.principal, question, comment)
        return _gone_on(session, answered, as_json=as_json)


def _gone_on(session: Session, answered: Approval, *, as_json: bool) -> int:
    """Report the answer and what happens to the run: it goes on here, or in the process that owns it."""
    run, _ = follow(session, answered.run_id, quiet=True)
    at_work = (RunStatus.WAITING, RunStatus.RUNNING)
    while run["parent_run_id"] and run["status"] not in at_work:  # the run that called it goes on, too
        run, _ = follow(session, run["parent_run_id"], quiet=True)
    if as_json:
        document({"approval": answered, "run": run})
        return DONE
    say(f"{answered.state.capitalize()}: {answered.message}")
    report(session, run)
    return DONE
