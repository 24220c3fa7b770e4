"""The generic HTTP client: one request, with redirects followed by hand and each hop checked."""

from __future__ import annotations

import httpx

from clients import error_mapping as failures
from clients.check_line import CheckLine
from clients.client import Client, Opening
from clients.errors import BadAnswer, InvalidRequest, ServiceError
from clients.http.answer import content_of, facts, file_of, harmless, plain
from clients.http.credentials import Credentials
from clients.http.demo_site import HOST, STRANGER, site_client
from clients.http.fetching import DocumentVersion, FetchedDocument
from clients.http.pages import Pages, Pagination
from clients.http.request import READS, SERVICE, WebRequest, address
from clients.http.service import HTTP, HttpSettings
from clients.listing import Json
from clients.reads import ConnectionReads
from clients.transport import AS_IT_IS, AnswerRefused, AnswerTooLarge, Forbidden, http_client, origin

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS_MOST = 3
_SAID_MOST = 300
_SEE_OTHER = 303
"""A write was done; its result is at another address (RFC 9110 15.4.4)."""
_MOVED = frozenset({307, 308})
"""A write was not done: it must be sent to another address (RFC 9110 15.4.8, 15.4.9)."""
_LED = "led_by_stranger"
"""Extension of a request that follows a redirect by a host outside the connection."""
_HARMLESS = ("accept", "accept-encoding", "accept-language", "range", "user-agent")
"""Headers that follow a redirect to another host; any other header may identify the caller."""


class HttpClient(Client):
    """Requests with the credentials of one connection, or with none.

    The HTTP client passed in decides where a request may go: `public_only`, with the same `allow_hosts`.
    """

    service = HTTP
    http: httpx.Client

    def __init__(self, settings: HttpSettings, http: httpx.Client) -> None:
        self.http = http
        self._credentials = Credentials.of(settings)

    @classmethod
    def open(cls, settings: HttpSettings, opening: Opening) -> HttpClient:
        """Return a client for these settings; for the demo, it reaches only the demo's site."""
        reads = ConnectionReads(HTTP.reads, title=HTTP.title)
        if opening.is_demo:
            others = http_client(allowed_origins=frozenset(), reads=reads, any_path=True)
        else:
            others = http_client(
                public_only=True, allow_hosts=frozenset(settings.allow_hosts), reads=reads, any_path=True
            )

        def reach(address: str) -> httpx.Client:
            return http_client(allowed_origins=frozenset({origin(address)}), reads=reads, any_path=True)

        return cls(settings, site_client(others, opening.demo_site, reach))

    def account(self) -> str:
        """Return the hosts that receive this connection's credentials; "public" if no host does."""
        return ",".join(sorted(self._credentials.hosts)) or "public"

    def check(self) -> list[CheckLine]:
        """Report where the credentials are sent; makes no request, since no address is known to be harmless."""
        if self._credentials.are_any and not self._credentials.hosts:
            return [
                CheckLine(
                    "hosts",
                    ok=False,
                    text="No host receives these credentials: name it in the connection's `allow_hosts`.",
                )
            ]
        return [CheckLine("hosts", ok=True, text=f"Credentials and private addresses: {self.account()}.")]

    def request(self, wanted: WebRequest) -> Json:
        """Send the request: {status, headers, json, text, url, left_out}; a status of 400 or above raises its error.

        Reads follow up to 3 redirects; a write answered with 303 has been done, and its `location` is where to see
        it. `json` is null if the body is not JSON, `headers` have lower-case names.
        """
        return plain(self._answered(wanted.request(self.http)), self._credentials)

    def download(self, wanted: WebRequest) -> tuple[Json, bytes, str, str]:
        """Send the request: ({status, headers, url}, content, file name, media type).

        Also raises InvalidRequest for a binary file that contains a secret of the connection.
        """
        answer = self._answered(wanted.request(self.http))
        return facts(answer, self._credentials), *file_of(answer, self._credentials)

    def fetch(self, url: str, most_bytes: int, known: DocumentVersion) -> FetchedDocument | None:
        """Read a document; None if it is still the known version. Raises as `download`."""
        answer = self._answered(WebRequest("GET", url, known.headers, most_bytes=most_bytes).request(self.http))
        told = facts(answer, self._credentials)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        try:
            content = harmless(content_of(answer), answer, self._credentials)
        except AnswerRefused as error:
            raise InvalidRequest(f"What {told['url']} sent was not read: {error}.", service=SERVICE) from None
        kind = told["headers"].get("content-type", "")
        return FetchedDocument(answer.status_code, told["url"], content, kind, DocumentVersion.of(told["headers"]))

    def pages(self, wanted: WebRequest, paging: Pagination) -> Json:
        """Read a list page by page: {status, headers, url} of the last page, {items, pages, has_more, left_out} of all.

        A next page at another place (scheme, host, port) is refused. At most 20 MB are read in total.
        """
        first = wanted.request(self.http)
        following = first.url
        read = Pages(paging, following)
        while True:
            answer = self._answered(self._to(first, following))
            found = read.take(answer)
            if found is None or read.is_full:
                break
            following = found
        about = {"pages": read.count, "has_more": found is not None, "left_out": read.notes}
        items = self._credentials.redacted_json(read.items)
        return {**facts(answer, self._credentials), "items": items, **self._credentials.redacted_json(about)}

    def _answered(self, request: httpx.Request) -> httpx.Response:
        """Send a request, following redirects of reads; raise the error for a status of 300 or above."""
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
                remedy="Correct `url`: give the final address.",
            )
        return answer

    def _next(self, request: httpx.Request, answer: httpx.Response) -> httpx.Request:
        url = address(str(_joined(request.url, answer.headers["location"])))
        if request.url.scheme == "https" and url.scheme != "https":
            raise Forbidden(f"{origin(request.url)} redirects to an address without encryption.", service=SERVICE)
        is_led = _LED in request.extensions or not self._credentials.are_for(request.url)
        if is_led and self._credentials.are_for(url):
            raise Forbidden(
                f"{origin(request.url)} redirects to {origin(url)}, a host of the connection.",
                service=SERVICE,
                remedy="Correct `url`: give the final address. Other hosts do not decide what is read there.",
            )
        following = self._to(request, url)
        if is_led:
            following.extensions[_LED] = True
        # The mark stays over all hops, so that no chain of redirects reaches the demo's site for a stranger.
        if STRANGER in request.extensions or request.url.host != HOST:
            following.extensions[STRANGER] = True
        return self._with_credentials(following)

    def _to(self, request: httpx.Request, url: httpx.URL) -> httpx.Request:
        """Repeat the read at another URL; headers that identify the caller stay behind if the place changes."""
        headers = httpx.Headers(request.headers)
        headers.pop("host", None)
        if origin(url) != origin(request.url):
            headers = httpx.Headers({name: headers[name] for name in _HARMLESS if name in headers})
        limits = {name: value for name, value in request.extensions.items() if name == "most_bytes"}
        if url == request.url:
            return request
        return self.http.build_request(request.method, url, headers=headers, extensions=limits)

    def _sent(self, request: httpx.Request) -> httpx.Response:
        try:
            request.extensions[AS_IT_IS] = True  # files that contain a secret are refused, not altered
            return self.http.send(request)
        except ServiceError:
            raise
        except AnswerTooLarge as error:
            raise InvalidRequest(
                f"The server sent an answer that was rejected: {error}.",
                service=SERVICE,
                remedy="Raise `max_bytes`, or ask for less.",
                outcome="not_done" if request.method in READS else "unknown",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise failures.of_broken_connection(HTTP, error) from None

    def _refusal(self, answer: httpx.Response) -> ServiceError:
        if answer.status_code in _REDIRECTS and answer.request.method not in READS:
            words = "it redirects, and redirects are followed for GET and HEAD only"
            if answer.status_code in _MOVED:
                to = self._credentials.redacted(answer.headers.get("location", "")).partition("?")[0]
                return _moved(answer, to[:_SAID_MOST])
        elif answer.status_code in _REDIRECTS:
            words = "it redirects without saying where"
        else:
            words = self._credentials.redacted(failures.words_in(answer.content))[:_SAID_MOST]
        error = failures.of_status(HTTP, answer.status_code, answer.headers, words)
        error.remedy = f"The address was {origin(answer.request.url)}{answer.request.url.path}. {error.remedy}"
        return error


def _moved(answer: httpx.Response, to: str) -> InvalidRequest:
    where = f"{origin(answer.request.url)}{answer.request.url.path} has moved{f' to {to!r}' if to else ''}"
    return InvalidRequest(
        f"The server answered {answer.status_code}: this must be sent to another address.",
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
