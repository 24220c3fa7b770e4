"""`serve, login-link`: dashboard, API and engine of a workspace, and the way in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.failures import DONE
from commands.opened import opened
from commands.options import Demo, Json, Workspace
from commands.screen import document, note, say

Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, show_default=False, help="Exactly this port; else 8501 or the next free."),
]
AllDemo = Annotated[bool, typer.Option("--demo", help="Every service is its stand-in, and cannot be switched.")]


def serve(port: Port = None, demo: AllDemo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Serve the dashboard, the API and the engine, until Ctrl-C."""
    from api.address import listen, listen_near
    from api.serve import require_unserved
    from commands.parent import Order, become_parent
    from engine.workspace import config
    from engine.workspace.workspace import Workspace as Files

    root = (workspace or Path.cwd()).resolve()
    settings = config.load(root).config
    state_dir = Files(root, settings.state_dir).state_dir
    require_unserved(state_dir)
    if port is None:
        listener = listen_near(settings.server.host, settings.server.port)
    else:
        listener = listen(settings.server.host, port)
    become_parent(Order(str(root), str(state_dir), port or settings.server.port, demo, as_json), listener)


def login_link(
    user: Annotated[str, typer.Option(help="Whose link.")] = "owner",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Print a link that signs in once, within 15 minutes. Older links that nobody used end."""
    from api.address import Address, noted

    with opened(workspace, demo=demo) as session:
        token = session.orchestra.users.login_link(session.principal, user)
        server = session.orchestra.config.server
        here = noted(session.orchestra.workspace.state_dir)
    address = here or Address(f"http://{server.host}:{server.port}", server.port, 0)
    if here is None:
        note("This workspace is not served now; `orchestra serve` does that.")
    if as_json:
        document({"login_url": address.login_url(token), "url": address.url, "is_served": here is not None})
    else:
        say(address.login_url(token))
    return DONE
