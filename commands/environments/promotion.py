"""`env promote`, `env rollback`, `env remove`: which version of a workflow an environment runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.agreeing import at_terminal, say_new
from commands.base.failures import DONE, FAILED, Declined
from commands.base.options import Demo, Json, Workspace, workflow_name
from commands.base.screen import document, note, say
from commands.base.session import opened

if TYPE_CHECKING:
    from engine.runs.environments.promotion import Promotion

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="The workflow.", callback=workflow_name)]
To = Annotated[str, typer.Option("--to", metavar="ENVIRONMENT", help="The environment to promote it to.")]


def promote(
    workflow: Workflow,
    to: To,
    from_: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="ENVIRONMENT",
            help="The environment whose version to promote; default: the default environment.",
        ),
    ] = "",
    version: Annotated[
        str, typer.Option(metavar="VERSION", help="A saved version instead: its id, number or label.")
    ] = "",
    is_check: Annotated[
        bool, typer.Option("--check", help="Only show what would change, and what prevents it.")
    ] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Let an environment run the version that another one runs, or a saved one. Refused while a check fails."""
    with opened(workspace, demo=demo) as session:
        environments, p = session.orchestra.environments, session.principal
        source = from_ or ("" if version else next(iter(environments.names(p)), ""))
        act = environments.check_promotion if is_check else environments.promote
        found = act(p, workflow, source, to, version=version)
    if as_json:
        document(found)
    else:
        _show(found)
    return FAILED if found.problems else DONE


def rollback(
    workflow: Workflow,
    name: Annotated[str, typer.Option("--in", metavar="ENVIRONMENT", help="The environment.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Let an environment run the version of a workflow that it ran before."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.environments.roll_back(session.principal, workflow, name)
    if as_json:
        document(found)
    else:
        _show(found)
    return DONE


def remove(
    workflow: Workflow,
    name: Annotated[str, typer.Option("--from", metavar="ENVIRONMENT", help="The environment.")],
    triggers_to: Annotated[
        str,
        typer.Option(metavar="ENVIRONMENT", help="Agree that its triggers then start runs there; default: ask."),
    ] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Remove a workflow from an environment; its version is kept."""
    with opened(workspace, demo=demo) as session:
        environments, p = session.orchestra.environments, session.principal
        removal = environments.check_removal(p, workflow, name)
        if removal.triggers and not triggers_to and at_terminal(as_json=as_json):
            say(f"Its triggers start runs in {name}. {removal.triggers}")
            if not typer.confirm("Take it out?"):
                raise Declined("Nothing was changed.")
            triggers_to = removal.triggers_to
        found = environments.remove(p, workflow, name, triggers_to)
    if as_json:
        document(found)
        return DONE
    what = "the file as it is" if found.version == "current" else f"version {found.version}"
    say(f"{workflow} is taken out of {name}, where it was {what}. {found.then}")
    if found.triggers:
        say(f"Its triggers started runs there. {found.triggers}")
    return DONE


def _show(found: Promotion) -> None:
    before = "nothing" if found.before is None else f"version {found.before}"
    verb = "runs" if found.is_done else "would run"
    say(f"{found.target} {verb} version {found.version} of {found.workflow}; before: {before}.")
    for one in found.differences or ["Nothing that has an effect has changed"]:
        say(f"  {one}.")
    say_new(found)
    for problem in found.problems:
        note(f"{problem.severity}: {problem}")
