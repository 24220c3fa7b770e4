"""`workflows branch`, `branches`, `merge`, `delete-branch`: make, list, merge and delete copies of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from clients.wording import counted
from commands.base.agreeing import say_new
from commands.base.failures import DONE, FAILED
from commands.base.inputs import by_name
from commands.base.options import Demo, Json, Workspace, workflow_name
from commands.base.screen import document, note, say
from commands.base.session import looked_at, opened

if TYPE_CHECKING:
    from engine.runs.branches.merging import Merging
    from engine.workflows.merging.conflicts import Choice

Name = Annotated[str, typer.Argument(metavar="NAME", help="The workflow.", callback=workflow_name)]
Branch = Annotated[str, typer.Argument(metavar="BRANCH", help="The branch.")]


def branch(
    name: Name,
    branch: Branch,
    version: Annotated[
        str,
        typer.Option("--from", metavar="VERSION", help="A saved version: its id, number or label; default: the file."),
    ] = "current",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create a branch, NAME@BRANCH: a copy of a workflow that no trigger and no other workflow runs."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.branches.create(session.principal, name, branch, version)
    if as_json:
        document(made)
        return DONE
    say(f"The branch {made.name} is made. `orchestra run {made.name} --demo` runs it,")
    say(f"and `orchestra workflows merge {name} {branch} --check` shows what merging it would change.")
    return DONE


def branches(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the branches of a workflow: what each has changed, and what has changed in the workflow since."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.branches.list(session.principal, name)
    if as_json:
        document({"branches": found})
        return DONE
    if not found:
        say(f"{name} has no branches. `orchestra workflows branch {name} BRANCH` makes one.")
    for one in found:
        if one.error:
            say(f"{one.name}: {one.error}")
            continue
        ahead, behind = counted(len(one.ahead), "change"), counted(len(one.behind), "change")
        say(f"{one.name}: {ahead}, and {behind} in {name} since it was made.")
        for line in one.ahead:
            say(f"  In the branch: {line}.")
        for line in one.behind:
            say(f"  In {name}: {line}.")
        if one.unsaved_by:
            say(f"  Unsaved changes of {', '.join(one.unsaved_by)}.")
    return DONE


def merge(
    name: Name,
    branch: Branch,
    is_check: Annotated[
        bool, typer.Option("--check", help="Only show what would change, and what prevents it.")
    ] = False,
    take: Annotated[
        list[str] | None,
        typer.Option("--take", metavar="PLACE=main|branch", help="Which side to take where both have changed a place."),
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="PLACE=JSON", help="Your own value for a field that both have changed."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the branch; it continues from the merged text.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Apply the changes of a branch to its workflow. Refused while a conflict is undecided."""
    choices = _choices(take or [], value or [])
    with opened(workspace, demo=demo) as session:
        found = session.orchestra.branches.check(session.principal, name, branch, choices)
        if not is_check and not found.problems:
            found = session.orchestra.branches.merge(
                session.principal,
                name,
                branch,
                choices,
                known_etag=found.etag,
                branch_etag=found.branch_etag,
                keep=keep,
            )
    if as_json:
        document(found)
    else:
        _show(found)
    return FAILED if found.problems else DONE


def _choices(take: list[str], value: list[str]) -> dict[str, Choice]:
    from engine.base.errors import InvalidInput
    from engine.documents.json_file import typed_value
    from engine.workflows.merging.conflicts import SIDES, Value

    chosen: dict[str, Choice] = {}
    for place, side in by_name(take, "a conflict").items():
        if side not in SIDES:
            raise InvalidInput(f"{place} can be taken from main or branch, not {side!r}.", remedy="Write one of them.")
        chosen[place] = side
    for place, text in by_name(value, "a conflict").items():
        chosen[place] = Value(typed_value(text, f"The value for {place!r}"))
    return chosen


def _show(found: Merging) -> None:
    from engine.runs.branches.merging import CONFLICT

    verb = "changes" if found.is_done else "would change"
    say(f"Merging {found.name} {verb} {found.workflow}:")
    for one in found.differences or ["Nothing that has an effect has changed"]:
        say(f"  {one}.")
    for conflict in found.conflicts:
        say(f"Conflict at {conflict.place}" + (f", taken: {conflict.taken}" if conflict.taken else ""))
        say(f"  In {found.workflow}: {conflict.in_main}.")
        say(f"  In the branch: {conflict.in_branch}.")
    say_new(found)
    for problem in found.problems:
        note(problem.remedy if problem.code == CONFLICT else f"{problem.severity}: {problem}")
    if found.is_done:
        say(f"{found.workflow} is saved. {_fate(found)}")


def _fate(found: Merging) -> str:
    if found.branch_is == "goes_on":
        return "The branch goes on from it."
    if found.branch_is == "in_trash":
        return "The branch is in the trash."
    why = (
        f"{', '.join(found.unsaved_by)} did not save all changes of it" if found.unsaved_by else "it has changed since"
    )
    return f"The branch is kept, because {why}."


def delete_branch(
    name: Name, branch: Branch, demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """Move a branch to the trash; the workflow stays as it is."""
    with opened(workspace, demo=demo) as session:
        deleted = session.orchestra.branches.delete(session.principal, name, branch)
    if as_json:
        document({"name": branch, "trash": deleted.trash.name, "unsaved_by": deleted.unsaved_by})
    else:
        say(f"The branch {branch!r} of {name!r} is in {deleted.trash}.")
        if deleted.unsaved_by:
            note(f"Unsaved changes of {', '.join(deleted.unsaved_by)} are there, too.")
    return DONE
