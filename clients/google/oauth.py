"""Sign-in to Google in the browser: OAuth 2.0 for installed apps with PKCE and a loopback redirect (RFC 8252)."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from clients import error_mapping as failures
from clients.errors import AuthError
from clients.google.app import GoogleApp
from clients.google.client_secret import client_secret
from clients.google.tokens import FixedToken, end_of
from clients.oauth.redirect import TRY_AGAIN, Answers, listening, returned_code
from clients.secrets import known
from clients.sign_in import SignedIn
from clients.transport import http_client

if TYPE_CHECKING:
    from google.oauth2.credentials import Credentials

_EXCHANGE_SECONDS = 30.0
_one_at_a_time = threading.Lock()


def sign_in(
    app: GoogleApp,
    client_secret_file: Path,
    open_browser: Callable[[str], object],
    port: int = 0,
    timeout: float = 300.0,
    *,
    base_url: str = "",
) -> SignedIn:
    """Let a person sign in with their browser; writes nothing.

    `client_secret_file` is the JSON that Google's console creates for a desktop app; `open_browser` is called with the
    address to open; `timeout` is in seconds; `base_url` is the address of the API, if it is not Google's own. Raises
    WrongClientSecret, AuthError (refused) and Timeout.
    """
    flow = _flow(app, client_secret_file)
    code = _consent(app, flow, open_browser, port, timeout)
    consented_at = datetime.now(UTC)
    with _loopback_without_tls(flow.client_config):
        credentials = _exchanged(app, flow, code)
    account = _account(app, credentials, base_url or app.service.url)
    return SignedIn(account, _sign_in_info(app, flow, credentials, account, consented_at))


def _flow(app: GoogleApp, client_secret_file: Path) -> Any:
    from google_auth_oauthlib.flow import InstalledAppFlow

    read: Any = InstalledAppFlow.from_client_config  # the package has no types
    flow = read(client_secret(client_secret_file, app.name), scopes=list(app.scopes))
    flow.oauth2session.trust_env = False
    return flow


@contextlib.contextmanager
def _loopback_without_tls(config: Mapping[str, Any]) -> Iterator[None]:
    """Allow oauthlib plain HTTP if both addresses are on this machine (a stand-in), and nowhere else.

    oauthlib reads an environment variable, which all threads share: one sign-in at a time, and not while waiting for
    the person.
    """
    hosts = {urlsplit(str(config.get(key, ""))).hostname for key in ("auth_uri", "token_uri")}
    if not hosts <= {"127.0.0.1", "localhost", "::1"}:
        yield
        return
    with _one_at_a_time:
        before = os.environ.get("OAUTHLIB_INSECURE_TRANSPORT")
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ["OAUTHLIB_INSECURE_TRANSPORT"]
            else:
                os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = before


def _consent(app: GoogleApp, flow: Any, open_browser: Callable[[str], object], port: int, timeout: float) -> str:
    """Send the person to Google and wait until their browser returns with a code."""
    answers = Answers()
    with listening(app.name, port, answers) as (address, expected):
        flow.redirect_uri = address
        # `consent` each time: only then does Google issue a new refresh token.
        with _loopback_without_tls(flow.client_config):
            url, state = flow.authorization_url(prompt="consent")
        expected.append(state)
        open_browser(url)
        return returned_code(answers, app.name, "Google", timeout)


def _exchanged(app: GoogleApp, flow: Any, code: str) -> Credentials:
    from oauthlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]

    known.keep("sign-in under way", code, str(flow.client_config.get("client_secret", "")))
    try:
        flow.fetch_token(code=code, timeout=_EXCHANGE_SECONDS)
        credentials: Credentials = flow.credentials
    except Warning:  # oauthlib raises it if Google grants other scopes than requested
        raise AuthError("Not all of the required access was granted.", service=app.name, remedy=TRY_AGAIN) from None
    except OAuth2Error as error:
        raise AuthError(
            f"Google refuses the sign-in: {error.description or error.error}.", service=app.name, remedy=TRY_AGAIN
        ) from None
    except (OSError, ValueError, LookupError) as error:  # requests' errors are OSErrors
        raise failures.of_broken_connection(app.service, error) from None
    if not credentials.refresh_token:
        raise AuthError(
            "Google returned no refresh token, so the sign-in would not last.",
            service=app.name,
            remedy="Remove this app at https://myaccount.google.com/permissions, then sign in again.",
        )
    return credentials


def _account(app: GoogleApp, credentials: Credentials, base_url: str) -> str:
    with http_client() as http:
        return app.account_of(http, FixedToken(str(credentials.token), app), base_url)


def _sign_in_info(
    app: GoogleApp, flow: Any, credentials: Credentials, account: str, consented_at: datetime
) -> dict[str, Any]:
    """Return the content of the sign-in file; the refresh token's expiry is counted from the consent."""
    info: dict[str, Any] = json.loads(credentials.to_json())  # type: ignore[no-untyped-call]
    answer = dict(flow.oauth2session.token)
    return {
        **info,
        "account": account,
        "granted_scopes": list(credentials.granted_scopes or app.scopes),
        "consented_at": consented_at.isoformat(timespec="seconds"),
        **end_of(answer, consented_at),
    }
