"""notion-client on the shared HTTP client, and Notion's refusals as errors of ours."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx

from clients import failures
from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.notion.pacing import Pacer
from clients.notion.service_clock import ServiceClock
from clients.notion.values import Json
from clients.sent import asking
from clients.transport import CONNECT_SECONDS, borrowed

if TYPE_CHECKING:
    from notion_client import Client

SERVICE = "notion"
VERSION = "2025-09-03"

_LIMIT_WORDS = re.compile(r"length|size|large|long|many|limit|maximum|at most|exceed|≤", re.IGNORECASE)
_FULL = re.compile(r"block limit|blocks? .{0,40}(?:free|plan)\b", re.IGNORECASE)
_UPGRADE = (
    "A free workspace of several members holds 1,000 blocks, and deleting gives none back: upgrade it in Notion, or use"
    " a personal access token (developers.notion.com, workspace block limits)."
)
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def notion_api(
    http: httpx.Client, base_url: str, token: str, pacer: Pacer | None = None, clock: ServiceClock | None = None
) -> Client:
    """Make the SDK's client that sends through `http`, with its retries and its own log off; `clock` hears the time."""
    from notion_client import Client

    class Discreet(Client):
        """Notion may repeat in a refusal what it was sent; the token is blotted out before anybody reads it."""

        def _parse_response(self, response: httpx.Response) -> Any:
            return super()._parse_response(_blotted(response, token))

    # The SDK writes its token and address into the client that it gets.
    own = borrowed(http)
    own.event_hooks = {
        "request": [pacer.before] if pacer else [],
        "response": [*([pacer.after] if pacer else []), *([clock.heard] if clock else [])],
    }
    api = Discreet(
        client=own,
        auth=token,
        base_url=base_url.rstrip("/"),
        retry=False,
        notion_version=VERSION,
        logger=logging.getLogger("clients.notion.sdk"),
        log_level=logging.CRITICAL,
    )
    own.timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
    return api


def _blotted(response: httpx.Response, token: str) -> httpx.Response:
    if response.status_code < 400 or not token or token not in response.text:
        return response
    said = failures.without_secrets(response.text, [token])
    return httpx.Response(response.status_code, headers=response.headers, text=said, request=response.request)


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Turn whatever the SDK, httpx or an answer of the wrong shape raises into an error of `clients.errors`."""
    from notion_client.errors import HTTPResponseError, InvalidPathParameterError, RequestTimeoutError

    try:
        yield
    except ServiceError:
        raise
    except HTTPResponseError as error:
        raise _refused(error.status, error.headers, _said(error.body)) from error
    except InvalidPathParameterError as error:
        raise InvalidRequest(f"Notion cannot be asked like this: {error}", service=SERVICE) from error
    except (RequestTimeoutError, httpx.HTTPError) as error:
        raise failures.of_broken_connection(SERVICE, error) from error
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise failures.of_shape(SERVICE, error) from error


def _refused(status: int, headers: Mapping[str, str], said: str) -> ServiceError:
    refused = failures.of_status(SERVICE, status, headers, said)
    if status < 500 and _FULL.search(said):
        refused.remedy = _UPGRADE
    return refused


def _said(body: str) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("message") or "") if isinstance(answer, dict) else ""


def is_limit(error: InvalidRequest) -> bool:
    """Tell a refusal for the size of what was sent from any other."""
    is_full = bool(_FULL.search(error.message))
    return not is_full and (error.http_status == 413 or bool(_LIMIT_WORDS.search(error.message)))


def answered(answer: Any) -> Json:
    """Take an answer for the JSON object that it should be; raises TypeError."""
    if not isinstance(answer, dict):
        raise TypeError(f"{type(answer).__name__} instead of an object")
    return answer


def every(ask: Callable[..., Any], **asked: Any) -> Iterator[Json]:
    """Give the results of a paged question, page by page, as far as they are taken."""
    for answer in answers(ask, **asked):
        yield from answer["results"]


def answers(ask: Callable[..., Any], **asked: Any) -> Iterator[Json]:
    """Give the answers to a paged question, {results, has_more}, each asked for when it is taken."""
    cursor = None
    while True:
        with asking():  # Notion's searches and queries are POSTs
            answer = answered(ask(**asked, page_size=100, start_cursor=cursor))
        yield answer
        cursor = answer.get("next_cursor")
        if not answer.get("has_more") or not cursor:
            return


def id_in(text: str) -> str | None:
    """Find Notion's id in an id or a web address; None where there is none."""
    text = text.strip()
    if _ID.fullmatch(text):
        return str(UUID(text))
    if not text.startswith(("http://", "https://")):
        return None
    address = urlsplit(text)
    opened = parse_qs(address.query).get("p", [""])[0]  # a page that is open beside its database
    found = _ID.findall(opened) or _ID.findall(address.path)
    return str(UUID(found[-1])) if found else None


def page_id(text: str) -> str:
    """Read a page's id or web address; raises InvalidRequest."""
    found = id_in(text)
    if found is None:
        raise InvalidRequest(
            f"{text!r} is not a Notion page.", service=SERVICE, remedy="Give the page's address or its id."
        )
    return found


def wrong_layer(api: Client, some_id: str, wanted: str, refused: ServiceError) -> ServiceError:
    """Say what an id is, where it is not what is `wanted` ("database", "page"); else `refused` with a remedy."""
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
    """Whether there is a thing of this layer; pages and databases are blocks too, which says nothing new."""
    try:
        with reading():
            return not str(answered(retrieve(some_id)).get("type", "")).startswith("child_")
    except (NotFound, InvalidRequest):
        return False
