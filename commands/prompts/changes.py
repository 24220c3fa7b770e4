"""`prompts new, copy, rename, delete, versions, save-version, label, protect`: changes other than editing."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from clients.wording import counted
from commands.base.changed_files import deleted, renamed
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import WORD_MARKS, document, note, say, table
from commands.base.session import CommandSession, looked_at, opened
from commands.prompts.options import Name
from engine.base.step_tree import AGENT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.base.problem import Problem
    from engine.prompts.prompt_files import PromptFile
    from engine.runs.prompt_tries.prompt_differences import PromptDifference

New = Annotated[str, typer.Argument(metavar="NEW", help="The new name: lower-case letters, digits, '-' and '_'.")]
Reason = Annotated[
    str,
    typer.Option(metavar="TEXT", help="Why a protected label moves although not all cases pass; stored in the file."),
]
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
    report(made, said, as_json=as_json)
    return DONE


def copy(name: Name, new: New, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Copy a prompt with its versions, labels and cases, titled "Copy of …"."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.prompts.duplicate(session.principal, name, new)
    report(made, f"The prompt {new!r} is a copy of {name!r}.", as_json=as_json)
    return DONE


def rename(name: Name, new: New, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Rename a prompt, also in the workflows that use it."""
    with opened(workspace, demo=demo) as session:
        changed = session.orchestra.prompts.rename(session.principal, name, new)
    return renamed("prompt", name, new, changed, "workflows", as_json=as_json)


def delete(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Move a prompt to the trash. Refused while a workflow uses it."""
    with opened(workspace, demo=demo) as session:
        trash = session.orchestra.prompts.delete(session.principal, name)
    return deleted("prompt", name, trash, as_json=as_json)


def versions(
    name: Name,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Show how two versions differ instead: numbers, labels or draft."),
    ] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the saved versions of a prompt with their labels, newest first."""
    if diff is not None:
        return _differences(name, diff, demo, workspace, as_json=as_json)
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.prompts.versions(session.principal, name)
        users = session.orchestra.prompts.users(session.principal, name)
        changed = session.orchestra.prompts.get(session.principal, name).changed_fragments
    if as_json:
        document({"versions": found, "used_by": users})
        return DONE
    if found:
        table(["VERSION", "LABELS"], [[one.version, ", ".join(one.labels)] for one in found])
    else:
        say(f"{name} has no saved version yet. {_SAVE.format(name)} saves one.")
    say(f"Used by: {', '.join(users) or 'no workflow'}.")
    for one in changed:
        say(f"The fragment {one} has changed since the production version was saved.")
    return DONE


def _differences(name: str, between: tuple[str, str], demo: Demo, workspace: Workspace, *, as_json: bool) -> int:
    from engine.runs.prompt_tries.prompt_differences import differences_between

    before, after = between
    with looked_at(workspace, demo=demo) as session:
        found = differences_between(session.orchestra.prompts, session.principal, name, before, after)
    if as_json:
        document({"differences": found})
        return DONE
    say_differences(found)
    return DONE


def say_differences(found: Sequence[PromptDifference]) -> None:
    """Say how two texts differ, part by part."""
    from engine.runs.prompt_tries.prompt_differences import in_context

    for one in found:
        texts = in_context(one["texts"])
        say(f"{one['part']}:")
        say(indent("".join(WORD_MARKS[part["change"]].format(part["text"]) for part in texts), "  "))
    if not found:
        say("Both texts are the same.")


def save_version(
    name: Name,
    label: Annotated[str | None, typer.Option(help="Set this label on it, such as production.")] = None,
    reason: Reason = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Save the draft as the next version, which never changes."""
    with opened(workspace, demo=demo) as session:
        prompts, p = session.orchestra.prompts, session.principal
        file = prompts.get(p, name)
        number = prompts.save_version(p, name, file.text, file.etag, label, reason)
        hurt = _hurt(session, name)
    if as_json:
        document({"version": number, "labels": [label] if label else []})
    else:
        say(f"{name} now has version {number}" + (f", labelled {label}." if label else "."))
    _tell(hurt)
    return DONE


def declare(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Declare the variables that the draft uses and does not declare, as strings."""
    with opened(workspace, demo=demo) as session:
        names = session.orchestra.prompts.declare(session.principal, name)
    if as_json:
        document({"declared": names})
    elif names:
        say(f"{name} now declares: {', '.join(names)}.")
    else:
        say(f"{name} uses no undeclared variable.")
    return DONE


def label(
    name: Name,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Such as production or staging.")],
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", min=1, help="The version it points to from now on.")
    ] = None,
    is_removed: Annotated[bool, typer.Option("--remove", help="Remove the label instead.")] = False,
    reason: Reason = "",
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
            prompts.set_label(p, name, label, version, reason)
        file = prompts.get(p, name)
        hurt = _hurt(session, name)
    if as_json:
        document(file)
    else:
        said = f"is now on version {version} of {name}" if version else f"is removed from {name}"
        say(f"The label {label!r} {said}.")
    _tell(hurt)
    return DONE


def tag(
    name: Name,
    add: Annotated[list[str] | None, typer.Option(metavar="TAG", help="A tag to add; may be repeated.")] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="TAG", help="A tag to remove; may be repeated.")] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Add or remove tags of a prompt, without a new version; without options, show them."""
    if add or remove:
        with opened(workspace, demo=demo) as session:
            tags = session.orchestra.prompts.tag(session.principal, name, add or [], remove or [])
    else:
        with looked_at(workspace, demo=demo) as look:
            tags = look.orchestra.prompts.get(look.principal, name).tags
    if as_json:
        document({"tags": tags})
    else:
        say(f"Tags of {name}: {', '.join(tags) or 'none'}.")
    return DONE


def protect(
    name: Name,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Such as production.")],
    is_off: Annotated[bool, typer.Option("--off", help="Remove the protection.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Allow a label to move only to a version whose cases pass, or with a reason."""
    with opened(workspace, demo=demo) as session:
        prompts, p = session.orchestra.prompts, session.principal
        (prompts.unprotect if is_off else prompts.protect)(p, name, label)
        file = prompts.get(p, name)
    if as_json:
        document(file)
    elif is_off:
        say(f"The label {label!r} of {name} moves freely again.")
    else:
        say(f"The label {label!r} of {name} now moves only to a version whose cases pass, or with a reason.")
    return DONE


def _hurt(session: CommandSession, name: str) -> list[Problem]:
    """Return the problems of the workflows and agents that use a prompt."""
    orchestra, p = session.orchestra, session.principal
    found = []
    for user in orchestra.prompts.users(p, name):
        agent = user.removeprefix(AGENT_PREFIX)
        found += (orchestra.workflows if agent == user else orchestra.agents).get(p, agent).problems
    return found


def _tell(problems: Sequence[Problem]) -> None:
    for one in problems:
        note(f"A workflow or agent that uses the prompt has a problem. {one}")


def report(made: PromptFile, said: str, *, as_json: bool) -> None:
    """Say that a prompt was made, and whether it has problems."""
    if as_json:
        document(made)
        return
    say(said)
    errors = [one for one in made.problems if one.severity == "error"]
    if errors:
        note(f"It has {counted(len(errors), 'problem')}: `orchestra validate` names them.")
