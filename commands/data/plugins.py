"""`plugins`: the packages that add services, steps, triggers, functions and pages, and a new one to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say, table
from commands.base.session import looked_at

group = typer.Typer(help="Installed packages that add to this program.", no_args_is_help=True, rich_markup_mode=None)


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the installed packages, what they add, and why some are left out."""
    from engine.operations.plugins import plugins

    with looked_at(workspace, demo=demo) as session:
        found = plugins(session.principal)
    if as_json:
        document({"plugins": found})
        return DONE
    if not found:
        say("No plugins are installed; `orchestra plugins new NAME` writes one.")
        return DONE
    table(["PACKAGE", "VERSION", "STATE", ""], [[one.name, one.version, one.state, one.reason] for one in found])
    parts = [[one.name, part.kind, part.name, part.what] for one in found for part in one.adds]
    if parts:
        say()
        table(["PACKAGE", "ADDS", "NAME", ""], parts)
    return DONE


@group.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The service that it is for, such as ntfy.")],
    folder: Annotated[Path, typer.Option("--in", help="The folder in which the package gets its own.")] = Path(),
    as_json: Json = False,
) -> int:
    """Write a package to begin with: client, step, trigger, stand-in and tests, all for ntfy until you change them."""
    from engine.plugins.new_package import write_package

    place = write_package(name, folder)
    if as_json:
        document({"folder": str(place)})
    else:
        say(f"{place} is written. Next: pip install -e '{place}[test]' && pytest {place}")
    return DONE
