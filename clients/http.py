"""Any HTTP service that has no client of its own: one request, its redirects followed by hand, each hop checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients import failures
from clients.errors import BadAnswer, InvalidRequest, ServiceError
from clients.transport import Forbidden, origin

Json: TypeAlias = dict[str, Any]

SERVICE = "http"
READS = frozenset({"GET", "HEAD"})
_METHODS = READS | {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS_MOST = 3
_SAID_MOST = 300
# Set by the connection itself; a workflow that sets them could smuggle a second request (RFC 9112 11.2).
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
_TEXTUAL = ("json", "xml", "javascript", "yaml", "csv", "urlencoded")


class HttpSettings(BaseModel):
    """What `connections.<name>` of `http` may say in config.yaml.

    `headers` (tokens) go only to `allow_hosts` (`host` or `host:port`); these may also be private addresses.
    """

    model_config = ConfigDict(extra="forbid")

    headers: dict[str, SecretStr] = Field(default_factory=dict)
    allow_hosts: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """One request as a workflow asks for it; `json` None means no JSON body."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    text: str | None = None


class HttpClient:
    """Requests with the headers of one connection, or of none. Threads may share it; raises ServiceError only.

    Where a request may go is decided by the HTTP client it is given: `public_only`, with the same `allow_hosts`.
    """

    service: ClassVar[str] = SERVICE
    Settings = HttpSettings
    key_variables: ClassVar[Mapping[str, str]] = {}
    key_place: ClassVar[str] = ""
    key_url: ClassVar[str] = ""
    default_url: ClassVar[str] = ""

    def __init__(self, settings: HttpSettings, http: httpx.Client) -> None:
        self._http = http
        self._headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        self._allow_hosts = frozenset(host.lower() for host in settings.allow_hosts)

    def account(self) -> str:
        """Give the hosts that get this connection's headers; "public" for none."""
        return ",".join(sorted(self._allow_hosts)) or "public"

    def check(self) -> list[tuple[str, bool, str]]:
        """Say where the headers go; nothing is sent, since no address is known to be harmless."""
        if self._headers and not self._allow_hosts:
            return [("hosts", False, "No host gets these headers: name it in the connection's `allow_hosts`.")]
        return [("hosts", True, f"Headers and private addresses: {self.account()}.")]

    def request(self, wanted: Wanted) -> Json:
        """Send it: {status, headers, json, text, url}; an answer of 400 and above raises its error.

        Reads follow up to 3 redirects. `json` is null where the answer is none, `headers` have lower-case names.
        """
        method = wanted.method.upper()
        if method not in _METHODS:
            raise InvalidRequest(f"{wanted.method!r} is not a method that is sent here.", service=SERVICE)
        request = self._first(method, wanted)
        answer = self._sent(request)
        if method in READS:
            answer = self._followed(request, answer)
        if answer.status_code >= 400 or answer.status_code in _REDIRECTS:
            raise self._refusal(answer)
        return _plain(answer)

    def _first(self, method: str, wanted: Wanted) -> httpx.Request:
        url = _url(wanted.url)
        body: dict[str, Any] = {}
        if wanted.json is not None:
            body = {"json": wanted.json}
        elif wanted.text is not None:
            body = {"content": wanted.text.encode("utf-8", "replace")}
        try:
            url = url.copy_merge_params(_query(wanted.query)) if wanted.query else url
            request = self._http.build_request(method, url, headers=_headers(wanted.headers), **body)
        except (ValueError, TypeError) as error:
            raise InvalidRequest(f"The request cannot be written: {error}", service=SERVICE) from None
        return self._with_own_headers(request)

    def _with_own_headers(self, request: httpx.Request) -> httpx.Request:
        if self._is_named(request.url):
            request.headers.update(self._headers)
        return request

    def _is_named(self, url: httpx.URL) -> bool:
        host = url.host.lower()
        return not self._allow_hosts.isdisjoint({host, origin(url).split("//")[1].lower()})

    def _followed(self, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        for _ in range(_HOPS_MOST):
            if answer.status_code not in _REDIRECTS or "location" not in answer.headers:
                return answer
            request = self._next(request, answer)
            answer = self._sent(request)
        if answer.status_code in _REDIRECTS:
            raise BadAnswer(f"{origin(request.url)} redirects more than {_HOPS_MOST} times.", service=SERVICE)
        return answer

    def _next(self, request: httpx.Request, answer: httpx.Response) -> httpx.Request:
        url = _url(str(_joined(request.url, answer.headers["location"])))
        if request.url.scheme == "https" and url.scheme != "https":
            raise Forbidden(f"{origin(request.url)} redirects to an address without encryption.", service=SERVICE)
        headers = httpx.Headers(request.headers)
        headers.pop("host", None)
        if origin(url) != origin(request.url):
            for name in [*_CREDENTIALS, *self._headers]:
                headers.pop(name, None)
        return self._with_own_headers(self._http.build_request(request.method, url, headers=headers))

    def _sent(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except ServiceError:
            raise
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise failures.of_broken_connection(SERVICE, error) from None

    def _refusal(self, answer: httpx.Response) -> ServiceError:
        if answer.status_code in _REDIRECTS:
            said = "it redirects, which is followed for GET and HEAD only"
        else:
            kind = answer.headers.get("content-type", "").lower()
            said = _text(answer, kind)[:_SAID_MOST] if "html" not in kind else ""
        # A value may be "Bearer TOKEN": servers repeat the token alone.
        secrets = [part for value in self._headers.values() for part in (value, value.rpartition(" ")[2])]
        said = failures.without_secrets(said, secrets)
        error = failures.of_status(SERVICE, answer.status_code, answer.headers, said)
        error.remedy = f"The address was {origin(answer.request.url)}{answer.request.url.path}. {error.remedy}"
        return error


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidRequest(f"The address cannot be read: {error}", service=SERVICE) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidRequest("An address begins with https:// or http:// and a host.", service=SERVICE)
    if url.userinfo:
        raise InvalidRequest(
            "The address holds a name or password.", service=SERVICE, remedy="Put it into a connection's `headers`."
        )
    return url


def _joined(base: httpx.URL, location: str) -> httpx.URL:
    try:
        return base.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadAnswer(f"{origin(base)} redirects to an address that cannot be read.", service=SERVICE) from error


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    own = sorted(_OWN_HEADERS & {name.strip().lower() for name in given})
    if own:
        raise InvalidRequest(f"The header {own[0]} is set by the connection itself.", service=SERVICE)
    return dict(given)


def _query(given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in given.items():
        pairs += [(name, each) for each in (value if isinstance(value, list) else [value]) if each is not None]
    return pairs


def _plain(answer: httpx.Response) -> Json:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    headers.pop("set-cookie", None)
    kind = headers.get("content-type", "").lower()
    return {
        "status": answer.status_code,
        "headers": headers,
        "json": _json(answer, kind),
        "text": _text(answer, kind),
        "url": str(answer.request.url),
    }


def _json(answer: httpx.Response, kind: str) -> Any:
    if "json" not in kind or not answer.content.strip():
        return None
    try:
        return json.loads(answer.content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("The server says that it answers JSON, but this is none.", service=SERVICE) from error


def _refuse(word: str) -> None:
    raise ValueError(word)


def _text(answer: httpx.Response, kind: str) -> str:
    is_text = not kind or kind.startswith("text/") or any(word in kind for word in _TEXTUAL)
    return answer.text if is_text else ""
