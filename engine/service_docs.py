"""Generate `docs/services.md` from the clients: `python -m engine.service_docs > docs/services.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from clients.client import Client
from clients.service import AccountKey, Service
from engine.base.services import add_command, client_classes, has_stand_in
from engine.expressions.json_values import compact_json
from engine.step_docs import type_words

_HEAD = """# Services

The settings of a connection to each service, under `connections.<name>` in `config.yaml`, next to `service`
([your own accounts](own-accounts.md)). This page is written from the clients themselves
(`python -m engine.service_docs > docs/services.md`); a test fails when it is out of date.
"""
_HIDDEN = "password"
"""The JSON Schema format of settings that nobody may see."""
_COLUMNS = "| Setting | Type | Default | What |\n| --- | --- | --- | --- |"


def services_page() -> str:
    """Return the whole page as Markdown."""
    every = client_classes().values()
    rows = [f"| [`{one.service.name}`](#{one.service.name}) | {one.service.title} |" for one in every]
    return "\n".join([_HEAD, "| Service | |", "| --- | --- |", *rows, "", *map(_section, every)])


def _section(kind: type[Client]) -> str:
    service = kind.service
    lines = [f"## `{service.name}`\n", f"**{service.title}.**\n", *_facts(kind), ""]
    rows = list(_settings(service))
    return "\n".join([*lines, *([_COLUMNS, *rows] if rows else ["It has no settings."]), ""])


def _facts(kind: type[Client]) -> Iterator[str]:
    service = kind.service
    if kind.sign_in_way is not None:
        yield f"- People sign in at {kind.sign_in_way.at} with a browser."
    if service.key is not None:
        yield f"- {_key_facts(kind, service.key)}"
    for name, variable in service.variables.items():
        yield f"- If `{name}` is not set, the environment variable `{variable}` is used."
    if service.extra is not None:
        install = f"`.venv/bin/pip install 'ai-orchestra[{service.extra.name}]'`"
        yield f"- {service.extra.of or 'It'} needs a package that is not installed by default: {install}."
    if service.reads:
        yield f"- While a plan is made, it sends only {', '.join(f'`{one}`' for one in service.reads)}."
    for commands in service.read_commands:
        yield f"- While a plan is made, it sends only these {commands.protocol} commands: {commands}."
    if service.proven_reads:
        yield f"- While a plan is made, it sends only {service.proven_reads}."
    for form in service.pickers:
        yield f"- Inputs of the format `{form}` are picked from a list."
    yield f"- The demo has {'a' if has_stand_in(service.name) else 'no'} stand-in for it."


def _key_facts(kind: type[Client], key: AccountKey) -> str:
    """Return how a connection gets its key, or what else lets it in, in sentences."""
    link = f"[{key.place}]({key.url})"
    if kind.sign_in_way is None:
        return f"Its key is `{key.setting}`, usually `env:{key.variable}`. You get one here: {link}."
    brought = "client id" if kind.sign_in_way.id_label else "client secret"
    return (
        f"Sign in with {add_command(kind.service.name, kind.service.name)}. The {brought} comes from {link}. "
        f"`{key.setting}` takes a short-lived access token instead, usually `env:{key.variable}`."
    )


def _settings(service: Service) -> Iterator[str]:
    schema = service.settings.model_json_schema()
    for name, field in schema.get("properties", {}).items():
        default = field.get("default")
        shown = "" if default in (None, "", [], {}) else f"`{compact_json(default)}`"
        yield f"| `{name}` | {_type(field, schema)} | {shown} | {field.get('description', '')} |"


def _type(field: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Return the type of a setting in words; that it may be empty goes without saying."""
    options = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    if any(one.get("format") == _HIDDEN for one in options):
        return "secret"
    chosen = [{**one, "enum": [value for value in one["enum"] if value]} if "enum" in one else one for one in options]
    return " or ".join(type_words(one, root) for one in chosen)


if __name__ == "__main__":
    sys.stdout.write(services_page())
