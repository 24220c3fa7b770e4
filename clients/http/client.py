"""Any HTTP service that has no client of its own: one request, its redirects followed by hand, each hop checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import httpx

from clients import failures
from clients.errors import BadAnswer, InvalidRequest, ServiceError
from clients.http.answer import facts, file_of, plain, said
from clients.http.credentials import Credentials, HttpSettings
from clients.http.pages import Pages, Paging
from clients.http.request import READS, SERVICE, Wanted, address
from clients.transport import AnswerTooLarge, Forbidden, origin

__all__ = ["READS", "HttpClient", "HttpSettings", "Paging", "Wanted"]

Json: TypeAlias = dict[str, Any]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS_MOST = 3
_SAID_MOST = 300
_SEE_OTHER = 303
"""A write was done, and what came of it is to be read elsewhere (RFC 9110 15.4.4)."""
_MOVED = frozenset({307, 308})
"""A write was not done: it is to be sent to another address (RFC 9110 15.4.8, 15.4.9)."""
_HARMLESS = ("accept", "accept-encoding", "accept-language", "range", "user-agent")
"""What goes along to another host; any other header may tell who asks, whatever it is called."""


class HttpClient:
    """Requests with the credentials of one connection, or of none. Threads may share it; raises ServiceError only.

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
        self._credentials = Credentials.of(settings)

    def account(self) -> str:
        """Give the hosts that get this connection's credentials; "public" for none."""
        return ",".join(sorted(self._credentials.hosts)) or "public"

    def check(self) -> list[tuple[str, bool, str]]:
        """Say where the credentials go; nothing is sent, since no address is known to be harmless."""
        if self._credentials.are_any and not self._credentials.hosts:
            return [("hosts", False, "No host gets these credentials: name it in the connection's `allow_hosts`.")]
        return [("hosts", True, f"Credentials and private addresses: {self.account()}.")]

    def request(self, wanted: Wanted) -> Json:
        """Send it: {status, headers, json, text, url}; an answer of 400 and above raises its error.

        Reads follow up to 3 redirects; a write that is answered by 303 is done, and its `location` says where to see
        it. `json` is null where the answer is none, `headers` have lower-case names.
        """
        return plain(self._answered(wanted.request(self._http)), self._credentials)

    def download(self, wanted: Wanted) -> tuple[Json, bytes, str, str]:
        """Send it: ({status, headers, url}, content, name and media type of the file that the answer is).

        Raises InvalidRequest, too, for a file that holds a secret of the connection and is no text.
        """
        answer = self._answered(wanted.request(self._http))
        return facts(answer, self._credentials), *file_of(answer, self._credentials)

    def pages(self, wanted: Wanted, paging: Paging) -> Json:
        """Read a list page by page: {status, headers, url} of the last one, {items, pages, has_more} of all.

        The next page is at the same place (scheme, host, port), or it is refused. At most 20 MB are read in all.
        """
        first = wanted.request(self._http)
        following = first.url
        read = Pages(paging, following)
        while True:
            answer = self._answered(self._to(first, following))
            found = read.take(answer)
            if found is None or read.is_full:
                break
            following = found
        items = self._credentials.blotted_json(read.items)
        return {**facts(answer, self._credentials), "items": items, "pages": read.count, "has_more": found is not None}

    def _answered(self, request: httpx.Request) -> httpx.Response:
        """Send a request, with its redirects where it reads; raises what an answer of 300 and above means."""
        answer = self._sent(self._with_credentials(request))
        if request.method in READS:
            answer = self._followed(request, answer)
        is_done = answer.status_code == _SEE_OTHER and request.method not in READS
        if (answer.status_code >= 400 or answer.status_code in _REDIRECTS) and not is_done:
            raise self._refusal(answer)
        return answer

    def _with_credentials(self, request: httpx.Request) -> httpx.Request:
        if self._credentials.are_for(request.url):
            request.headers.update(self._credentials.headers)
            request.url = self._credentials.added(request.url)
        return request

    def _followed(self, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        for _ in range(_HOPS_MOST):
            if answer.status_code not in _REDIRECTS or "location" not in answer.headers:
                return answer
            request = self._next(request, answer)
            answer = self._sent(request)
        if answer.status_code in _REDIRECTS:
            raise InvalidRequest(
                f"{origin(request.url)} redirects more than {_HOPS_MOST} times.",
                service=SERVICE,
                remedy="Correct `url`: give the address to which it leads in the end.",
            )
        return answer

    def _next(self, request: httpx.Request, answer: httpx.Response) -> httpx.Request:
        url = address(str(_joined(request.url, answer.headers["location"])))
        if request.url.scheme == "https" and url.scheme != "https":
            raise Forbidden(f"{origin(request.url)} redirects to an address without encryption.", service=SERVICE)
        return self._with_credentials(self._to(request, url))

    def _to(self, request: httpx.Request, url: httpx.URL) -> httpx.Request:
        """The same read of another address; what says who asks does not go along to another place."""
        headers = httpx.Headers(request.headers)
        headers.pop("host", None)
        if origin(url) != origin(request.url):
            headers = httpx.Headers({name: headers[name] for name in _HARMLESS if name in headers})
        limits = {name: value for name, value in request.extensions.items() if name == "most_bytes"}
        if url == request.url:
            return request
        return self._http.build_request(request.method, url, headers=headers, extensions=limits)

    def _sent(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except ServiceError:
            raise
        except AnswerTooLarge as error:
            raise InvalidRequest(
                f"The server gave an answer that is not read: {error}.",
                service=SERVICE,
                remedy="Raise `max_bytes`, or ask for less.",
                outcome="not_done" if request.method in READS else "unknown",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise failures.of_broken_connection(SERVICE, error) from None

    def _refusal(self, answer: httpx.Response) -> ServiceError:
        if answer.status_code in _REDIRECTS and answer.request.method not in READS:
            words = "it redirects, which is followed for GET and HEAD only"
            if answer.status_code in _MOVED:
                to = self._credentials.blotted(answer.headers.get("location", "")).partition("?")[0]
                return _moved(answer, to[:_SAID_MOST])
        elif answer.status_code in _REDIRECTS:
            words = "it redirects, and does not say where to"
        else:
            is_page = "html" in answer.headers.get("content-type", "").lower()
            words = "" if is_page else self._credentials.blotted(said(answer))[:_SAID_MOST]
        error = failures.of_status(SERVICE, answer.status_code, answer.headers, words)
        error.remedy = f"The address was {origin(answer.request.url)}{answer.request.url.path}. {error.remedy}"
        return error


def _moved(answer: httpx.Response, to: str) -> InvalidRequest:
    where = f"{origin(answer.request.url)}{answer.request.url.path} has moved{f' to {to!r}' if to else ''}"
    return InvalidRequest(
        f"The server answered {answer.status_code}: this is to be sent to another address.",
        service=SERVICE,
        http_status=answer.status_code,
        remedy=f"Correct `url`: {where}.",
        outcome="not_done",
    )


def _joined(base: httpx.URL, location: str) -> httpx.URL:
    try:
        return base.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadAnswer(f"{origin(base)} redirects to an address that cannot be read.", service=SERVICE) from error
