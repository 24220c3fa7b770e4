"""`connections`: whose account each service means, and whether it works."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.counting import counted
from commands.failures import DONE, FAILED
from commands.inputs import by_name
from commands.opened import Session, looked_at, opened
from commands.options import Demo, Json, Workspace
from commands.screen import document, note, say, table

if TYPE_CHECKING:
    from engine.connections.statuses import ConnectionStatus

group = typer.Typer(help="The accounts that workflows work on.", no_args_is_help=True, rich_markup_mode=None)


@group.command("list")
def list_(workspace: Workspace = None, demo: Demo = False, as_json: Json = False) -> int:
    """List the connections, without asking any service."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.connections.list(session.principal)
    if as_json:
        document({"connections": found})
        return DONE
    rows = [[one.name, one.service, one.mode, _is_ready(one), _account(one)] for one in found]
    table(["CONNECTION", "SERVICE", "MODE", "READY", "ACCOUNT"], rows)
    for one in found:
        if one.trouble is not None:
            note(f"{one.trouble.sentence} {one.trouble.remedy}")
    return DONE


def _is_ready(one: ConnectionStatus) -> str:
    """Say whether work can begin with it: a key that the service refused is there, and no good."""
    if one.trouble is not None and not one.trouble.workflows:
        return "refused"
    return "yes" if one.ready else "no"


def _account(one: ConnectionStatus) -> str:
    """Return whose it is, else what is missing; and how long a sign-in lasts."""
    sign_in = one.sign_in if one.mode == "mine" else None
    whose = one.account or (sign_in.account if sign_in is not None else "")
    told = one.trouble.account if one.trouble is not None else ""
    return " · ".join(filter(None, [whose or told or one.note, sign_in.note if sign_in is not None else ""]))


@group.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Connections; none: all.")] = None,
    workspace: Workspace = None,
    demo: Demo = False,
    as_json: Json = False,
) -> int:
    """Examine connections and say what is wrong. Ends with 1 where something is."""
    with opened(workspace, demo=demo) as session:
        connections, p = session.orchestra.connections, session.principal
        wanted = names or [one.name for one in connections.list(p)]
        checked = {name: connections.check(p, name) for name in wanted}
    is_ok = all(line.ok for lines in checked.values() for line in lines)
    if as_json:
        document({"ok": is_ok, "connections": [{"name": name, "lines": lines} for name, lines in checked.items()]})
    else:
        rows = [
            [name, line.what, "ok" if line.ok else "not ok", line.text]
            for name, each in checked.items()
            for line in each
        ]
        table(["CONNECTION", "WHAT", "", ""], rows)
    return DONE if is_ok else FAILED


@group.command()
def add(
    service: Annotated[str, typer.Argument(help="gmail, imap, github, notion, openai or http.")],
    name: Annotated[str | None, typer.Option(help="What steps call it; else as the service.")] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, as base_url=… or token=env:MY_TOKEN."),
    ] = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="imap: the address of the mailbox, as me@fastmail.com.")
    ] = None,
    client_secret: Annotated[
        Path | None, typer.Option("--client-secret", metavar="FILE", help="Gmail: Google's file for a desktop app.")
    ] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Add a connection, or change settings of one. A secret is sealed and kept, never written into config.yaml."""
    if client_secret is not None and (service != "gmail" or pairs):
        raise typer.BadParameter("--client-secret is for gmail, and without --set.")
    if address is not None:
        pairs = [*(pairs or []), f"address={address}"]
    with opened(workspace, demo=demo) as session:
        if client_secret is not None:
            added = session.orchestra.connections.connect_gmail(
                session.principal, client_secret, _open_browser, name or service
            )
        else:
            settings = _given(session, service, name or service, pairs or [], is_asked=not as_json)
            added = session.orchestra.connections.add(session.principal, name or service, service, settings)
        unopened = session.orchestra.connections.unopened(session.principal)
    if as_json:
        document(added)
        return DONE
    say(f"The connection {added.name} is in config.yaml now. {added.note}".rstrip())
    say(f"`orchestra connections check {added.name}` tries it.")
    if unopened:
        note(unopened)
    return DONE


def _given(session: Session, service: str, name: str, pairs: list[str], *, is_asked: bool) -> dict[str, Any]:
    """Return the settings that were given, and those that a person at a terminal is asked for."""
    known = session.orchestra.config.connections.get(name)
    kept = known.settings if known is not None and known.service == service else None
    at_terminal = is_asked and sys.stdin.isatty()
    page = session.orchestra.connections.key_page(service, by_name(pairs, "a setting")) if at_terminal else ""
    if page:
        note(f"You get a key here: {page}")
    return _settings(service, pairs, kept, is_asked=at_terminal)


@group.command()
def rekey(workspace: Workspace = None, demo: Demo = False, as_json: Json = False) -> int:
    """Seal every kept secret with a new key. The old one opens nothing any more."""
    with opened(workspace, demo=demo) as session:
        done = session.orchestra.connections.rekey(session.principal)
    if as_json:
        document(done)
        return DONE
    say(f"{counted(done.files, 'kept secret')} sealed anew, with the key of {done.place}.")
    return DONE


def _open_browser(url: str) -> None:
    """Show the sign-in page; the link is printed too, for a machine whose browser does not open by itself."""
    import webbrowser

    note(f"Sign in at Google in your browser: {url}")
    webbrowser.open(url)


def _settings(service: str, pairs: list[str], kept: Mapping[str, Any] | None, *, is_asked: bool) -> dict[str, Any]:
    """Return what was given; a key that was not is asked for without echo, or named by its usual variable.

    `kept`: the settings of the connection as it is (None: a new one); a key of it stays where no other is given.
    A secret as an argument would stand in the shell's history and in the list of processes.
    """
    from engine.connections.services import client_class

    kind = client_class(service)
    fields = kind.Settings.model_fields
    settings = {key: _typed(fields.get(key), key, text) for key, text in by_name(pairs, "a setting").items()}
    for key, variable in kind.key_variables.items():
        if key in fields and key not in settings:
            usual = f"env:{variable}" if kept is None else kept.get(key)
            chosen = (_asked(service, key, usual) if is_asked else "") or usual
            settings.update({key: chosen} if chosen else {})
    return settings


def _typed(field: Any, key: str, text: str) -> Any:
    """Return a setting as its field wants it: text stays text, all else is written as JSON."""
    from pydantic import TypeAdapter

    from engine.runs.acceptance import from_text

    if field is None:
        return text
    schema = TypeAdapter(field.annotation).json_schema()
    return from_text(key, text, schema if "type" in schema else {}, "setting")


def _asked(service: str, key: str, usual: Any) -> Any:
    from pydantic import SecretStr

    otherwise = f"read it from ${usual.removeprefix('env:')}" if usual else "none"
    prompt = f"{service} {key} (not shown; empty: {otherwise})"
    typed = typer.prompt(prompt, default="", hide_input=True, show_default=False)
    return SecretStr(typed) if typed else ""
