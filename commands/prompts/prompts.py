"""`prompts`: the texts that are sent to models, and how they look with values."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands.base.failures import DONE
from commands.base.inputs import values
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, note, say, table
from commands.base.session import CommandSession, looked_at

group = typer.Typer(help="Texts that are sent to models.", no_args_is_help=True, rich_markup_mode=None)


@group.command("list")
def list_(
    search: Annotated[
        str, typer.Option(help="Only those with this text in their name, title, description or tags.")
    ] = "",
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Only those with this tag; may be repeated.")
    ] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """List the prompts with their labels, versions, and the workflows that use them."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.prompts.list(session.principal, search, tags or [])
    if as_json:
        document({"prompts": found})
        return DONE
    rows = [
        [
            one.name,
            _labels(one.labels),
            len(one.versions),
            one.problems or "",
            ", ".join(one.used_by),
            ", ".join(one.tags),
            one.title,
        ]
        for one in found
    ]
    table(["PROMPT", "LABELS", "VERSIONS", "PROBLEMS", "USED BY", "TAGS", "TITLE"], rows)
    return DONE


def _labels(labels: dict[str, int]) -> str:
    return ", ".join(f"{label} = {version}" for label, version in labels.items())


@group.command()
def show(
    name: Annotated[str, typer.Argument(help="The prompt.")],
    version: Annotated[int | None, typer.Option(min=1, help="A saved version; default: the draft.")] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show a prompt as it is written."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.prompts.get(session.principal, name, version)
    if as_json:
        document(found)
        return DONE
    say(found.text.rstrip("\n"))
    for problem in found.problems:
        note(f"{problem.severity}: {problem}")
    return DONE


@group.command()
def render(
    reference: Annotated[str, typer.Argument(metavar="NAME[@LABEL]", help="The prompt, as named in a step.")],
    pairs: Annotated[
        list[str] | None, typer.Option("--variable", metavar="NAME=VALUE", help="A variable; may be repeated.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--variables", metavar="FILE", help="A JSON object; `-` reads standard input.")
    ] = None,
    sample: Annotated[str | None, typer.Option(help="Start from the values of this sample of the prompt.")] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show the messages that a model would get; no model is called."""
    with looked_at(workspace, demo=demo) as session:
        prompt = _document(session, reference)
        schemas = prompt.get("variables")
        given = values(pairs or [], file, lambda: schemas if isinstance(schemas, dict) else {})
        rendered = session.orchestra.prompts.render(session.principal, reference, {**_sample(prompt, sample), **given})
    if as_json:
        document(rendered)
        return DONE
    for message in rendered.messages:
        say(f"--- {message['role']}")
        say(message["content"])
    return DONE


def _document(session: CommandSession, reference: str) -> dict[str, Any]:
    """Return the prompt that a reference names, for its variables and samples; the saved version, if it names one."""
    name, _, suffix = reference.partition("@")
    prompts, p = session.orchestra.prompts, session.principal
    working = prompts.get(p, name)
    number = int(suffix) if suffix.isascii() and suffix.isdigit() else working.labels.get(suffix or "production")
    found = prompts.get(p, name, number) if number in working.versions else working
    return found.document or {}


def _sample(prompt: dict[str, Any], wanted: str | None) -> dict[str, Any]:
    """Return the values of a sample. Raises UnknownName."""
    from engine.base.errors import UnknownName

    if wanted is None:
        return {}
    listed = prompt.get("samples")
    samples = {one.get("name"): one.get("variables") for one in listed or [] if isinstance(one, dict)}
    found = samples.get(wanted)
    if not isinstance(found, dict):
        raise UnknownName("sample", wanted, [str(name) for name in samples])
    return found
