"""Google's sign-in of an installed app, by google-auth-oauthlib; its request goes through our HTTP client.

The library makes the address of the consent page (state, PKCE) and the request for the tokens. Its own server is not
used: it takes the first request that anybody sends as the answer, and needs a browser where the program runs. Renewing
a token is one form, the same for all services (clients/oauth/tokens.py); the library's `Credentials` would drop how
long Google accepts the sign-in.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx

from clients.oauth.app import SignInApp
from clients.oauth.exchange import exchanged

if TYPE_CHECKING:
    from requests import PreparedRequest, Response


class GoogleAuthorization:
    """One sign-in under way (`clients.oauth.sign_in.AuthorizationRequest`), with the client of a client secret file."""

    def __init__(self, app: SignInApp, client: Mapping[str, Any], redirect: str) -> None:
        from google_auth_oauthlib.flow import InstalledAppFlow

        self._app, self._token_url, page = app, str(client["token_uri"]), str(client["auth_uri"])
        config = {**client, "auth_uri": _https(page), "token_uri": _https(self._token_url)}
        make: Any = InstalledAppFlow.from_client_config
        self._flow = make({"installed": config}, list(app.scopes), redirect_uri=redirect)
        address, self.state = self._flow.authorization_url(**app.asks_more)
        self.address = page + address.removeprefix(_https(page))
        self.secrets: tuple[str, ...] = (self._flow.code_verifier, str(client["client_secret"]))

    def answer(self, http: httpx.Client, code: str) -> dict[str, Any]:
        """Return the token endpoint's answer to the code. Raises ServiceError."""
        self._flow.oauth2session.mount("https://", _Adapter(self._app, http, self._token_url))
        try:
            token = self._flow.fetch_token(code=code, include_client_id=True)
        except Warning as warning:  # not the scopes that were asked for; the caller decides whether they are enough
            token = warning.token  # type: ignore[attr-defined]
        return {**token, "scope": token.scope}


class _Adapter:
    """Sends the library's request for tokens through our client, as a transport adapter of requests."""

    def __init__(self, app: SignInApp, http: httpx.Client, url: str) -> None:
        self._app, self._http, self._url = app, http, url

    def send(self, request: PreparedRequest, **_: object) -> Response:
        """Return the answer. Raises ServiceError if it has no token."""
        from requests import Response

        found = exchanged(self._app, self._http, self._url, dict(parse_qsl(str(request.body))))
        answer = Response()
        answer.request = request
        answer.status_code, answer.encoding, answer.raw = 200, "utf-8", io.BytesIO(json.dumps(found).encode())
        return answer

    def close(self) -> None:
        """Do nothing: the connections belong to the client."""


def _https(url: str) -> str:
    """Return an address as the library wants it: it refuses HTTP, which stand-ins speak (see client_secret.py)."""
    return f"https://{url.removeprefix('http://')}" if url.startswith("http://") else url
