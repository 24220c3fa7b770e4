"""The token endpoint of OAuth 2 (RFC 6749, 4.1.3 and 6), and what a sign-in file keeps of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from clients import error_mapping as failures
from clients.errors import BadAnswer, ServiceError
from clients.oauth.app import SignInApp
from clients.secrets import known
from clients.transport import AS_IT_IS

_SOON = timedelta(minutes=1)
"""A token that ends within a minute is renewed at once: clocks differ, and a request takes a while."""


def exchanged(
    app: SignInApp, http: httpx.Client, url: str, form: Mapping[str, str], account: str = ""
) -> dict[str, Any]:
    """Return the token endpoint's answer to a code or a refresh token; `account`: whose it is, if that is known.

    Raises AuthError if it is refused, any other ServiceError if nobody could ask; nothing else has been sent then.
    """
    try:
        # Unredacted: the answer may repeat tokens that are known already.
        answer = http.post(url, data=dict(form), extensions={AS_IT_IS: True})
        if answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            said = "the token could not be renewed now"
            raise failures.of_status(app.service, answer.status_code, answer.headers, said)
        found = answer.json()
        if answer.status_code >= 300:
            raise _refused(app, found, account)
        known.keep(f"sign-in to {app.title}", found["access_token"], found.get("refresh_token") or "")
    except (ServiceError, httpx.HTTPError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        mapped = failures.of_broken_connection(app.service, error)
        mapped.outcome = "not_done"
        raise mapped from None  # the answer has tokens
    if str(found.get("token_type", "")).lower() != "bearer":
        raise BadAnswer(f"{app.at} sent a token of an unknown type.", service=app.name)
    return dict(found)


def _refused(app: SignInApp, found: Any, account: str) -> ServiceError:
    said = str(found.get("error_description") or found.get("error") or "no reason given")
    first = known.in_text(" ".join(said.split("\n", 1)[0].split()))[:300].rstrip(".")
    whose = f" of {account}" if account else ""
    return app.sign_in_error(
        f"{app.at} refuses the sign-in{whose}: {first}.",
        account=account,
        lacks_scope=found.get("error") == "invalid_scope",
    )


def kept(before: Mapping[str, Any], answer: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the content of a sign-in file after an answer; a refresh token stays until the service gives another."""
    ends = now + timedelta(seconds=float(answer.get("expires_in") or 0))
    return {
        **before,
        "token": answer["access_token"],
        "expiry": ends.isoformat(timespec="seconds"),
        "refresh_token": answer.get("refresh_token") or before.get("refresh_token", ""),
        "granted": answer.get("scope") or granted_in(before),
        **_end_of(answer, now),
    }


def granted_in(info: Mapping[str, Any]) -> str:
    """Return the granted scopes of a sign-in file, with blanks between; old ones of Google have a list instead."""
    return str(info.get("granted") or " ".join(info.get("granted_scopes") or []))


def _end_of(answer: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Return {sign_in_ends_at} if the token endpoint says how long the refresh token stays valid; otherwise {}.

    For Google's apps in the publishing status "Testing" it is seven days from the consent
    (https://developers.google.com/identity/protocols/oauth2#expiration).
    """
    seconds = answer.get("refresh_token_expires_in")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds <= 0:
        return {}
    return {"sign_in_ends_at": (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")}


def is_fresh(info: Mapping[str, Any], now: datetime) -> bool:
    """Return whether the access token of a sign-in file can still be used."""
    try:
        return bool(info.get("token")) and datetime.fromisoformat(str(info.get("expiry"))) > now + _SOON
    except (ValueError, TypeError):  # no time, or one without a zone
        return False


def now_utc() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
