"""What a provider answers over HTTP, within limits: JSON objects of bounded size, in time, without redirects."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.base.errors import ProviderFailed

if TYPE_CHECKING:
    import httpx

_SECONDS = 10.0  # for the whole answer, however slowly it comes
_MOST_BYTES = 500_000  # an answer without end must not fill the memory
_LONGEST_SHOWN = 200  # characters
logger = logging.getLogger(__name__)


def asked(
    name: str,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    refusals: bool = False,
) -> dict[str, Any]:
    """Return the JSON object at an address: by GET, or by POST with a form. Raises ProviderFailed.

    `name`: the provider's. `refusals`: whether an answer of 400 or 401 is returned as well (RFC 6749, 5.2).
    """
    import httpx

    from clients.transport import AS_IT_IS, deadline, http_client

    extensions = {AS_IT_IS: True, "most_bytes": _MOST_BYTES}
    sent = {"Accept": "application/json", **(headers or {})}
    try:
        with deadline(_SECONDS), http_client() as http:
            method, data = ("GET", None) if form is None else ("POST", dict(form))
            answer = http.request(method, url, data=data, headers=sent, extensions=extensions)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        logger.warning("The sign-in provider %s does not answer at %s: %s", name, url, type(error).__name__)
        raise ProviderFailed(f"{name} cannot be reached at the moment.") from error
    if answer.status_code == 200 or (refusals and answer.status_code in (400, 401)):
        return _object(name, url, answer)
    logger.warning("The sign-in provider %s answers %s with status %s", name, url, answer.status_code)
    if answer.status_code >= 500:
        raise ProviderFailed(f"{name} does not work at the moment (status {answer.status_code}).")
    raise ProviderFailed(f"{name} answers {shown(url)} with status {answer.status_code}, not with its settings.")


def _object(name: str, url: str, answer: httpx.Response) -> dict[str, Any]:
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProviderFailed(f"{name} answers {shown(url)} with something other than a JSON object.")
    return found


def shown(text: object) -> str:
    """Return a text of a provider as a short line for people."""
    line = "".join(one if one.isprintable() else " " for one in str(text))
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"
