"""`settings`: time zone, retention and notifications in config.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say, table
from commands.base.session import looked_at, opened
from engine.base.errors import InvalidInput

group = typer.Typer(help="Time zone, retention and notifications.", no_args_is_help=True, rich_markup_mode=None)

KEYS = (
    "time_zone",
    "retention.days",
    "retention.demo_days",
    "retention.runs",
    "notifications.workflow",
    "notifications.webhook",
    "notifications.failed_runs",
    "notifications.sign_ins",
    "notifications.refused_sign_ins",
    "notifications.bounces",
    "approvals.notify",
)
_NUMBERS = ("retention.", "notifications.refused_sign_ins")
_SWITCHES = {"true": True, "false": False}
_DIGITS = re.compile("[0-9]{1,15}")
"""More digits stay a text, which the engine refuses with the key; int() would raise ValueError for thousands."""
_SET_HELP = "KEY=VALUE, such as retention.days=90; KEY= removes the setting."


@group.command()
def show(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Show the settings in force; `orchestra settings set` changes them."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.general.get(session.principal)
    return _tell(found, as_json=as_json)


@group.command("set")
def set_(
    changes: Annotated[list[str], typer.Argument(metavar="KEY=VALUE…", help=_SET_HELP)],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Change settings in config.yaml; settings that you do not give and comments stay as they are."""
    given = dict(map(_parsed, changes))
    with opened(workspace, demo=demo) as session:
        area, p = session.orchestra.general, session.principal
        wanted: dict[str, Any] = dict(area.get(p))
        for key, value in given.items():
            wanted = _with(wanted, key, value)
        found = area.set(p, wanted)
    return _tell(found, as_json=as_json)


def _parsed(change: str) -> tuple[str, Any]:
    """Return key and value of a change; None takes the setting out. Raises InvalidInput."""
    key, sign, value = change.partition("=")
    if not sign or key not in KEYS:
        raise InvalidInput(f"{change!r} changes no setting.", remedy=f"Write KEY=VALUE with one of {', '.join(KEYS)}.")
    if not value:
        return key, None
    if key == "notifications.sign_ins":
        return key, _SWITCHES.get(value, value)
    return key, int(value) if key.startswith(_NUMBERS) and _DIGITS.fullmatch(value) else value


def _with(settings: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return settings with one of them changed, or without it."""
    name, _, inner = key.partition(".")
    changed = _with(settings.get(name, {}), inner, value) if inner else value
    rest = {one: kept for one, kept in settings.items() if one != name}
    # A section goes with its last setting.
    return rest if changed in (None, {}) else {**rest, name: changed}


def _tell(found: Mapping[str, Any], *, as_json: bool) -> int:
    if as_json:
        document(found)
        return DONE
    rows = [[key, str(value)] for key in KEYS if (value := _value(found, key)) is not None]
    if rows:
        table(["SETTING", "VALUE"], rows)
    else:
        say("All settings have their defaults: UTC, runs are kept forever, nobody is notified.")
    return DONE


def _value(found: Mapping[str, Any], key: str) -> Any:
    name, _, inner = key.partition(".")
    return found.get(name, {}).get(inner) if inner else found.get(name)
