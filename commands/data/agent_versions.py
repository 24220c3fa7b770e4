"""`agents versions`, `save-version`, `label`, `diff`, `restore`: kept texts of agents."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.changed_files import restored, say_labelled_versions
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say
from commands.base.session import looked_at, opened

Name = Annotated[str, typer.Argument(metavar="AGENT", help="The name of the agent.")]
_VERSION = "A number, a label, the id of a saved text, or `current`: the file as it is"


def versions(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the last 20 saved texts of an agent, newest first, then the older versions that have a number."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.agent_versions.list(session.principal, name)
        users = session.orchestra.agents.users(session.principal, name)
        zone = session.orchestra.config.time_zone
    if as_json:
        document({"versions": found, "used_by": users})
        return DONE
    say_labelled_versions(found, zone)
    say(f"Used by: {', '.join(users) or 'no workflow'}.")
    return DONE


def save_version(
    name: Name,
    label: Annotated[str, typer.Option(help="Set this label on it, such as production.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Save the file as a numbered version, which never changes."""
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.agent_versions.save(session.principal, name, label)
    if as_json:
        document(found)
    else:
        labelled = f", labelled {label}" if label else ""
        say(f"The file is version {found.number} of {name}{labelled}. Steps name it as {name}@{found.number}.")
    return DONE


def label(
    name: Name,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Such as production or staging.")],
    version: Annotated[str, typer.Argument(metavar="[VERSION]", help=f"{_VERSION}; default: current.")] = "current",
    is_removed: Annotated[bool, typer.Option("--remove", help="Remove the label instead.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Set, move or remove a label of an agent. Runs that start from now on use it."""
    if is_removed and version != "current":
        raise typer.BadParameter("Give either a version or --remove.")
    with opened(workspace, demo=demo) as session:
        area, p = session.orchestra.agent_versions, session.principal
        found = area.remove_label(p, name, label) if is_removed else area.label(p, name, label, version)
    if as_json:
        document(found)
    else:
        said = f"is removed from {name}" if is_removed else f"is now on version {found.number} of {name}"
        say(f"The label {label!r} {said}.")
    return DONE


def diff(
    name: Name,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help=f"{_VERSION}.")],
    after: Annotated[str, typer.Argument(metavar="[AFTER]", help="The same; default: current.")] = "current",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show how two texts of an agent differ, word by word."""
    from commands.prompts.changes import say_differences

    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.agent_versions.differences(session.principal, name, before, after)
    if as_json:
        document({"differences": found})
    else:
        say_differences(found)
    return DONE


def restore(
    name: Name,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A number, a label, or the id of a saved text.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Save an earlier text of an agent again. The current one is kept, too."""
    with opened(workspace, demo=demo) as session:
        orchestra, p = session.orchestra, session.principal
        found = orchestra.agent_versions.restore(p, name, version, orchestra.agents.get(p, name).etag)
    return restored("agent", name, version, found, as_json=as_json)
