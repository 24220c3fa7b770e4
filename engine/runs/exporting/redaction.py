"""What is redacted in a run before it leaves the workspace: every known secret, and on request all texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from clients.secrets import SHORTEST, Secrets, known
from engine.base.errors import OrchestraError
from engine.base.services import declaration
from engine.connections.accounts import secrets_in
from engine.people.answer_links import without_links_in
from engine.workspace.config import LoadedConfig, is_address
from engine.workspace.dotenv import read_dotenv
from engine.workspace.secret import is_clear_secret, references, without_secrets

_SHORTEST = 6
"""Of a secret: everyday words contain shorter ones."""
_PERSON = "somebody"
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?\Z")
_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_BY = frozenset({"approved", "corrected", "effect"})
"""Members of a step that say who has done something."""


def redacted(value: Any, loaded: LoadedConfig) -> Any:
    """Return a JSON value without the secrets of a workspace and without links that answer questions."""
    secrets = Secrets(set(_secrets_of(loaded)), shortest=_SHORTEST, shortest_in_data=_SHORTEST)
    return without_secrets(without_links_in(known.in_json(secrets.in_json(value))))


def _secrets_of(loaded: LoadedConfig) -> Iterator[str]:
    """Yield the secrets of connections, of the vault, of `.env` and of the environment."""
    config = loaded.config
    for name in config.connections:
        with suppress(OrchestraError, ValueError):  # one that is not complete: what it has is in the file
            settings = loaded.settings_of(name)
            yield from _named(settings, "")
            kind = declaration(config.connections[name].service).settings
            yield from secrets_in(kind.model_validate(settings).model_dump())
    yield from _named(config.model_dump(mode="json"), "")
    for variable, value in read_dotenv(loaded.root / ".env").items():
        if len(value) >= SHORTEST or is_clear_secret(variable, value):
            yield value
    wanted = set(references(config.model_dump(mode="json")))
    for variable, value in loaded.environment.items():
        if variable in wanted or is_clear_secret(variable, value) or variable.upper().endswith(("_KEY", "_DSN")):
            yield value
    yield from filter(is_address, filter(None, (config.approvals.notify, config.notifications.webhook)))
    yield from _kept(loaded)


def _kept(loaded: LoadedConfig) -> Iterator[str]:
    """Yield what the vault keeps, and its keys."""
    vault = loaded.vault
    with suppress(OrchestraError):
        yield from vault.keys.all()
    for name in vault.all():
        with suppress(OrchestraError, ValueError):
            yield from _named(json.loads(vault.opened(vault.texts.get(name) or "null")), "")


def _named(value: Any, name: str) -> Iterator[str]:
    """Yield the texts in a JSON value that are secrets by their name or form."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _named(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, name)
    elif isinstance(value, str) and (name == "value" or is_clear_secret(name, value)):
        yield value
        with suppress(ValueError):  # a sign-in is kept as JSON
            yield from _named(json.loads(value), "")


def without_people(run: Any) -> Any:
    """Return the document of a run that names nobody: who started it, answered, corrected and undid."""
    steps = [{name: _nobody(one) if name in _BY else one for name, one in step.items()} for step in run["steps"]]
    named = {name: _nobody(run[name]) for name in ("resumed", "options") if name in run}
    return {**run, **named, "started_by": _PERSON, "confirmed": [], "changed_by": [], "steps": steps}


def _nobody(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _PERSON if name == "by" and isinstance(one, str) else _nobody(one) for name, one in value.items()}
    return list(map(_nobody, value)) if isinstance(value, list) else value


class TextRedaction:
    """Replaces each text by a number, the same for the same text, so that comparisons hold.

    A text that the definition has, such as a label that a condition compares with, and a time stay as they are.
    """

    def __init__(self, definition: Any) -> None:
        self._kept = set(_texts_in(definition))
        self._numbers: dict[str, str] = {}

    def replaced(self, value: Any) -> Any:
        """Return a JSON value with numbers for its texts."""
        if isinstance(value, dict):
            names = {name: name if name.isidentifier() else self._number(name) for name in value}
            return {names[name]: self.replaced(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return list(map(self.replaced, value))
        return self._number(value) if isinstance(value, str) else value

    def _number(self, text: str) -> str:
        if not text.strip() or text in self._kept or _TIME.match(text):
            return text
        return self._numbers.setdefault(text, f"[text {len(self._numbers) + 1}, {len(text)} characters]")

    def without(self, value: Any) -> Any:
        """Return a JSON value in which the texts that have been replaced occur nowhere, also as part of a sentence."""
        words = [word for text in self._numbers for word in (text, *text.splitlines())]
        return Secrets(words, shortest=_SHORTEST, shortest_in_data=_SHORTEST).in_json(value)


def _texts_in(value: Any) -> Iterator[str]:
    """Yield the texts of a definition, and those that are quoted in its expressions."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)
    elif isinstance(value, str):
        yield value
        yield from (one or other for one, other in _QUOTED.findall(value))
