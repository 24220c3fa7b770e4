"""`orchestra fragments`: texts that several prompts share."""

from __future__ import annotations

from typing import Annotated

import typer

from clients.wording import counted
from commands.base.changed_files import deleted, renamed, say_versions
from commands.base.failures import DONE
from commands.base.inputs import text_in
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import WORD_MARKS, document, note, raw, say, table
from commands.base.session import looked_at, opened

group = typer.Typer(help="Texts that several prompts share.", no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The fragment.")]


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the fragments with the prompts and fragments that name them."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.fragments.list(session.principal)
    if as_json:
        document({"fragments": found})
        return DONE
    rows = [
        [one.name, one.problems or "", ", ".join(one.used_by), ", ".join(one.used_in), one.text.partition("\n")[0]]
        for one in found
    ]
    table(["FRAGMENT", "PROBLEMS", "PROMPTS", "FRAGMENTS", "TEXT"], rows)
    return DONE


@group.command()
def show(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show the text of a fragment, and what names it."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.fragments.get(session.principal, name)
    if as_json:
        document(found)
        return DONE
    raw(found.text)
    users = [*found.used_by, *(f"the fragment {one}" for one in found.used_in)]
    note(f"Used by: {', '.join(users) or 'no prompt'}.")
    for problem in found.problems:
        note(f"{problem.severity}: {problem}")
    return DONE


@group.command("set")
def set_(
    name: Name,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file with the text; `-` reads standard input.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create a fragment, or change its text. Saved versions of prompts keep the old text."""
    from engine.prompts.fragment_files import LARGEST_BYTES

    text = text_in(file, LARGEST_BYTES)
    with opened(workspace, demo=demo) as session:
        fragments, p = session.orchestra.fragments, session.principal
        known = next((one for one in fragments.list(p) if one.name == name), None)
        found = fragments.save(p, name, text, fragments.get(p, name).etag if known else None)
    if as_json:
        document(found)
        return DONE
    say(f'The fragment {name!r} is saved. Prompts name it as {{{{ fragment("{name}") }}}}.')
    if found.used_by:
        say(f"Used by {counted(len(found.used_by), 'prompt')}: {', '.join(found.used_by)}. Save versions to use it.")
    for problem in found.problems:
        note(f"{problem.severity}: {problem}")
    return DONE


@group.command()
def versions(
    name: Name,
    diff: Annotated[
        str, typer.Option(metavar="ID", help="Show how the current text differs from this one instead.")
    ] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the last 20 texts of a fragment, newest first."""
    from engine.runs.prompt_tries.prompt_differences import fragment_differences, in_context

    with looked_at(workspace, demo=demo) as session:
        fragments, p = session.orchestra.fragments, session.principal
        found = fragments.versions(p, name)
        zone = session.orchestra.config.time_zone
        texts = fragment_differences(fragments, p, name, diff) if diff else []
        text = fragments.version_text(p, name, diff) if diff else ""
    if as_json:
        document({"id": diff, "text": text, "differences": texts} if diff else {"versions": found})
    elif diff:
        say("".join(WORD_MARKS[part["change"]].format(part["text"]) for part in in_context(texts)).rstrip("\n"))
    elif found:
        say_versions(found, zone)
    else:
        say(f"No text of {name} has been saved here yet.")
    return DONE


@group.command()
def restore(
    name: Name,
    version_id: Annotated[str, typer.Argument(metavar="ID", help="The text, as `fragments versions` names it.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Save an earlier text of a fragment again. The current one is kept, too."""
    with opened(workspace, demo=demo) as session:
        fragments, p = session.orchestra.fragments, session.principal
        found = fragments.restore(p, name, version_id, fragments.get(p, name).etag)
    if as_json:
        document(found)
    else:
        say(f"The fragment {name!r} has its text of {version_id} again.")
    return DONE


@group.command()
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Rename a fragment, also where prompts and fragments name it."""
    with opened(workspace, demo=demo) as session:
        changed = session.orchestra.fragments.rename(session.principal, name, new)
    return renamed("fragment", name, new, changed, "prompts", as_json=as_json)


@group.command()
def delete(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Move a fragment to the trash. Refused while a prompt or another fragment names it."""
    with opened(workspace, demo=demo) as session:
        trash = session.orchestra.fragments.delete(session.principal, name)
    return deleted("fragment", name, trash, "move its file back", as_json=as_json)
