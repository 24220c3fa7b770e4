"""`workflows`: create, copy, rename and delete workflow files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from clients.wording import counted
from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.output_file import Force, Output, write_output
from commands.base.screen import document, note, raw, say, table
from commands.base.session import looked_at, opened

if TYPE_CHECKING:
    from collections.abc import Sequence, Sized

    from engine.workflows.bundles.bundles import Imported
    from engine.workflows.workflow_files import WorkflowFile

group = typer.Typer(help="Workflow files.", no_args_is_help=True, rich_markup_mode=None)


Name = Annotated[str, typer.Argument(metavar="NAME", help="The workflow.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="The new name: lower-case letters, digits, '-' and '_'.")]


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the workflows with the number of their problems."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.workflows.list(session.principal)
    if as_json:
        document({"workflows": found})
        return DONE
    rows = [[one.name, one.steps, one.problems or "", ", ".join(one.services), one.title] for one in found]
    table(["WORKFLOW", "STEPS", "PROBLEMS", "SERVICES", "TITLE"], rows)
    return DONE


@group.command()
def gallery(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the workflows that come with AI-Orchestra; `new --sample` copies one."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.workflows.samples(session.principal)
    if as_json:
        document({"workflows": found})
        return DONE
    table(["SAMPLE", "SERVICES", "TITLE"], [[one.name, ", ".join(one.services), one.title] for one in found])
    return DONE


@group.command()
def show(
    name: Name,
    version: Annotated[str, typer.Option(help="A saved version: its id, number or label.")] = "current",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show a workflow: its problems, and which text from outside its steps send to which service."""
    with looked_at(workspace, demo=demo) as session:
        if version == "current":
            found = session.orchestra.workflows.get(session.principal, name)
        else:
            found = session.orchestra.versions.get(session.principal, name, version)
    if as_json:
        document({"name": name, "document": found.document, "problems": found.problems, "reach": found.reach})
        return DONE
    say(str((found.document or {}).get("title") or name))
    for problem in found.problems:
        say(str(problem))
    if not found.reach:
        say("No step sends text from outside to a service.")
        return DONE
    rows = [[one.source, one.to, one.host, "yes" if one.is_local else "", one.step] for one in found.reach]
    table(["TEXT OF", "GOES TO", "AT", "THIS MACHINE", "BY"], rows)
    return DONE


@group.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: lower-case letters, digits, '-' and '_'.")],
    title: Annotated[str, typer.Option(help="Its title; default: made from the name.")] = "",
    sample: Annotated[str | None, typer.Option(help="Copy a workflow of the gallery, such as inbox-triage.")] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create a workflow, blank or from a sample. A blank one has one step and runs as it is."""
    if sample is not None and title:
        raise typer.BadParameter("A sample brings its own title: leave out --title or --sample.")
    with opened(workspace, demo=demo) as session:
        workflows, p = session.orchestra.workflows, session.principal
        copied = workflows.create_from_sample(p, sample, name) if sample else None
        made = copied or workflows.create(p, name, title)
        folder = session.orchestra.workspace.workflows.folder
    said = f"{folder / made.name}.json is created. `orchestra run {made.name}` runs it."
    _report(made, said, as_json=as_json, added=copied.added_connections if copied else ())
    return DONE


@group.command()
def copy(name: Name, new: New, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Copy a workflow, with the title "Copy of …"."""
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.workflows.duplicate(session.principal, name, new)
    _report(made, f"The workflow {new!r} is a copy of {name!r}.", as_json=as_json)
    return DONE


@group.command()
def delete(name: Name, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Move a workflow to the trash. Refused while runs of it are open, or others call it."""
    with opened(workspace, demo=demo) as session:
        trash = session.orchestra.workflows.delete(session.principal, name)
    if as_json:
        document({"name": name, "trash": trash.name})
    else:
        say(f"The workflow {name!r} is in {trash}; move its files back to restore it. Its runs stay.")
    return DONE


def _report(made: WorkflowFile, said: str, *, as_json: bool, added: Sequence[str] = ()) -> None:
    if as_json:
        document(made)
        return
    say(said)
    for connection in added:
        say(f"The connection {connection!r} is added. It uses the demo until you give it your own key.")
    for problem in made.problems:
        note(f"{problem.severity}: {problem}")


@group.command()
def rename(
    old: Annotated[str, typer.Argument(help="The workflow.")],
    new: Annotated[str, typer.Argument(help="Its new name.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Rename a workflow. Receipts and triggers stay; workflows that call it are changed."""
    with opened(workspace, demo=demo) as session:
        renamed = session.orchestra.workflows.rename(session.principal, old, new)
    if as_json:
        document(renamed)
        return DONE
    say(f"The workflow {old!r} is now called {new!r}; what it wrote and what its triggers have seen is still known.")
    return DONE


@group.command("rename-step")
def rename_step(
    workflow: Annotated[str, typer.Argument(help="The workflow.")],
    old: Annotated[str, typer.Argument(help="The id of the step.")],
    new: Annotated[str, typer.Argument(help="Its new id.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Change the id of a step, also in expressions, `needs`, the drawing and receipts."""
    with opened(workspace, demo=demo) as session:
        changed = session.orchestra.workflows.rename_step(session.principal, workflow, old, new)
    if as_json:
        document(changed)
        return DONE
    say(f"The step {old!r} of {workflow} is now called {new!r}; what it wrote before is still known.")
    return DONE


@group.command()
def edit(
    name: Name,
    ops: Annotated[str, typer.Option(help='A JSON file {"ops": […]}; `-` reads standard input.')],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would change.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Apply operations to a workflow and save it; the rest of its text stays as it is written (docs/editing.md)."""
    from commands.base.inputs import object_in
    from engine.documents.line_differences import unified

    sent = object_in(ops, 'Pass a JSON object, {"ops": [{"op": "remove", "steps": ["label"]}]}.')
    with opened(workspace, demo=demo) as session:
        before = session.orchestra.workflows.get(session.principal, name)
        done = session.orchestra.editing.edit_file(
            session.principal, name, sent.get("ops"), before.etag, save=not dry_run
        )
    if as_json:
        document(done)
        return DONE
    for line in unified(before.text.splitlines(), done.text.splitlines(), "before", "after", 2):
        say(line)
    for one in done.differences:
        note(f"{one}.")
    for problem in done.problems:
        note(f"{problem.severity}: {problem}")
    note(f"{name} is saved." if done.is_saved else f"{name} is unchanged.")
    return DONE


@group.command()
def export(
    name: Name,
    output: Output = None,
    is_forced: Force = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Write a workflow with its prompts, fragments, agents and tools as one file; keys and cases stay here."""
    with looked_at(workspace, demo=demo) as session:
        from engine.workflows.bundles.bundles import as_text

        found = session.orchestra.bundles.export(session.principal, name)
        text = as_text(found)
    if output is not None:
        write_output(output, text, is_forced=is_forced)
    if as_json:
        document({"workflow": name, "file": str(output) if output else None, "bundle": found.model_dump()})
    elif output is None:
        raw(text)
    else:
        parts: dict[str, Sized] = {
            "prompt": found.prompts,
            "fragment": found.fragments,
            "agent": found.agents,
            "tool": found.tools,
        }
        said = ", ".join(
            counted(len(one), kind) for kind, one in parts.items() if one or kind in ("prompt", "fragment")
        )
        say(f"{output} has the workflow {name!r}, {said}. `orchestra workflows import` reads it.")
    return DONE


@group.command("import")
def import_(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A file of `export`, or a workflow of n8n; `-` reads standard input."),
    ],
    name: Annotated[str, typer.Option(help="The name of the workflow; default: the one in the file.")] = "",
    connection: Annotated[
        list[str] | None,
        typer.Option("--connection", metavar="OLD=NEW", help="Use the connection NEW where the file names OLD."),
    ] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create a workflow from a file that `export` wrote, or that n8n downloads. Nothing is replaced."""
    from commands.base.inputs import by_name, object_in
    from engine.workflows.bundles.bundle import LARGEST_BYTES

    sent = object_in(file, "`orchestra workflows export NAME` writes such a file.", LARGEST_BYTES)
    renamed = by_name(connection or [], "a connection")
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.bundles.imported(session.principal, sent, name, file, renamed)
    if as_json:
        document(made)
        return DONE
    say(f"The workflow {made.workflow.name!r} is created.")
    _report_parts(made)
    for sentence in made.to_finish:
        note(sentence)
    for problem in made.workflow.problems:
        note(f"{problem.severity}: {problem}")
    return DONE


def _report_parts(made: Imported) -> None:
    parts = (("prompt", made.prompts, ""), ("fragment", made.fragments, ""), ("agent", made.agents, "agent:"))
    for kind, names, prefix in (*parts, ("tool", made.tools, "tool.")):
        for old, new in names.items():
            how = "is created" if f"{prefix}{new}" in made.created else "was there already"
            note(f"The {kind} {new!r} {how}" + (f"; {old!r} has other content here." if new != old else "."))
    for connection, service in made.missing_connections.items():
        remedy = f"Add it with `orchestra connections add {service}`" if service else "Add it"
        note(f"There is no connection {connection!r}. {remedy}, or set `connection` in the file to one that exists.")
    for called in made.missing_workflows:
        note(f"It calls the workflow {called!r}, which is not here.")
    for uses in made.untested_tools:
        name = uses.removeprefix("tool.")
        note(
            f"Nothing can use the tool {name!r} before you have read its code: `orchestra tools test {name}` tests it."
        )
    for uses in made.unaccepted_tools:
        _, server, tool = uses.split(".", 2)
        note(f"An owner has to accept {uses!r}: `orchestra connections tools {server} --accept {tool}`.")
