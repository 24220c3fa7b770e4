"""PyGithub over the shared HTTP client: its connections, and GitHub's refusals as our errors."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import ItemsView, Iterator
from typing import TYPE_CHECKING, Any

import httpx

from clients import AGENT
from clients import error_mapping as failures
from clients.errors import BadAnswer, ServiceError
from clients.github.pace import Pace
from clients.github.refusals import refused, renamed
from clients.github.service import GITHUB
from clients.request_tracking import only_asks

if TYPE_CHECKING:
    from github.GithubObject import GithubObject
    from github.Requester import Requester

SERVICE = GITHUB.name
_MOVED = frozenset({301, 302, 307, 308})
"""What GitHub answers for a repository under an earlier name (docs.github.com, Best practices, follow redirects)."""
_HOPS_MOST = 3
_IN_REPOSITORY = re.compile(r".*?/(?:repositories/\d+|repos/[^/]+/[^/]+)")


def requester(http: httpx.Client, base_url: str, token: str, pace: Pace | None = None) -> Requester:
    """Return a PyGithub requester that sends through `http`, with PyGithub's own retries and throttle off.

    `pace` decides when each request may go; None: at once.

    The connection classes are set on a subclass, since PyGithub keeps them on the class.
    """
    from github import Auth
    from github.Requester import Requester

    own: Any = type("Requester", (Requester,), {})
    own.injectConnectionClasses(_connection(http, "http", pace), _connection(http, "https", pace))
    made: Requester = own(
        auth=Auth.Token(token) if token else None,
        base_url=base_url.rstrip("/"),
        timeout=60,
        user_agent=AGENT,
        per_page=100,
        verify=True,
        retry=None,
        pool_size=None,
        # Objects are made from their addresses, without a request.
        lazy=True,
        api_version="2022-11-28",
    )
    return made


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Convert anything that PyGithub, httpx or a malformed answer raises into an error of `clients.errors`."""
    from github import GithubException

    try:
        yield
    except ServiceError:
        raise
    except httpx.HTTPError as error:
        raise failures.of_broken_connection(GITHUB, error) from error
    except (GithubException, AssertionError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise failures.of_shape(GITHUB, error) from error


def raw(found: GithubObject) -> dict[str, Any]:
    """Return an object's JSON as received: `raw_data` of a list item would fetch each item again."""
    from github.GithubObject import GithubObject

    data: dict[str, Any] = GithubObject.raw_data.fget(found)  # type: ignore[attr-defined]
    return data


def _connection(http: httpx.Client, scheme: str, pace: Pace | None) -> type[Any]:
    """Make the connection class that PyGithub instantiates for each host; it mimics `http.client`."""

    class Connection:
        def __init__(self, host: str, port: int | None = None, **_: object) -> None:
            self.host = host
            name = f"[{host}]" if ":" in host else host
            self._base = f"{scheme}://{name}:{port}" if port else f"{scheme}://{name}"
            # PyGithub may share a connection between threads, from `request` to `getresponse`.
            self._waiting = threading.local()

        def request(self, verb: str, url: str, content: Any, headers: dict[str, str], stream: Any = None) -> None:
            self._waiting.request = http.build_request(verb, self._base + url, content=content, headers=headers)

        def getresponse(self) -> _Answer:
            request = self._waiting.request
            if pace is not None:
                pace.before("GET" if only_asks(request.method) else request.method)
            response = http.send(request)
            try:
                response = _followed(http, request, response)
                return _Answer(_accepted(response))
            except ServiceError as error:
                if pace is not None:
                    pace.after(error, response.headers.get("x-ratelimit-resource", ""))
                raise

        def close(self) -> None:
            """Do nothing: the connections belong to the shared client."""

    return Connection


class _Answer:
    """A response in the form that PyGithub expects."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self._response = response

    def getheaders(self) -> ItemsView[str, str]:
        return self._response.headers.items()

    def read(self) -> str:
        return self._response.text


def _accepted(response: httpx.Response) -> httpx.Response:
    """Return a successful response that PyGithub can read; raise our error for any other."""
    status = response.status_code
    if status >= 400:
        raise refused(response)
    if status == 304:  # only in reply to an ETag or a time
        return response
    if status >= 300:
        raise renamed(status, "", "")
    if status == 202:  # it computes statistics and makes forks in the background
        raise BadAnswer("GitHub answered 202: it has not finished yet.", service=SERVICE, http_status=status)
    if status != 204 and not _is_json(response):
        raise BadAnswer(f"GitHub answered {status} without JSON.", service=SERVICE, http_status=status)
    return response


def _followed(http: httpx.Client, request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """Return the answer of the place that a repository has moved to: reads follow it there.

    A write does not: its workflow names the repository, and another owner may have it now. Raises InvalidRequest with
    both names.
    """
    for _ in range(_HOPS_MOST):
        if response.status_code not in _MOVED or (target := _target(request, response)) is None:
            return response
        if request.method not in {"GET", "HEAD"}:
            raise renamed(response.status_code, _repository_in(request.url), _name_now(http, request, target))
        request = _read_of(http, request, target)
        response = http.send(request)
    return response


def _read_of(http: httpx.Client, request: httpx.Request, target: httpx.URL) -> httpx.Request:
    # A redirected write is only read there, without its body.
    headers = {name: value for name, value in request.headers.items() if not name.startswith(("content-", "transfer-"))}
    return http.build_request("HEAD" if request.method == "HEAD" else "GET", target, headers=headers)


def _target(request: httpx.Request, response: httpx.Response) -> httpx.URL | None:
    """Return where an answer points to; None if that is another server, which must not get the token."""
    try:
        target = request.url.join(response.headers.get("location", ""))
    except httpx.InvalidURL:
        return None
    place, here = (target.scheme, target.host, target.port), (request.url.scheme, request.url.host, request.url.port)
    return target if place == here and target != request.url else None


def _name_now(http: httpx.Client, request: httpx.Request, target: httpx.URL) -> str:
    """Return the present name of the repository that an address is in; empty if GitHub does not say it."""
    found = _IN_REPOSITORY.match(target.path)
    if found is None:
        return ""
    read = _read_of(http, request, target.copy_with(path=found[0], query=None))
    try:
        answer = _accepted(_followed(http, read, http.send(read)))
        return str(json.loads(answer.content).get("full_name") or "")
    except (ServiceError, httpx.HTTPError, ValueError, AttributeError):
        return ""


def _repository_in(url: httpx.URL) -> str:
    found = re.search(r"/repos/([^/]+/[^/]+)", url.path)
    return found[1] if found else ""


def _is_json(response: httpx.Response) -> bool:
    try:
        json.loads(response.content)
    except ValueError:
        return False
    return True
