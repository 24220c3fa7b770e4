"""`start`: five steps to a run on your own mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.run_progress import finish
from commands.base.screen import document, note, say, table
from commands.base.session import opened
from commands.plan_text import finish_plan

if TYPE_CHECKING:
    from engine.first_run.steps import FirstRunState, FirstRunStep

group = typer.Typer(help="Five steps to a run on your own mail.", invoke_without_command=True, rich_markup_mode=None)

Choice = Annotated[str, typer.Argument(metavar="NAME", help="One of the choices that `orchestra start` names.")]
Target = Annotated[str, typer.Option("--in", metavar="NAME", help="The repository or database; default: the only one.")]
_COMMANDS = {
    "mailbox": "`orchestra start mailbox NAME`: {choices}",
    "model": "`orchestra start model NAME`: {choices}",
    "tasks": "`orchestra start tasks NAME --in PLACE`: {choices}",
    "plan": "`orchestra start plan`",
    "start": "`orchestra start apply`, or `orchestra triggers on {workflow}`",
}


@group.callback()
def start(context: typer.Context, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show the five steps to a run on your own mail, and the state of each."""
    if context.invoked_subcommand is not None:
        return DONE
    with opened(workspace, demo=demo) as session:
        state = session.orchestra.first_run.state(session.principal)
    return _told(state, as_json=as_json)


def _chooses(step: str, about: str) -> None:
    """Add the command that chooses what a step uses."""

    @group.command(step, help=f"Choose {about}, and check it. Exits with 1 if something is wrong.")
    def choose(choice: Choice, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
        return _chosen(step, choice, "", workspace, demo=demo, as_json=as_json)


_chooses("mailbox", "the mailbox: a mail service, or `demo`")
_chooses("model", "the model: a model service, or `none`")


@group.command()
def tasks(
    choice: Choice, target: Target = "", demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """Choose where tasks go: a service, or `none`, and check it. Exits with 1 if something is wrong."""
    return _chosen("tasks", choice, target, workspace, demo=demo, as_json=as_json)


@group.command()
def skip(
    step: Annotated[str, typer.Argument(metavar="STEP", help="mailbox, model, tasks, plan or start.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Skip a step; you can still do it later."""
    with opened(workspace, demo=demo) as session:
        state = session.orchestra.first_run.skip(session.principal, step)
    return _told(state, as_json=as_json)


@group.command()
def plan(
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Plan a run on your last mails: they are read and a model is asked, but nothing is written."""
    with opened(workspace, demo=demo) as session:
        is_asked, first_run = at_terminal(as_json=as_json), session.orchestra.first_run
        plan_id = agreed(first_run.plan, session.principal, yes=yes, names=confirm, is_asked=is_asked)
        return finish_plan(session, plan_id, as_json=as_json)


@group.command()
def apply(
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Execute exactly the newest plan."""
    with opened(workspace, demo=demo) as session:
        is_asked, first_run = at_terminal(as_json=as_json), session.orchestra.first_run
        run_id = agreed(first_run.apply, session.principal, yes=yes, names=confirm, is_asked=is_asked)
        return finish(session, run_id, as_json=as_json)


def _chosen(step: str, choice: str, target: str, workspace: Workspace, *, demo: bool, as_json: bool) -> int:
    with opened(workspace, demo=demo) as session:
        state = session.orchestra.first_run.choose(session.principal, step, choice, target)
    code = _told(state, as_json=as_json)
    chosen = next(one for one in state["steps"] if one["id"] == step)
    for line in chosen["lines"]:
        if not line.ok and not as_json:
            note(f"{line.what}: {line.text}")
    return FAILED if chosen["state"] == "failed" else code


def _told(state: FirstRunState, *, as_json: bool) -> int:
    if as_json:
        document(state)
        return DONE
    rows = [[number, one["title"], one["state"], one["sentence"]] for number, one in enumerate(state["steps"], 1)]
    table(["", "STEP", "STATE", ""], rows)
    following = next((one for one in state["steps"] if one["state"] in ("open", "failed")), None)
    say(f"Next: {_command(following, state)}" if following else "All is set up.")
    return DONE


def _command(step: FirstRunStep, state: FirstRunState) -> str:
    said = _COMMANDS[step["id"]].format(choices=", ".join(step["choices"]), workflow=state["workflow"] or "NAME")
    return f"{said}. To leave it out: `orchestra start skip {step['id']}`."
