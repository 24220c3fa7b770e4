"""`connections`: the account of each service, and whether it works."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.wording import counted
from commands.base.failures import DONE, FAILED
from commands.base.inputs import by_name
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, note, say, table
from commands.base.session import CommandSession, looked_at, opened
from engine.base.services import declaration
from engine.base.statuses import AccountMode

if TYPE_CHECKING:
    from clients.check_line import CheckLine
    from engine.connections.local_models import ServedModel
    from engine.connections.statuses import ConnectionStatus

group = typer.Typer(help="Accounts that workflows use.", no_args_is_help=True, rich_markup_mode=None)


@group.command("list")
def list_(workspace: Workspace = None, demo: Demo = False, as_json: Json = False) -> int:
    """List the connections, without asking any service."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.connections.list(session.principal)
    if as_json:
        document({"connections": found})
        return DONE
    rows = [[one.name, one.service, one.mode, one.served_mode, _is_ready(one), _account(one)] for one in found]
    table(["CONNECTION", "SERVICE", "MODE", "DASHBOARD", "READY", "ACCOUNT"], rows)
    if any(one.mode == AccountMode.MINE and one.served_mode == AccountMode.DEMO for one in found):
        say(
            "MODE is what commands use: your accounts, unless given --demo. "
            "DASHBOARD is what the dashboard and `orchestra serve` use."
        )
    for one in found:
        if one.trouble is not None:
            note(f"{one.trouble.sentence} {one.trouble.remedy}")
    return DONE


def _is_ready(one: ConnectionStatus) -> str:
    """Return whether work can begin with it; "refused" for a key that the service does not accept."""
    if one.trouble is not None and not one.trouble.workflows:
        return "refused"
    return "yes" if one.ready else "no"


def _account(one: ConnectionStatus) -> str:
    """Return the account, or else what is missing, and how long a sign-in lasts."""
    sign_in = one.sign_in if one.mode == AccountMode.MINE else None
    whose = one.account or (sign_in.account if sign_in is not None else "")
    account = one.trouble.account if one.trouble is not None else ""
    return " · ".join(filter(None, [whose or account or one.note, sign_in.note if sign_in is not None else ""]))


@group.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Connections to check; default: all.")
    ] = None,
    workspace: Workspace = None,
    demo: Demo = False,
    as_json: Json = False,
) -> int:
    """Check connections, the sign-in provider, and the processes that work on runs. Exits with 1 if one fails."""
    with opened(workspace, demo=demo) as session:
        connections, p = session.orchestra.connections, session.principal
        services = {one.name: one.service for one in connections.list(p)}
        wanted = names or [*services]
        checked = {name: connections.check(p, name) for name in wanted}
        processes = [] if names else session.orchestra.workers.check(p)
        sign_in = [] if names else session.orchestra.sign_in_check.check(p)
    is_ok = all(line.ok for lines in [*checked.values(), sign_in, processes] for line in lines)
    if as_json:
        found = [{"name": name, "lines": lines} for name, lines in checked.items()]
        document({"ok": is_ok, "connections": found, "sign_in": sign_in, "processes": processes})
    else:
        rows = [
            [name, line.what, _outcome(line), _named(services[name], line) if name in services else line.text]
            for name, each in [*checked.items(), ("(sign-in)", sign_in), ("(processes)", processes)]
            for line in each
        ]
        table(["CONNECTION", "WHAT", "", ""], rows)
    return DONE if is_ok else FAILED


def _outcome(line: CheckLine) -> str:
    if not line.ok:
        return "not ok"
    return "" if line.is_note else "ok"


@group.command("local-models")
def local_models(workspace: Workspace = None, demo: Demo = False, as_json: Json = False) -> int:
    """List the model servers that run on this machine, with what each model can do, and the command that uses it."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.connections.local_models(session.principal)
    if as_json:
        document({"servers": found})
        return DONE
    if not found:
        say("No server answers on the usual ports of Ollama, LM Studio, llama.cpp, vLLM and Jan.")
    for server in found:
        say(f"{server.kind} at {server.base_url}{', which needs a key' if server.needs_key else ''}")
        rows = [[one.name, *_described(one)] for one in server.models]
        if rows:
            table(["MODEL", "SIZE", "CONTEXT", "ABILITIES"], rows)
        say(f"To use it: {server.command}")
    return DONE


@group.command()
def pull(
    model: Annotated[str, typer.Argument(help="A name of Ollama's library, such as llama3.2:3b.")],
    workspace: Workspace = None,
    demo: Demo = False,
    as_json: Json = False,
) -> int:
    """Download a model to the Ollama of this machine. If it is cut off, ask again: Ollama goes on."""
    from engine.base.errors import InvalidInput
    from engine.connections.local_models import OLLAMA

    with opened(workspace, demo=demo) as session:
        found = session.orchestra.connections.local_models(session.principal)
        server = next((one for one in found if one.kind == OLLAMA), None)
        if server is None:
            raise InvalidInput("No Ollama answers on this machine.", remedy="Start Ollama, then ask again.")
        _fetch(session, server.base_url, model)
    if as_json:
        document({"server": server.base_url, "model": model})
        return DONE
    say(f"To use it: {server.command_for(model)}")
    return DONE


def _described(model: ServedModel) -> tuple[str, str, str]:
    """Return the size, the context and the abilities of a model, as far as they are known."""
    size = f"{_mb(model.size_bytes):,} MB" if model.size_bytes else ""
    reads = f"{model.context_tokens:,} tokens" if model.context_tokens else ""
    return size, reads, ", ".join(model.abilities)


_PAIRS_HELP = "A setting, such as base_url=… or token=env:MY_TOKEN."
_ADDRESS_HELP = "The address of a mailbox, such as me@fastmail.com."
_FILE_HELP = "For a sign-in in the browser: the file from the service's console."
_PROGRESS_SECONDS = 2.0
_ID_HELP = "The id of your app, for a service whose apps need no file."


@group.command()
def add(
    service: Annotated[str, typer.Argument(help="The service; an unknown name lists all of them.")],
    name: Annotated[str | None, typer.Option(help="The name that steps use; default: the service's name.")] = None,
    pairs: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=_PAIRS_HELP)] = None,
    address: Annotated[str | None, typer.Option(metavar="ADDRESS", help=_ADDRESS_HELP)] = None,
    client_secret: Annotated[Path | None, typer.Option("--client-secret", metavar="FILE", help=_FILE_HELP)] = None,
    client_id: Annotated[str | None, typer.Option("--client-id", metavar="ID", help=_ID_HELP)] = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Add a connection, or change settings of one, and check it. Secrets are stored encrypted, never in config.yaml."""
    beside = {} if address is None else {"address": address}
    with opened(workspace, demo=demo) as session:
        connections, who, called = session.orchestra.connections, session.principal, name or service
        known = session.orchestra.config.connections.get(called)
        kept = known.settings if known is not None else {}
        if client_secret is not None or client_id is not None:
            settings = {**kept, **beside}
            opens = _browser_for(service, settings, pairs, client_id)
            if beside:
                connections.add(who, called, service, beside)
            if client_id is not None:
                added = connections.connect_with_id(who, called, service, client_id, opens)
            elif client_secret is not None:
                added = connections.connect(who, called, service, client_secret, opens)
        else:
            pairs = [*(pairs or []), *(f"{key}={value}" for key, value in beside.items())]
            settings = _given(session, service, called, pairs, is_asked=not as_json)
            _fetch_model(session, service, {**kept, **settings})
            added = connections.add(who, called, service, settings)
        unopened = connections.unopened(who)
        lines = connections.check(who, called) if added.ready and not demo and not as_json else []
    if as_json:
        document(added)
        return DONE
    say(f"The connection {added.name} is now in config.yaml. {added.note}".rstrip())
    _say_tested(added, lines)
    if unopened:
        note(unopened)
    return DONE


def _fetch_model(session: CommandSession, service: str, settings: Mapping[str, Any]) -> None:
    """Fetch the model of a connection to this machine, if its service runs some there; say before what it is."""
    models = {one.name: one for one in declaration(service).models}
    if not models or settings.get("file"):
        return
    wanted = str(settings.get("model") or next(iter(models)))
    if (model := models.get(wanted)) is not None:
        note(f"{model.title}: {model.ability}")
        note(
            f"Download {_mb(model.download_bytes)} MB, disk {_mb(model.disk_bytes)} MB, memory about "
            f"{_mb(model.memory_bytes)} MB. Licence: {model.licence} ({model.licence_url})."
        )
    _fetch(session, service, wanted)


def _fetch(session: CommandSession, source: str, model: str) -> None:
    fetch = session.orchestra.connections.begin_fetch(session.principal, source, model)
    while not fetch.ended.wait(_PROGRESS_SECONDS):
        if fetch.whole_bytes:
            note(f"{_mb(fetch.arrived_bytes)} of {_mb(fetch.whole_bytes)} MB fetched ({fetch.share:.0%})")
    if fetch.error is not None:
        raise fetch.error
    note(f"The model {model} is on this machine.")


def _mb(size_bytes: int) -> int:
    return round(size_bytes / 1_000_000)


def _say_tested(added: ConnectionStatus, lines: Sequence[CheckLine]) -> None:
    """Say whether a connection that was just saved works, or what has to be corrected."""
    wrong = next((line for line in lines if not line.ok), None)
    if not lines:
        say(f"It is not tested yet: `orchestra connections check {added.name}` does that.")
    elif wrong is None:
        say(f"It works: {lines[0].text}")
    else:
        say(f"Saved, not working yet: {_named(added.service, wrong)}")
        say(f"`orchestra connections check {added.name}` tests it again.")


def _named(service: str, line: CheckLine) -> str:
    """Return the text of a line; of one that failed, after the setting that it is about."""
    label = "" if line.ok else declaration(service).label_of(line.field)
    return f"{label} (`{line.field}`): {line.text}" if label else line.text


def _given(session: CommandSession, service: str, name: str, pairs: list[str], *, is_asked: bool) -> dict[str, Any]:
    """Return the settings given as arguments, and those that a person at a terminal is asked for."""
    known = session.orchestra.config.connections.get(name)
    kept = known.settings if known is not None and known.service == service else None
    at_terminal = is_asked and sys.stdin.isatty()
    page = session.orchestra.connections.key_page(service, by_name(pairs, "a setting")) if at_terminal else ""
    if page:
        note(f"Create a key here: {page}")
    return _settings(service, pairs, kept, is_asked=at_terminal)


@group.command()
def remove(
    name: Annotated[str, typer.Argument(help="The connection.")],
    workspace: Workspace = None,
    demo: Demo = False,
    as_json: Json = False,
) -> int:
    """Take a connection out of config.yaml, and delete its secrets. Refused while a workflow uses it."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.connections.remove(session.principal, name)
    if as_json:
        document({"name": name})
    else:
        say(f"The connection {name} is removed, and so are its secrets.")
    return DONE


@group.command()
def rekey(workspace: Workspace = None, demo: Demo = False, as_json: Json = False) -> int:
    """Encrypt all stored secrets with a new key. The old key then opens nothing."""
    with opened(workspace, demo=demo) as session:
        done = session.orchestra.connections.rekey(session.principal)
    if as_json:
        document(done)
        return DONE
    say(f"{counted(done.files, 'kept secret')} encrypted again, with the key of {done.place}.")
    return DONE


def _browser_for(
    service: str, settings: Mapping[str, Any], pairs: list[str] | None, client_id: str | None
) -> Callable[[str], None]:
    """Return what opens the browser for a sign-in. Raises BadParameter if nobody signs in to the service that way."""
    from engine.base.services import client_class, client_classes

    kinds = {one: kind for one, kind in client_classes().items() if "token_file" in kind.service.settings.model_fields}
    wants_id = client_id is not None
    # Where the settings decide who asks the person, both are possible.
    fitting = [
        one for one, kind in kinds.items() if kind.sign_in_way is None or bool(kind.sign_in_way.id_label) == wants_id
    ]
    way = client_class(service).sign_in_for(settings)
    option, other = ("--client-id", "--client-secret") if wants_id else ("--client-secret", "--client-id")
    if service in fitting and way is not None and bool(way.id_label) != wants_id:
        raise typer.BadParameter(f"{way.at} does not take {option} but {other}.")
    if service not in fitting or pairs:
        raise typer.BadParameter(f"{option} is only for {', '.join(fitting)}, and cannot be combined with --set.")
    return partial(_open_browser, way.at if way is not None else "")


def _open_browser(at: str, url: str) -> None:
    """Open the sign-in page; the link is printed too, as not every machine opens a browser."""
    import webbrowser

    note(f"Sign in at {at} in your browser: {url}")
    webbrowser.open(url)


def _settings(service: str, pairs: list[str], kept: Mapping[str, Any] | None, *, is_asked: bool) -> dict[str, Any]:
    """Return the given settings; a key that is missing is asked for without echo, or named by its usual variable.

    `kept` are the current settings of the connection (None for a new one); its key stays unless another is given.
    A secret as an argument would appear in the shell's history and in the list of processes.
    """
    from engine.base.services import client_class

    declared = client_class(service).service
    fields = declared.settings.model_fields
    settings = {key: _typed(fields.get(key), key, text) for key, text in by_name(pairs, "a setting").items()}
    secret = declared.key
    if secret is not None and secret.setting not in settings:
        usual = f"env:{secret.variable}" if kept is None else kept.get(secret.setting)
        chosen = (_asked(service, secret.setting, usual) if is_asked else "") or usual
        # What stays is not given again: a key does not follow the connection to another address.
        is_new = kept is None or chosen != usual
        settings.update({secret.setting: chosen} if chosen and is_new else {})
    return settings


def _typed(field: Any, key: str, text: str) -> Any:
    """Return a setting in the type of its field: text stays text, everything else is parsed as JSON."""
    from pydantic import TypeAdapter

    from engine.base.errors import InvalidInput
    from engine.record.acceptance import from_text

    if field is None:
        return text
    schema = TypeAdapter(field.annotation).json_schema()
    try:
        return from_text(key, text, schema if "type" in schema else {}, "setting")
    except InvalidInput:  # its message quotes the text, which may be a secret
        remedy = "Write it as JSON, like 25 or true."
        raise InvalidInput(f"The setting {key!r} must be of type {schema['type']}.", remedy=remedy) from None


def _asked(service: str, key: str, usual: Any) -> Any:
    from pydantic import SecretStr

    otherwise = f"read it from ${usual.removeprefix('env:')}" if usual else "none"
    prompt = f"{service} {key} (not shown; empty: {otherwise})"
    typed = typer.prompt(prompt, default="", hide_input=True, show_default=False)
    return SecretStr(typed) if typed else ""
