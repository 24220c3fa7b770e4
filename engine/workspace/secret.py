"""What counts as a secret in a setting, and how to refer to one instead: `env:NAME`, `secret:NAME`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.base.errors import InvalidInput

_VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)\Z")
_KEPT = re.compile(r"secret:([A-Za-z0-9][A-Za-z0-9_.-]*)\Z")
_NAME = re.compile(
    r"(token|secret|password|passwd|api[-_]?key|authorization|cookie|credentials?|private[-_]?key)\Z", re.IGNORECASE
)
# The forms of services' keys, whatever the setting is called.
_VALUE = re.compile(
    r"(gh[opsur]_|github_pat_|orch_|sk-|ntn_|secret_|ya29\.|AIza|xox[abpr]-|glpat-)[A-Za-z0-9_-]{10,}"
    r"|eyJ[\w-]{10,}\.[\w-]+\.|-----BEGIN [A-Z ]*PRIVATE KEY|^(Bearer|Basic|token) \S{8,}"
    r"|://[^/\s:@]+:[^/\s@]+@",
    re.IGNORECASE,
)


def is_reference(value: Any) -> bool:
    """Return whether a setting refers to an environment variable or a stored secret instead of containing the value."""
    return isinstance(value, str) and bool(_VARIABLE.match(value) or _KEPT.match(value))


def references(settings: Any) -> list[str]:
    """Return the variables that settings refer to by `env:NAME`, at any depth, in order."""
    return _named(settings, _VARIABLE)


def kept_names(settings: Any) -> list[str]:
    """Return the stored secrets that settings refer to by `secret:NAME`, at any depth, in order."""
    return _named(settings, _KEPT)


def _named(settings: Any, form: re.Pattern[str]) -> list[str]:
    if isinstance(settings, Mapping):
        return [name for value in settings.values() for name in _named(value, form)]
    if isinstance(settings, list):
        return [name for value in settings for name in _named(value, form)]
    match = form.match(settings) if isinstance(settings, str) else None
    return [match[1]] if match else []


def is_clear_secret(name: str, value: Any) -> bool:
    """Return whether a setting contains a secret in clear text, judging by its name or the form of its value."""
    if not isinstance(value, str | int) or isinstance(value, bool) or value in ("", 0) or is_reference(value):
        return False
    return bool(_NAME.search(name)) or bool(_VALUE.search(str(value)))


@dataclass(frozen=True)
class ReferenceSecrets:
    """The values of references: from the environment, and from the stored secrets."""

    environment: Mapping[str, str] = field(repr=False)
    kept: Callable[[str], str] = field(repr=False)
    """Returns the value of a stored secret. Raises InvalidInput, SecretLost."""

    def of(self, value: str) -> str:
        """Return the value of `env:NAME` or `secret:NAME`; return any other text unchanged.

        Raises InvalidInput if the variable is not set or empty, or there is no secret of that name; SecretLost.
        """
        if match := _KEPT.match(value):
            return self.kept(match[1])
        match = _VARIABLE.match(value)
        if not match:
            return value
        found = self.environment.get(match[1], "")
        if not found:
            raise InvalidInput(
                f"The environment variable {match[1]} is not set.",
                remedy=f"Put {match[1]}=… into .env beside config.yaml, or set it before the start.",
            )
        return found

    def resolved(self, settings: Any) -> Any:
        """Return settings with every reference in them replaced. Raises InvalidInput, SecretLost."""
        if isinstance(settings, str):
            return self.of(settings)
        if isinstance(settings, Mapping):
            return {key: self.resolved(value) for key, value in settings.items()}
        if isinstance(settings, list):
            return [self.resolved(value) for value in settings]
        return settings
