"""PyGithub over the shared HTTP client: its connections, and GitHub's refusals as our errors."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import ItemsView, Iterator
from typing import TYPE_CHECKING, Any

import httpx

from clients import error_mapping as failures
from clients.errors import BadAnswer, Conflict, InvalidRequest, ServiceError
from clients.github.pace import Pace
from clients.github.service import GITHUB
from clients.request_tracking import only_asks

if TYPE_CHECKING:
    from github.GithubObject import GithubObject
    from github.Requester import Requester

SERVICE = GITHUB.name
_PLACE_MOST = 120
_CLOSED = re.compile(r"\bwas archived\b|\bis archived\b|\bis locked\b", re.IGNORECASE)
_SECONDARY_LIMIT_SECONDS = 60.0
"""The wait if GitHub names none (docs.github.com, "Best practices for using the REST API")."""


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
        user_agent="AI-Orchestra",
        per_page=100,
        verify=True,
        retry=None,
        pool_size=None,
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
        said = _said(response) + (_place(response.request.url) if status == 404 else "")
        if status == 403 and _CLOSED.search(said):
            raise _takes_no_more(said)
        error = failures.of_status(GITHUB, status, response.headers, said)
        if error.retry_after_seconds is None and "secondary rate limit" in said.lower():
            error.retry_after_seconds = _SECONDARY_LIMIT_SECONDS
        raise error
    if status == 304:  # only in reply to an ETag or a time
        return response
    if status >= 300 or status == 202:
        raise InvalidRequest(
            f"GitHub answered {status}: this has moved to another address. Was the repository renamed?",
            service=SERVICE,
            remedy="Use the repository's current name, or correct the connection's `base_url`.",
            http_status=status,
        )
    if status != 204 and not _is_json(response):
        raise BadAnswer(f"GitHub answered {status} without JSON.", service=SERVICE, http_status=status)
    return response


def _takes_no_more(said: str) -> Conflict:
    """Return the error for a locked or archived object: nobody can write to it, and the token is fine."""
    return Conflict(
        f"GitHub answered 403: {said.removesuffix('.')}.",
        service=SERVICE,
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


def _is_json(response: httpx.Response) -> bool:
    try:
        json.loads(response.content)
    except ValueError:
        return False
    return True


def _said(response: httpx.Response) -> str:
    """Return GitHub's `message` and the text of each of its `errors` (docs.github.com, REST, troubleshooting)."""
    try:
        body = json.loads(response.content)
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    details = [_detail(each) for each in errors] if isinstance(errors, list) else []
    return "; ".join(part for part in [str(body.get("message") or ""), *details] if part)


def _detail(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    return str(error.get("message") or f"{error.get('field', '')} {error.get('code', '')}".strip())
