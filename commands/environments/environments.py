"""`env`: environments, what they set, and promoting workflows from one to another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from commands.base.failures import DONE, FAILED
from commands.base.inputs import by_name
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, local_time, note, say, table
from commands.base.session import looked_at, opened
from commands.environments.promotion import Workflow

if TYPE_CHECKING:
    from engine.runs.environments.reader import EnvironmentStatus

group = typer.Typer(
    help="Environments: which version of a workflow runs where, with which connections and variables.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="The environment, such as dev or prod.")]


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the environments."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.environments.list(session.principal)
    if as_json:
        document({"environments": found})
        return DONE
    if not found:
        say("There are no environments: every run uses the file as it is. `orchestra env init` makes dev and prod.")
        return DONE
    rows = [[one.name, "yes" if one.is_default else "", len(one.workflows), _others(one), one.title] for one in found]
    table(["ENVIRONMENT", "DEFAULT", "PROMOTED", "OTHER WORKFLOWS", "TITLE"], rows)
    for one in found:
        if one.error:
            note(f"{one.name}: {one.error}")
    return DONE


def _others(one: EnvironmentStatus) -> str:
    return {"current": "file as it is", "none": "do not run"}.get(one.others, one.others)


@group.command()
def show(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show an environment: its workflows, connections and variables."""
    with looked_at(workspace, demo=demo) as session:
        one = session.orchestra.environments.get(session.principal, name)
        zone = session.orchestra.config.time_zone
    if as_json:
        document(one)
        return DONE
    say(f"{one.name}{' (default)' if one.is_default else ''}: {one.title or one.name}")
    if one.error:
        note(one.error)
    for written, target in one.connections.items():
        say(f"  connection {written} is {'its demo' if target == 'demo' else target}")
    for variable, value in one.variables.items():
        say(f"  {variable} = {json.dumps(value, ensure_ascii=False)}")
    rows = [
        [
            workflow,
            entry.version,
            local_time(entry.promoted_at, zone) if entry.promoted_at else "",
            entry.promoted_by,
            ", ".join(str(before.version) for before in entry.earlier[::-1]),
            "here" if entry.triggers else "",
        ]
        for workflow, entry in one.workflows.items()
    ]
    if rows:
        table(["WORKFLOW", "VERSION", "PROMOTED", "BY", "BEFORE", "TRIGGERS"], rows)
    say(f"Other workflows: {_others(one)}.")
    return DONE


@group.command()
def init(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Create `dev`, where files run as they are, and `prod`, where promoted versions run. Runs use dev by default."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.environments.init(session.principal)
    if as_json:
        document({"environments": found})
        return DONE
    say(f"environments/dev.json and environments/prod.json are made. Runs and triggers use {found[0].name}.")
    say("`orchestra env promote WORKFLOW --to prod` lets prod run a workflow as it is now.")
    return DONE


@group.command()
def new(
    name: Name,
    title: Annotated[str, typer.Option(help="Its title.")] = "",
    others: Annotated[
        Literal["current", "none"],
        typer.Option(help="Workflows that are not promoted run their file as it is (current), or do not run (none)."),
    ] = "current",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create another environment."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.environments.create(session.principal, name, title, others)
    return _told(made, f"environments/{name}.json is made.", as_json=as_json)


@group.command()
def delete(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Move an environment to the trash."""
    with opened(workspace, demo=demo) as session:
        trash = session.orchestra.environments.delete(session.principal, name)
    if as_json:
        document({"name": name, "trash": trash.name})
    else:
        say(f"The environment {name!r} is in {trash}.")
    return DONE


@group.command("set")
def set_(
    name: Name,
    pairs: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Numbers, true, lists: as JSON.")],
    is_text: Annotated[bool, typer.Option("--text", help="Treat each value as text, even 5 or true.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Set variables: `{{ env.NAME }}` in the workflows that run there."""
    values = {key: text if is_text else _typed(key, text) for key, text in by_name(pairs, "a variable").items()}
    with opened(workspace, demo=demo) as session:
        changed = session.orchestra.environments.set_variables(session.principal, name, values)
    return _told(changed, f"{name}: {', '.join(values)} set.", as_json=as_json)


def _typed(name: str, text: str) -> Any:
    from engine.documents.json_file import typed_value_or_text

    value = typed_value_or_text(text, f"The value of {name!r}", "With --text, it is taken as it is.")
    return text if value is None else value


@group.command()
def unset(
    name: Name,
    variables: Annotated[list[str], typer.Argument(metavar="NAME...", help="The variables.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Remove variables; refused if a workflow that runs there needs one."""
    with opened(workspace, demo=demo) as session:
        environments = session.orchestra.environments
        changed = environments.set_variables(session.principal, name, dict.fromkeys(variables))
    return _told(changed, f"{name}: {', '.join(variables)} removed.", as_json=as_json)


@group.command()
def connect(
    name: Name,
    pairs: Annotated[
        list[str],
        typer.Argument(metavar="NAME=CONNECTION...", help="work=work-test, work=demo; work=work undoes it."),
    ],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Use another connection, or the demo, in place of a connection that workflows name."""
    wanted: dict[str, str | None] = {**by_name(pairs, "a connection")}
    with opened(workspace, demo=demo) as session:
        changed = session.orchestra.environments.connect(session.principal, name, wanted)
    said = ", ".join(f"{key} is {'its demo' if target == 'demo' else target}" for key, target in wanted.items())
    return _told(changed, f"In {name}, {said}.", as_json=as_json)


@group.command()
def default(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Choose the environment of runs and triggers that name none."""
    with opened(workspace, demo=demo) as session:
        environments, p = session.orchestra.environments, session.principal
        environments.set_default(p, name)
        changed = environments.get(p, name)
    if as_json:
        document(changed)
    else:
        say(f"Runs and triggers that name no environment are in {name} now (config.yaml: default_environment).")
    return DONE


@group.command()
def triggers(
    workflow: Workflow, name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """Let the triggers of a workflow start their runs in an environment."""
    with opened(workspace, demo=demo) as session:
        environments, p = session.orchestra.environments, session.principal
        environments.move_triggers(p, workflow, name)
        changed = environments.get(p, name)
    if as_json:
        document(changed)
    else:
        say(f"The triggers of {workflow} start runs in {name}. `orchestra triggers status {workflow}` shows them.")
    return DONE


@group.command()
def check(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Compile every workflow that runs in an environment. Exits with 1 if one has an error."""
    with opened(workspace, demo=demo) as session:
        problems = session.orchestra.environments.problems(session.principal, name)
    if as_json:
        document({"problems": [one.as_json() for one in problems]})
    else:
        for one in problems:
            note(f"{one.severity}: {one}")
        say("Every workflow can run there." if not problems else f"{len(problems)} problems found.")
    return FAILED if problems else DONE


def _told(changed: EnvironmentStatus, said: str, *, as_json: bool) -> int:
    if as_json:
        document(changed)
    else:
        say(said)
    return DONE
