"""`connections check` for GitHub, beyond the sign-in: scopes, the token's expiry, and the remaining rate limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from clients.check_line import CheckLine
from clients.wording import counted

if TYPE_CHECKING:
    from clients.github.service import GitHubSettings

_WARNS_BEFORE = timedelta(days=7)
_TOKENS = "https://github.com/settings/tokens"


def look(settings: GitHubSettings, http: httpx.Client, now: datetime) -> Iterator[CheckLine]:
    """Yield (what, ok, sentence) for each finding; nothing if GitHub does not answer, which other checks report.

    `GET /rate_limit` does not count against the limit (https://docs.github.com/en/rest/rate-limit/rate-limit).
    """
    headers = {"authorization": f"Bearer {settings.token.get_secret_value()}", "accept": "application/json"}
    answer = http.get(f"{settings.base_url.rstrip('/')}/rate_limit", headers=headers)
    if answer.status_code != 200:
        return
    yield from _scopes(answer.headers)
    yield from _end(answer.headers, now)
    yield from _limits(answer)


def _scopes(headers: Mapping[str, str]) -> Iterator[CheckLine]:
    """Check the scopes of a classic token; a fine-grained token has permissions per repository instead."""
    if "x-oauth-scopes" not in headers:
        return
    scopes = [scope.strip() for scope in headers["x-oauth-scopes"].split(",") if scope.strip()]
    shown = ", ".join(scopes) or "none"
    if "repo" in scopes:
        yield CheckLine("scopes", ok=True, text=f"The token has {shown}.")
    elif "public_repo" in scopes:
        yield CheckLine("scopes", ok=True, text=f"The token has {shown}: public repositories only.")
    else:
        yield CheckLine(
            "scopes",
            ok=False,
            text=f"The token has {shown}; `repo` is missing. Enable it at {_TOKENS}, or create a new token.",
            field="token",
        )


def _end(headers: Mapping[str, str], now: datetime) -> Iterator[CheckLine]:
    """Report when the token expires, e.g. `2026-12-01 12:00:00 UTC`, if it does."""
    said = headers.get("github-authentication-token-expiration", "")
    try:
        ends_at = datetime.strptime(said.removesuffix(" UTC"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return
    left = ends_at - now
    advice = f" Create a new one soon: {_TOKENS}." if left < _WARNS_BEFORE else ""
    yield CheckLine(
        "token ends",
        ok=True,
        text=f"The token ends on {ends_at:%Y-%m-%d}, in {counted(max(left.days, 0), 'day')}.{advice}",
        is_note=True,
    )


def _limits(answer: httpx.Response) -> Iterator[CheckLine]:
    try:
        core: Mapping[str, Any] = answer.json()["resources"]["core"]
        limit, remaining, reset = int(core["limit"]), int(core["remaining"]), int(core["reset"])
    except (ValueError, LookupError, TypeError):
        return
    until = datetime.fromtimestamp(reset, UTC)
    said = f"{remaining} of {limit} requests are left until {until:%H:%M} UTC."
    if remaining:
        yield CheckLine("limits", ok=True, text=said, is_note=True)
    else:
        yield CheckLine(
            "limits",
            ok=False,
            text=f"{said} Wait until then; polling less often or using a separate token leaves more.",
        )
