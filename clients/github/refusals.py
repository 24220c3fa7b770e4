"""GitHub's refusals as our errors: its own words, and a remedy that can help."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import httpx

from clients import error_mapping as failures
from clients.errors import Conflict, InvalidRequest, RateLimited, ServiceError
from clients.github.service import GITHUB

_PLACE_MOST = 120
_CLOSED = re.compile(r"\bwas archived\b|\bis archived\b|\bis locked\b", re.IGNORECASE)
_LIMITED = re.compile(r"secondary rate limit|abuse detection", re.IGNORECASE)
_SECONDARY_LIMIT_SECONDS = 60.0
"""The wait if GitHub names none (docs.github.com, "Best practices for using the REST API")."""
_TOKENS = "https://github.com/settings/tokens"
_CODES: Mapping[str, str] = {
    "missing": "does not exist",
    "missing_field": "is missing",
    "invalid": "is not valid",
    "already_exists": "exists already",
    "unprocessable": "cannot be processed",
}
"""Codes of `errors` (docs.github.com, Troubleshooting the REST API, validation failed)."""
_RIGHTS = {"read": "read", "write": "read and write", "admin": "admin"}
_SSO_URL = re.compile(r"\burl=(https://[^\s;,]+)")


def refused(response: httpx.Response) -> ServiceError:
    """Return the error for an answer with status 400 or above."""
    status, said = response.status_code, _said(response)
    if status == 403 and _CLOSED.search(said):
        return _takes_no_more(said)
    is_limited = status == 403 and _LIMITED.search(said) is not None
    # GitHub's 404 says "Not Found" and nothing else.
    told = said + (_place(response.request.url) if status == 404 else "")
    error = failures.of_status(GITHUB, status, response.headers, told, kind=RateLimited if is_limited else None)
    if is_limited and error.retry_after_seconds is None:
        error.retry_after_seconds = _SECONDARY_LIMIT_SECONDS
    if not isinstance(error, RateLimited):
        error.remedy = _remedy(status, response.headers, said) or error.remedy
    return error


def renamed(status: int, before: str, now: str) -> InvalidRequest:
    """Return the error for a write to a repository under its old name; `now` is empty if GitHub does not say it."""
    whose = f"the repository {before}" if before else "this"
    where = f"is called {now} now." if now else "has moved to another address. Was the repository renamed?"
    remedy = f"Write {now} in the workflow, if that is still the repository you mean." if now else ""
    return InvalidRequest(
        f"GitHub answered {status}: {whose} {where}",
        service=GITHUB.name,
        remedy=remedy or "Use the repository's current name, or correct the connection's `base_url`.",
        http_status=status,
    )


def _remedy(status: int, headers: Mapping[str, str], said: str) -> str:
    """Return a remedy for a refusal, or "" if nothing special is known."""
    if status == 403 and (sso := headers.get("x-github-sso", "")):
        found = _SSO_URL.search(sso)
        where = f" at {found[1]}" if found else f" at {_TOKENS} (Configure SSO)"
        return f"Authorize the token for the organization's single sign-on{where}, then try again."
    words = said.lower()
    known = next((remedy for sign, remedy in _BY_WORDS if sign in words), "") if status in {403, 410, 451} else ""
    if known or status not in {403, 404}:
        return known or _BY_STATUS.get(status, "")
    needed = _permissions(headers) or _scopes(headers)
    if not needed:
        return ""
    return f"Check the name; if it is right, {needed[0].lower()}{needed[1:]}" if status == 404 else needed


_BY_WORDS = (
    ("ip allow list", "Have an owner of the organization add this machine's address to its IP allow list."),
    ("oauth app access restrictions", "Have an owner of the organization approve the app, or use a token instead."),
    (
        "forbids access via a personal access token (classic)",
        "Create a fine-grained token for the organization at https://github.com/settings/personal-access-tokens.",
    ),
    (
        "forbids access via a fine-grained",
        f"Create a classic token at {_TOKENS}, or have an owner of the organization allow fine-grained ones.",
    ),
    ("issues are disabled", "Turn issues on in the settings of the repository, or choose another repository."),
    ("issues has been disabled", "Turn issues on in the settings of the repository, or choose another repository."),
    ("was deleted", "It cannot be brought back: leave it out, or write to another."),
    ("access blocked", "GitHub has blocked this repository: choose another, or ask its owner."),
)
_BY_STATUS: Mapping[int, str] = {
    410: "It is gone at GitHub, or turned off in the settings of the repository: choose another.",
    413: "Send less: shorten the text, or split it.",
    451: "GitHub has blocked this for legal reasons: choose another repository, or ask its owner.",
}


def _permissions(headers: Mapping[str, str]) -> str:
    """Return the permissions that a fine-grained token needs; `;` separates sets, and one set is enough."""
    sets = [_set(one) for one in headers.get("x-accepted-github-permissions", "").split(";") if "=" in one]
    if not sets:
        return ""
    page = "https://github.com/settings/personal-access-tokens"
    others = f" (or {', or '.join(sets[1:])})" if len(sets) > 1 else ""
    return f"Give the token {sets[0]}{others}, for this repository: {page}."


def _set(permissions: str) -> str:
    pairs = [one.strip().partition("=") for one in permissions.split(",") if "=" in one]
    return " and ".join(
        f"{name.replace('_', ' ').capitalize()}: {_RIGHTS.get(right, right)}" for name, _, right in pairs
    )


def _scopes(headers: Mapping[str, str]) -> str:
    """Return the scopes that a classic token needs, if it has none of them."""
    accepted = [one.strip() for one in headers.get("x-accepted-oauth-scopes", "").split(",") if one.strip()]
    # Fine-grained tokens have no scopes, and answers to them lack this header.
    has = {one.strip() for one in headers.get("x-oauth-scopes", "").split(",")}
    if not accepted or "x-oauth-scopes" not in headers or has & set(accepted):
        return ""
    shown = ", ".join(sorted(has - {""})) or "none"
    return f"Give the token the scope {' or '.join(accepted)} at {_TOKENS}; it has {shown}."


def _takes_no_more(said: str) -> Conflict:
    """Return the error for a locked or archived object: nobody can write to it, and the token is fine."""
    return Conflict(
        f"GitHub answered 403: {said.removesuffix('.')}.",
        service=GITHUB.name,
        http_status=403,
        remedy="Reopen it on GitHub (unarchive the repository, unlock the conversation), or choose another.",
    )


def _place(url: httpx.URL) -> str:
    """Return the requested resource and repository: GitHub's "Not Found" names neither, and either may be missing."""
    found = re.search(r"/repos/([^/]+/[^/]+)/?(.*)", url.path, re.DOTALL)
    if found is None:
        return ""
    inside = [found.group(2)[:_PLACE_MOST], url.params.get("sha", ""), url.params.get("ref", "")]
    named = ", ".join(part for part in inside if part)
    return f" (in the repository {found.group(1)}{f': {named}' if named else ''})"


def _said(response: httpx.Response) -> str:
    """Return GitHub's `message` and the text of each of its `errors` (docs.github.com, REST, troubleshooting)."""
    try:
        body = json.loads(response.content)
    except ValueError:
        body = None
    if not isinstance(body, dict) or not body.get("message"):
        return failures.words_in(response.content)
    errors = body.get("errors")
    listed = errors if isinstance(errors, list) else [errors] if errors else []
    return "; ".join(part for part in [str(body["message"]), *map(_detail, listed)] if part)


def _detail(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    if error.get("message"):
        return str(error["message"])
    field, code = str(error.get("field") or error.get("resource") or ""), str(error.get("code") or "")
    value = error.get("value")
    given = f" ({value!r:.100})" if value is not None else ""
    return f"{field} {_CODES.get(code, code)}{given}".strip()
