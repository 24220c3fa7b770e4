"""One reading of statuses and broken connections."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from clients import error_mapping as failures
from clients.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServiceError,
    Timeout,
    Unavailable,
)
from clients.github.service import GITHUB
from clients.gmail.service import GMAIL
from clients.openai.service import OPENAI
from clients.transport import http_client

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "headers", "said", "kind", "outcome"),
    [
        pytest.param(400, {}, "bad", InvalidRequest, "not_done", id="bad request"),
        pytest.param(401, {}, "no", AuthError, "not_done", id="unknown token"),
        pytest.param(403, {}, "no", AuthError, "not_done", id="no right"),
        pytest.param(403, {}, "You exceeded a secondary rate limit", RateLimited, "not_done", id="GitHub's 403"),
        pytest.param(403, {}, "Slow (userRateLimitExceeded)", RateLimited, "not_done", id="Google's 403"),
        pytest.param(403, {"x-ratelimit-remaining": "0"}, "no", RateLimited, "not_done", id="nothing remains"),
        pytest.param(403, {"retry-after": "3"}, "no", RateLimited, "not_done", id="403 with a wait"),
        pytest.param(404, {}, "no", NotFound, "not_done", id="not found"),
        pytest.param(409, {}, "no", Conflict, "not_done", id="conflict"),
        pytest.param(412, {}, "no", Conflict, "not_done", id="precondition"),
        pytest.param(413, {}, "no", InvalidRequest, "not_done", id="too large"),
        pytest.param(422, {}, "no", InvalidRequest, "not_done", id="unprocessable"),
        pytest.param(429, {}, "no", RateLimited, "not_done", id="too many"),
        pytest.param(500, {}, "", Unavailable, "unknown", id="server error"),
        pytest.param(503, {}, "", Unavailable, "unknown", id="overloaded"),
        pytest.param(302, {}, "", BadAnswer, "unknown", id="redirect"),
    ],
)
def test_a_status_has_one_meaning(
    status: int, headers: dict[str, str], said: str, kind: type[ServiceError], outcome: str
) -> None:
    error = failures.of_status(GITHUB, status, headers, said)
    assert (type(error), error.outcome, error.http_status) == (kind, outcome, status)
    assert error.message.startswith(f"GitHub answered {status}")
    assert error.message.endswith("."), "the remedy is said after it"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}, 30.0, id="a date"),
        pytest.param({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0, id="a date gone by"),
        pytest.param({"retry-after": "soon"}, None, id="a word"),
        pytest.param({"retry-after": "9" * 400}, 366 * 86_400.0, id="for ever"),
        pytest.param({"retry-after": "Thu, 01 Jan 9999 11:00:00 GMT"}, 366 * 86_400.0, id="a date that never comes"),
        pytest.param({"retry-after": f"Thu, 01 Jan 2026 12:00:30 +{'9' * 20}"}, None, id="a date that is none"),
        pytest.param({"retry-after": "²"}, None, id="a digit that is not a number"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767268860"}, 60.0, id="reset"),
        pytest.param({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "1767268860"}, None, id="some remain"),
        pytest.param({}, None, id="nothing said"),
    ],
)
def test_the_wait_is_read_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert failures.retry_after_seconds(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("error", "kind", "outcome"),
    [
        pytest.param(httpx.ConnectError("refused"), Unavailable, "not_done", id="refused"),
        pytest.param(httpx.ConnectTimeout("late"), Timeout, "not_done", id="no connection in time"),
        pytest.param(httpx.ReadTimeout("late"), Timeout, "unknown", id="no answer in time"),
        pytest.param(httpx.RemoteProtocolError("cut"), Unavailable, "unknown", id="cut"),
        pytest.param(httpx.UnsupportedProtocol("ftp"), InvalidRequest, "not_done", id="no HTTP address"),
        pytest.param(ValueError("not JSON"), BadAnswer, "unknown", id="not JSON"),
        pytest.param(TimeoutError(), Timeout, "unknown", id="the system's timeout"),
    ],
)
def test_a_broken_connection_says_what_is_known_of_the_effect(
    error: Exception, kind: type[ServiceError], outcome: str
) -> None:
    found = failures.of_broken_connection(GMAIL, error)
    assert (type(found), found.outcome) == (kind, outcome)


def test_the_cause_inside_an_sdk_error_counts() -> None:
    outer = RuntimeError("the SDK's own")
    outer.__cause__ = httpx.ConnectError("refused")
    assert failures.of_broken_connection(OPENAI, outer).outcome == "not_done"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("http://127.0.0.1:9/v1", "Nothing answers at http://127.0.0.1:9.", id="nobody listens"),
        pytest.param("http://models.invalid/v1", "The address http://models.invalid is not known.", id="no such name"),
    ],
)
def test_an_address_where_nobody_is_is_named_without_the_systems_words(url: str, message: str) -> None:
    with http_client() as http, pytest.raises(httpx.ConnectError) as raised:
        http.get(url)
    error = failures.of_broken_connection(OPENAI, raised.value)
    assert (error.message, error.outcome) == (message, "not_done")
    assert "address" in error.remedy or "spelling" in error.remedy


def test_a_server_without_tls_is_told_in_plain_words(scripted: Scripted) -> None:
    url = httpx.URL(scripted.url).copy_with(scheme="https", path="/v1")
    with http_client() as http, pytest.raises(httpx.ConnectError) as raised:
        http.get(url)
    error = failures.of_broken_connection(OPENAI, raised.value)
    assert (error.message, error.outcome) == (f"https://{url.host}:{url.port} does not speak TLS.", "not_done")
    assert "http://" in error.remedy


def test_an_error_of_ours_inside_an_sdk_error_stays_itself() -> None:
    outer = RuntimeError("the SDK's own")
    outer.__cause__ = inner = InvalidRequest("Forbidden here.")
    assert failures.of_broken_connection(OPENAI, outer) is inner


@pytest.mark.parametrize(
    ("read", "words"),
    [
        pytest.param(lambda: json.loads("<html>"), "it is not JSON", id="a page"),
        pytest.param(lambda: dict[str, str]()["login"], "it has no 'login'", id="another object"),
        pytest.param(lambda: len(None), "that does not match its API.", id="none at all"),  # type: ignore[arg-type]
    ],
)
def test_an_answer_of_another_shape_is_told_without_the_name_of_an_exception(
    read: Callable[[], object], words: str
) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)) as raised:
        read()
    for error in (
        failures.of_shape(GITHUB, raised.value),
        failures.of_broken_connection(GITHUB, raised.value),
    ):
        assert type(error) is BadAnswer
        assert words in error.message
        assert "Error" not in error.message


def test_a_page_that_nothing_closes_is_read_once() -> None:
    """Fifty pages of 20 KB fit into the megabyte that is read of a refusal."""
    page = "<p>No</p>" + "<!--" * 4_990
    errors = [[[f"{page}{part}" for part in range(5)] for _ in range(5)] for _ in range(2)]
    begun = time.process_time()
    assert failures.words_in(json.dumps({"errors": errors})) == "No"
    assert time.process_time() - begun < 3
    assert failures.words_of_page("<p>Too<script>run()</script> busy<style>p {") == "Too busy"
