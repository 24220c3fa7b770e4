"""What counts as a secret in a setting, and how one is named instead of written: `env:NAME`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.errors import InvalidInput

_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)\Z")
_NAME = re.compile(
    r"(token|secret|password|passwd|api[-_]?key|authorization|cookie|credentials?|private[-_]?key)\Z", re.IGNORECASE
)
# Forms in which services hand out their keys, whatever the setting is called.
_VALUE = re.compile(
    r"(gh[opsur]_|github_pat_|sk-|ntn_|secret_|ya29\.|AIza|xox[abpr]-|glpat-)[A-Za-z0-9_-]{10,}"
    r"|eyJ[\w-]{10,}\.[\w-]+\.|-----BEGIN [A-Z ]*PRIVATE KEY|^(Bearer|Basic|token) \S{8,}"
    r"|://[^/\s:@]+:[^/\s@]+@",
    re.IGNORECASE,
)


def is_reference(value: Any) -> bool:
    """Tell whether a setting names an environment variable instead of holding its value."""
    return isinstance(value, str) and bool(_REFERENCE.match(value))


def references(settings: Any) -> list[str]:
    """Return the variables that settings name by `env:NAME`, however deep, in their order."""
    if isinstance(settings, Mapping):
        return [name for value in settings.values() for name in references(value)]
    if isinstance(settings, list):
        return [name for value in settings for name in references(value)]
    match = _REFERENCE.match(settings) if isinstance(settings, str) else None
    return [match[1]] if match else []


def is_clear_secret(name: str, value: Any) -> bool:
    """Tell whether a setting holds a secret in clear, by its name or by the look of its value."""
    if not isinstance(value, str | int) or isinstance(value, bool) or value in ("", 0) or is_reference(value):
        return False
    return bool(_NAME.search(name)) or bool(_VALUE.search(str(value)))


def resolve_secret(value: str, environment: Mapping[str, str]) -> str:
    """Return what `env:NAME` stands for; any other value is returned as it is.

    Raises InvalidInput where the variable is not set or empty.
    """
    match = _REFERENCE.match(value)
    if not match:
        return value
    found = environment.get(match[1], "")
    if not found:
        raise InvalidInput(
            f"The environment variable {match[1]} is not set.",
            remedy=f"Put {match[1]}=… into .env beside config.yaml, or set it before the start.",
        )
    return found


def resolve_settings(settings: Any, environment: Mapping[str, str]) -> Any:
    """Return settings with every `env:NAME` inside replaced. Raises InvalidInput."""
    if isinstance(settings, str):
        return resolve_secret(settings, environment)
    if isinstance(settings, Mapping):
        return {key: resolve_settings(value, environment) for key, value in settings.items()}
    if isinstance(settings, list):
        return [resolve_settings(value, environment) for value in settings]
    return settings
