"""`prompts new, copy, rename, delete, versions, save-version, label`: changes to prompts other than editing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from clients.plural import counted
from commands.base.failures import DONE
from commands.base.opened import looked_at, opened
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, note, say, table

if TYPE_CHECKING:
    from engine.prompts.prompt_files import PromptFile

Name = Annotated[str, typer.Argument(metavar="NAME", help="The prompt.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="The new name: lower-case letters, digits, '-' and '_'.")]
_SAVE = "`orchestra prompts save-version {} --label production`"


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: lower-case letters, digits, '-' and '_'.")],
    title: Annotated[str, typer.Option(help="Its title; default: made from the name.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create a prompt. Workflows can use it once a version is saved."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.prompts.create(session.principal, name, title)
        folder = session.orchestra.workspace.prompts.folder
    said = f"{folder / name}.json is created. Workflows can use it after {_SAVE.format(name)}."
    _report(made, said, as_json=as_json)
    return DONE


def copy(name: Name, new: New, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Copy a prompt with its versions, labels and cases, titled "Copy of …"."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.prompts.duplicate(session.principal, name, new)
    _report(made, f"The prompt {new!r} is a copy of {name!r}.", as_json=as_json)
    return DONE


def rename(name: Name, new: New, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Rename a prompt, also in the workflows that use it."""
    with opened(workspace, demo=demo) as session:
        changed = session.orchestra.prompts.rename(session.principal, name, new)
    if as_json:
        document({"prompt": new, "workflows": changed})
        return DONE
    say(f"The prompt {name!r} is now called {new!r}.")
    if changed:
        say(f"Also changed: {', '.join(changed)}.")
    return DONE


def delete(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Move a prompt to the trash. Refused while a workflow uses it."""
    with opened(workspace, demo=demo) as session:
        trash = session.orchestra.prompts.delete(session.principal, name)
    if as_json:
        document({"prompt": name, "trash": str(trash)})
    else:
        say(f"The prompt {name!r} is in {trash}; move its files back to restore it.")
    return DONE


def versions(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the saved versions of a prompt with their labels, newest first."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.prompts.versions(session.principal, name)
        users = session.orchestra.prompts.users(session.principal, name)
    if as_json:
        document({"prompt": name, "versions": [asdict(one) for one in found], "used_by": users})
        return DONE
    if found:
        table(["VERSION", "LABELS"], [[one.version, ", ".join(one.labels)] for one in found])
    else:
        say(f"{name} has no saved version yet. {_SAVE.format(name)} saves one.")
    say(f"Used by: {', '.join(users) or 'no workflow'}.")
    return DONE


def save_version(
    name: Name,
    label: Annotated[str | None, typer.Option(help="Set this label on it, such as production.")] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Save the working text as the next version, which never changes."""
    with opened(workspace, demo=demo) as session:
        prompts, p = session.orchestra.prompts, session.principal
        file = prompts.get(p, name)
        number = prompts.save_version(p, name, file.text, file.etag, label)
    if as_json:
        document({"prompt": name, "version": number, "label": label})
    else:
        say(f"{name} now has version {number}" + (f", labelled {label}." if label else "."))
    return DONE


def label(
    name: Name,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Such as production or staging.")],
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", min=1, help="The version it points to from now on.")
    ] = None,
    is_removed: Annotated[bool, typer.Option("--remove", help="Remove the label instead.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Set, move or remove a label of a prompt. Runs that start from now on use it."""
    if is_removed == (version is not None):
        raise typer.BadParameter("Give either a version or --remove.")
    with opened(workspace, demo=demo) as session:
        prompts, p = session.orchestra.prompts, session.principal
        if version is None:
            prompts.remove_label(p, name, label)
        else:
            prompts.set_label(p, name, label, version)
        labels = prompts.get(p, name).labels
    if as_json:
        document({"prompt": name, "labels": labels})
    else:
        said = f"is now on version {version} of {name}" if version else f"is removed from {name}"
        say(f"The label {label!r} {said}.")
    return DONE


def _report(made: PromptFile, said: str, *, as_json: bool) -> None:
    if as_json:
        problems = [one.as_json() for one in made.problems]
        document({"prompt": made.name, "etag": made.etag, "versions": made.versions, "problems": problems})
        return
    say(said)
    errors = [one for one in made.problems if one.severity == "error"]
    if errors:
        note(f"It has {counted(len(errors), 'problem')}: `orchestra validate` names them.")
