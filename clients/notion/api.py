"""notion-client over the shared HTTP client, and Notion's refusals as our errors."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx

from clients import error_mapping as failures
from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.listing import Json
from clients.notion.pacer import Pacer
from clients.notion.service import NOTION
from clients.request_tracking import asking
from clients.transport import CONNECT_SECONDS, borrowed

if TYPE_CHECKING:
    from notion_client import Client

SERVICE = NOTION.name
VERSION = "2025-09-03"

_LIMIT_WORDS = re.compile(r"length|size|large|long|many|limit|maximum|at most|exceed|≤", re.IGNORECASE)
_FULL = re.compile(r"block limit|blocks? .{0,40}(?:free|plan)\b", re.IGNORECASE)
_UPGRADE = (
    "A free workspace with several members holds at most 1,000 blocks, and deleting frees none: upgrade it in Notion,"
    " or use a personal access token (developers.notion.com, workspace block limits)."
)
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


class NotionApiClock:
    """Notion's clock, which its timestamps are by: the `Date` of its last answer (RFC 9110 6.6.1). Thread-safe."""

    def __init__(self) -> None:
        self._told: datetime | None = None

    def heard(self, response: httpx.Response) -> None:
        """Record the date of an answer; a missing or invalid one is ignored."""
        with contextlib.suppress(ValueError, OverflowError):
            told = parsedate_to_datetime(response.headers.get("date", ""))
            self._told = told if told.tzinfo else told.replace(tzinfo=UTC)

    def now(self) -> datetime | None:
        """Return the time of the last answer (aware, whole seconds), or None before the first."""
        return self._told


def notion_api(
    http: httpx.Client, base_url: str, token: str, pacer: Pacer | None = None, clock: NotionApiClock | None = None
) -> Client:
    """Return the SDK's client that sends through `http`, with its retries and log off; `clock` notes Notion's time."""
    from notion_client import Client

    # The SDK writes its token and base URL into the client that it is given.
    own = borrowed(http)
    own.event_hooks = {
        "request": [pacer.before] if pacer else [],
        "response": [*([pacer.after] if pacer else []), *([clock.heard] if clock else [])],
    }
    api = Client(
        client=own,
        auth=token,
        base_url=base_url.rstrip("/"),
        retry=False,
        notion_version=VERSION,
        logger=logging.getLogger("clients.notion.sdk"),
        log_level=logging.CRITICAL,
    )
    # The SDK has set a limit of its own by now; here the deadline of the thread counts.
    own.timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
    return api


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Convert anything that the SDK, httpx or a malformed answer raises into an error of `clients.errors`."""
    from notion_client.errors import HTTPResponseError, InvalidPathParameterError, RequestTimeoutError

    try:
        yield
    except ServiceError:
        raise
    except HTTPResponseError as error:
        raise _refused(error.status, error.headers, failures.words_in(error.body)) from error
    except InvalidPathParameterError as error:
        raise InvalidRequest(f"Notion cannot be sent this request: {error}", service=SERVICE) from error
    except (RequestTimeoutError, httpx.HTTPError) as error:
        raise failures.of_broken_connection(NOTION, error) from error
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise failures.of_shape(NOTION, error) from error


def _refused(status: int, headers: Mapping[str, str], said: str) -> ServiceError:
    refused = failures.of_status(NOTION, status, headers, said)
    if status < 500 and _FULL.search(said):
        refused.remedy = _UPGRADE
    return refused


def is_limit(error: InvalidRequest) -> bool:
    """Return whether a request was refused for its size."""
    is_full = bool(_FULL.search(error.message))
    return not is_full and (error.http_status == 413 or bool(_LIMIT_WORDS.search(error.message)))


def answered(answer: Any) -> Json:
    """Return the answer as a JSON object; raises TypeError if it is not one."""
    if not isinstance(answer, dict):
        raise TypeError(f"{type(answer).__name__} instead of an object")
    return answer


def every(ask: Callable[..., Any], **asked: Any) -> Iterator[Json]:
    """Yield the results of a paginated request; pages are fetched on demand."""
    for answer in answers(ask, **asked):
        yield from answer["results"]


def answers(ask: Callable[..., Any], **asked: Any) -> Iterator[Json]:
    """Yield the pages of a paginated request, {results, has_more}, each fetched when it is consumed."""
    cursor = None
    while True:
        with asking():  # Notion's searches and queries are POSTs
            answer = answered(ask(**asked, page_size=100, start_cursor=cursor))
        yield answer
        cursor = answer.get("next_cursor")
        if not answer.get("has_more") or not cursor:
            return


def id_in(text: str) -> str | None:
    """Return Notion's id from an id or a web address; None if it contains none."""
    text = text.strip()
    if _ID.fullmatch(text):
        return str(UUID(text))
    if not text.startswith(("http://", "https://")):
        return None
    address = urlsplit(text)
    opened = parse_qs(address.query).get("p", [""])[0]  # a page opened in a side panel beside its database
    found = _ID.findall(opened) or _ID.findall(address.path)
    return str(UUID(found[-1])) if found else None


def page_id(text: str) -> str:
    """Parse a page's id or web address; raises InvalidRequest."""
    found = id_in(text)
    if found is None:
        raise InvalidRequest(
            f"{text!r} is not a Notion page.", service=SERVICE, remedy="Give the page's address or its id."
        )
    return found


def wrong_layer(api: Client, some_id: str, wanted: str, refused: ServiceError) -> ServiceError:
    """Return an error that says what the id is, if not the `wanted` ("database", "page"), else `refused`."""
    layers: tuple[tuple[str, Callable[[str], Any]], ...] = (
        ("database", api.databases.retrieve),
        ("data source", api.data_sources.retrieve),
        ("page", api.pages.retrieve),
        ("block", api.blocks.retrieve),
    )
    layer = next((layer for layer, retrieve in layers if layer != wanted and _is_there(retrieve, some_id)), "")
    if not layer:
        if isinstance(refused, NotFound):
            refused.remedy = (
                f"Check that the {wanted} is shared with this connection: open it in Notion, menu ..., Connections."
            )
        return refused
    return InvalidRequest(
        f"{some_id} is a {layer}, not a {wanted}.",
        service=SERVICE,
        remedy=f"Give the address or the id of a {wanted}.",
    )


def _is_there(retrieve: Callable[[str], Any], some_id: str) -> bool:
    """Return whether an object of this kind exists; pages and databases are blocks, too, which proves nothing."""
    try:
        with reading():
            return not str(answered(retrieve(some_id)).get("type", "")).startswith("child_")
    except (NotFound, InvalidRequest):
        return False
