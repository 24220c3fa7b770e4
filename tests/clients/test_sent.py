"""What a call has sent: the difference between nothing done and nobody knows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING

import httpx
import pytest

from clients.errors import Unavailable
from clients.request_tracking import asking, counted_sends, leaves

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted


@pytest.mark.parametrize(
    ("methods", "outcome"),
    [
        pytest.param(["GET", "HEAD"], "not_done", id="questions"),
        pytest.param(["GET", "POST"], "unknown", id="a write after a question"),
        pytest.param(["DELETE", "GET"], "unknown", id="a question after a write"),
        pytest.param([], "unknown", id="nothing that is counted: it may not speak HTTP"),
    ],
)
def test_an_error_after_questions_alone_has_done_nothing(
    scripted: Scripted, http: httpx.Client, methods: list[str], outcome: str
) -> None:
    scripted.then(200, {})

    def broken_off() -> None:
        with counted_sends():
            for method in methods:
                http.request(method, scripted.url)
            raise Unavailable("It broke off.")

    with pytest.raises(Unavailable) as caught:
        broken_off()
    assert caught.value.outcome == outcome


def test_a_search_that_is_a_post_is_a_question() -> None:
    with counted_sends() as sent, asking():
        leaves("POST")
    assert sent.asked
    assert not sent.wrote
    with counted_sends() as after:
        leaves("POST")
    assert after.wrote


def test_what_a_call_sends_in_threads_of_its_own_is_counted() -> None:
    with counted_sends() as sent, ThreadPoolExecutor(1) as workers:
        workers.submit(copy_context().run, leaves, "POST").result()
    assert sent.wrote


def test_calls_side_by_side_are_counted_apart() -> None:
    with counted_sends() as outer:
        with counted_sends() as inner:
            leaves("POST")
        leaves("GET")
    assert inner.wrote
    assert not outer.wrote
    leaves("POST")
    assert not outer.wrote, "after the call nothing is counted for it"
