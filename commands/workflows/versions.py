"""`workflows versions`, `diff`, `restore`, `label`: kept texts of workflows, and the labels that people give them."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.changed_files import restored, say_labelled_versions
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say
from commands.base.session import looked_at, opened

Name = Annotated[str, typer.Argument(metavar="NAME", help="The workflow.")]
_VERSION = "The id of a saved text, a number or a label"


def versions(
    name: Name,
    search: Annotated[str, typer.Option(metavar="TEXT", help="Only those with this text in a label.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the last 20 saved texts of a workflow, newest first, then the older versions that have a number."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.versions.list(session.principal, name)
        zone = session.orchestra.config.time_zone
    if search:
        found = [one for one in found if any(search.casefold() in label.casefold() for label in one.labels)]
    if as_json:
        document({"versions": found})
        return DONE
    say_labelled_versions(found, zone)
    return DONE


def diff(
    name: Name,
    old: Annotated[str, typer.Argument(metavar="[OLD]", help="A version, or `current`; default: before NEW.")] = "",
    new: Annotated[str, typer.Argument(metavar="[NEW]", help="A version, or `current`; default: the file.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show in sentences what has changed between two versions of a workflow; by default, in the last save."""
    with looked_at(workspace, demo=demo) as session:
        said = session.orchestra.versions.differences(session.principal, name, old, new)
    if as_json:
        document({"differences": said})
        return DONE
    for one in said:
        say(f"{one}.")
    if not said:
        say("Nothing that has an effect has changed.")
    return DONE


def restore(
    name: Name,
    version: Annotated[str, typer.Argument(metavar="VERSION", help=f"{_VERSION}.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Save an earlier text of a workflow again. The current one is kept, too."""
    with opened(workspace, demo=demo) as session:
        orchestra, p = session.orchestra, session.principal
        found = orchestra.versions.restore(p, name, version, orchestra.workflows.get(p, name).etag)
    return restored("workflow", name, version, found, as_json=as_json)


def label(
    name: Name,
    label: Annotated[str, typer.Argument(metavar="LABEL", help='Such as "before the rewrite".')],
    version: Annotated[
        str, typer.Argument(metavar="[VERSION]", help=f"{_VERSION}; default: the file as it is.")
    ] = "current",
    rename: Annotated[str, typer.Option(metavar="NEW", help="Change the text of the label instead.")] = "",
    is_removed: Annotated[bool, typer.Option("--remove", help="Remove the label; the version stays.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Name a version of a workflow. The name is accepted wherever a version is, and the version is never removed."""
    if is_removed + bool(rename) + (version != "current") > 1:
        raise typer.BadParameter("give one of VERSION, --rename and --remove")
    with opened(workspace, demo=demo) as session:
        area, p = session.orchestra.versions, session.principal
        if is_removed:
            found, said = area.remove_label(p, name, label), f"The label {label!r} is removed."
        elif rename:
            found, said = area.rename_label(p, name, label, rename), f"The label {label!r} is now {rename!r}."
        else:
            found, said = area.label(p, name, label, version), ""
    if as_json:
        document(found)
    else:
        say(said or f"Version {found.number} of {name} is {label!r}.")
    return DONE
