"""Add a connection to config.yaml; store its secrets elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from engine.base.errors import InvalidInput
from engine.base.names import checked_name, child
from engine.base.services import services
from engine.documents.json_file import read_text
from engine.documents.yaml_file import parse
from engine.files.atomic import write_whole
from engine.workspace.config import FILE
from engine.workspace.config_section import with_section
from engine.workspace.secret import is_clear_secret


def write_connection(
    root: Path, name: str, settings: Mapping[str, Any], keep: Callable[[str, str], None]
) -> dict[str, Any]:
    """Add or replace `connections.<name>` in config.yaml; return the entry that was written.

    `settings` is {"service": …, …}; a SecretStr, and text that is a secret by its name or form, is passed to
    `keep(secret name, value)` and written as `secret:NAME`.
    Raises InvalidInput, InvalidFile, StorageError; config.yaml is then unchanged.
    """
    checked_name("connection", name)
    if not settings.get("service"):
        raise InvalidInput(
            f"The connection {name!r} has no service.",
            remedy=f"Choose one of {', '.join(one.name for one in services())}.",
        )
    path = child(root, FILE)
    entry, secrets = _without_secrets(name, settings)
    text = with_connection(read_text(path, FILE), name, entry)
    for secret, value in secrets.items():
        keep(secret, value)
    write_whole(path, text)
    return entry


def remove_connection(root: Path, name: str) -> None:
    """Take `connections.<name>` out of config.yaml; the rest stays as it is. Raises InvalidFile, StorageError."""
    path = child(root, FILE)
    text = read_text(path, FILE)
    known = (parse(text, FILE).value or {}).get("connections") or {}
    write_whole(path, with_section(text, "connections", {one: of for one, of in known.items() if one != name}))


def with_connection(text: str, name: str, entry: Mapping[str, Any]) -> str:
    """Return the text of config.yaml with this connection and everything else unchanged.

    Raises InvalidFile if the file is written in a form that cannot be changed safely.
    """
    others = (parse(text, FILE).value or {}).get("connections") or {}
    return with_section(text, "connections", {**others, name: dict(entry)})


def _without_secrets(name: str, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the entry for config.yaml, and the secrets by name."""
    secrets: dict[str, str] = {}

    def named(path: tuple[str, ...], value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: named((*path, str(key)), inner) for key, inner in value.items()}
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not (isinstance(value, SecretStr) and plain) and not is_clear_secret(path[-1], plain):
            return str(plain) if isinstance(plain, Path) else plain
        secret = re.sub(r"[^A-Za-z0-9_.-]", "_", ".".join(path))
        secrets[secret] = str(plain)
        return f"secret:{secret}"

    return named((name,), settings), secrets
