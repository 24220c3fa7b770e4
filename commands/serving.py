"""`serve, ingress, login-link`: serve a workspace, start runs for messages of a broker, and sign in."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, LogLevel, Workspace
from commands.base.screen import document, json_line, note, say
from commands.base.session import opened

if TYPE_CHECKING:
    from engine.ingress.ingress import Ingress
    from engine.workspace.config import Config

Port = Annotated[
    int | None,
    typer.Option(
        min=1, max=65535, show_default=False, help="Use exactly this port; default: 8501, or the next one free."
    ),
]
AllDemo = Annotated[bool, typer.Option("--demo", help="Use the stand-in of every service, without a way to switch.")]


def serve(
    port: Port = None,
    log_level: LogLevel = None,
    demo: AllDemo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Serve the dashboard, the API and the engine, until Ctrl-C."""
    from api.network.address import listen, listen_near
    from api.serve import require_unserved
    from commands.parent import ParentOptions, become_parent
    from engine.workspace import config
    from engine.workspace.workspace import Workspace as Files

    root = (workspace or Path.cwd()).resolve()  # absolute, as the parent works in another folder
    settings = config.load(root).config
    state_dir = Files(root, settings.state_dir).state_dir
    require_unserved(state_dir)
    if port is None:
        listener = listen_near(settings.server.host, settings.server.port)
    else:
        listener = listen(settings.server.host, port)
    wanted, public_url = port or settings.server.port, settings.server.public_url
    become_parent(ParentOptions(str(root), str(state_dir), wanted, demo, public_url, as_json), listener)


def ingress(log_level: LogLevel = None, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Start runs for the messages of the broker in config.yaml, until Ctrl-C or SIGTERM."""
    with (
        opened(workspace, demo=demo, slots=0) as session,  # workers do what it accepts, where there are some
        _log_shown(session.orchestra.config),
    ):
        asyncio.run(_take_messages(session.orchestra.ingress, as_json=as_json))
    return DONE


@contextmanager
def _log_shown(settings: Config) -> Iterator[None]:
    """Write the log to standard error, too: where the process runs, people should see why messages wait."""
    from engine.observing.log_lines import lines_of, set_log_levels

    handler, root = logging.StreamHandler(sys.stderr), logging.getLogger()
    handler.setFormatter(lines_of(settings.log_format))
    root.addHandler(handler)
    set_log_levels(settings.log_level)
    try:
        yield
    finally:
        root.removeHandler(handler)


async def _take_messages(ingress: Ingress, *, as_json: bool) -> None:
    settings, stop, loop = ingress.settings, asyncio.Event(), asyncio.get_running_loop()

    def begun() -> None:
        if as_json:
            json_line({"topic": settings.topic, "group": settings.group, "user": settings.user})
        else:
            say(f"Messages of {settings.topic} start runs as {settings.user}; Ctrl-C stops it.")

    work = ingress.run(stop, begun)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await work


def login_link(
    user: Annotated[str, typer.Option(help="The user that the link signs in.")] = "owner",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Print a link that signs in once, within 15 minutes. Older unused links become invalid."""
    from api.network.address import WorkspaceAddress, noted

    with opened(workspace, demo=demo) as session:
        token = session.orchestra.users.login_link(session.principal, user)
        server = session.orchestra.config.server
        here = noted(session.orchestra.workspace.state_dir)
    address = here or WorkspaceAddress(f"http://{server.host}:{server.port}", server.port, 0, server.public_url)
    if here is None:
        note("This workspace is not being served; run `orchestra serve`.")
    if as_json:
        document({"login_url": address.login_url(token), "url": address.url, "is_served": here is not None})
    else:
        say(address.login_url(token))
    return DONE
