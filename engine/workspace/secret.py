"""What counts as a secret in a setting or a text, and how to refer to one instead: `env:NAME`, `secret:NAME`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
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
_REDACTED = "***"
_KEY = r"gh[opsur]_|github_pat_|orch_|sk-|ntn_|secret_|whsec_|ya29\.|1//|AIza|AKIA|ASIA|xox[abeprs]-|xapp-|glpat-"
_HOOK = r"://hooks\.[^/\s\"\']+|/api/webhooks|/bot(?=[0-9]{6,}:)"
_IN_QUERY = r"token|secret|signature|sig|key|password|passwd|code|credential|auth|session|jwt|hmac"
_SIGNED = rf"[\w.-]*(?:{_IN_QUERY})|x-(?:amz|goog)-[\w-]+|key-pair-id|policy"
_OWN_HEADER = r"x-(?=[\w-]{1,100}+[\"']?\s*:)[\w-]*?(?:key|token|secret|auth|signature)[\w-]*+"
_HEADER = rf"set-cookie|cookie|(?:proxy-)?authorization|{_OWN_HEADER}"
_WORD = r"token|secret|pass(?:word|wd|phrase)|pwd|(?:api|access|private)[-_]?key|credentials?|session[-_]?id"


@cache
def _forms() -> Sequence[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]:
    """Return the forms of secrets in texts, with what is shown instead: keys, headers, passwords, signed links.

    Strangers write these texts, so the time depends on their length alone: what may be long is read once, also where
    the end that makes it a secret is missing. They are compiled when the first text is looked at.
    """
    forms: Sequence[tuple[str, bool, str | Callable[[re.Match[str]], str]]] = (
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", False, _REDACTED),
        (rf"(?<![A-Za-z0-9])(?:{_KEY})[A-Za-z0-9_./-]{{8,}}", False, _REDACTED),
        (r"eyJ[\w-]{10,}+(\.[\w-]+(?:\.[\w-]*)?)?", False, lambda found: _REDACTED if found[1] else found[0]),
        (r"\b(Bearer|Basic|token) +(?=\S*[0-9=+/])[^\s\"',;]{8,}", False, rf"\1 {_REDACTED}"),
        (rf"({_HOOK})/?[^\s\"'<>]+", True, rf"\1/{_REDACTED}"),
        (r"://[^/\s:@\"']*+:[^\s@\"']*+(@)?", False, lambda found: f"://{_REDACTED}@" if found[1] else found[0]),
        (rf"([?&;](?:{_SIGNED})=)[^&#\s\"'<>]+", True, rf"\1{_REDACTED}"),
        (rf"(\b(?:{_HEADER})[\"']?\s*:\s*[\"']?)[^\r\n\"']+", True, rf"\1{_REDACTED}"),
        (rf"((?:{_WORD})[\"']?\s*[:=]\s*[\"']?)[^\s\"'&,;{{}}]{{6,}}", True, rf"\1{_REDACTED}"),
    )
    return [
        (re.compile(pattern, re.IGNORECASE | re.DOTALL if any_case else re.DOTALL), shown)
        for pattern, any_case, shown in forms
    ]


_WHOLE = frozenset({"headers", "cookies", "set-cookie"})
"""Members in which every text may be a secret, except the headers below."""
_PLAIN_HEADERS = frozenset({"accept", "content-type", "content-length", "date", "user-agent"})


def without_forms(text: str) -> str:
    """Return a text without what has the form of a secret: keys, headers, cookies, passwords, signed links."""
    for pattern, shown in _forms():
        text = pattern.sub(shown, text)
    return text


def without_secrets(value: Any, name: str = "") -> Any:
    """Return a JSON value without what has the form or the name of a secret; `name`: of the member it is in.

    Expressions and references (`env:NAME`) stay: they name a secret, and do not have it.
    """
    if isinstance(value, dict):
        if name.lower() in _WHOLE:
            return {one: inner if one.lower() in _PLAIN_HEADERS else _redacted(inner) for one, inner in value.items()}
        return {without_forms(one): without_secrets(inner, one) for one, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(one, name) for one in value]
    if isinstance(value, str | int) and _NAME.search(name) and is_clear_secret(name, value):
        return _redacted(value)
    return without_forms(value) if isinstance(value, str) else value


def _redacted(value: Any) -> Any:
    """Return what is shown for a secret, at any depth; an expression or a reference stays."""
    if isinstance(value, dict):
        return {name: _redacted(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return list(map(_redacted, value))
    is_named = isinstance(value, str) and ("{{" in value or is_reference(value))
    return value if value is None or isinstance(value, bool) or is_named else _REDACTED


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
