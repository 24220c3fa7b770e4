"""Every fault kind as the real libraries feel it, and what the service has done meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import github
import httpx
import notion_client
import pytest
import requests

import demo.github.stand_in
import demo.notion.stand_in
from demo.service import StandIn
from tests.demo.conftest import Running
from tests.patience import until

PATIENCE_SECONDS, IMPATIENCE_SECONDS = 60, 1


def _create_issue(base_url: str, timeout_seconds: int = PATIENCE_SECONDS) -> None:
    client = github.Github(
        auth=github.Auth.Token(demo.github.stand_in.TOKEN),
        base_url=base_url,
        retry=None,
        timeout=timeout_seconds,
        seconds_between_requests=None,
        seconds_between_writes=None,
        lazy=True,
    )
    try:
        client.get_repo("acme/app").create_issue("Made by the test")
    finally:
        client.close()


def _create_page(base_url: str, timeout_seconds: int = PATIENCE_SECONDS) -> None:
    title = {"title": {"title": [{"text": {"content": "Made"}}]}}
    with httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS) as transport:
        client = notion_client.Client(
            auth=demo.notion.stand_in.TOKEN,
            base_url=base_url,
            retry=False,
            timeout_ms=timeout_seconds * 1000,
            client=transport,
        )
        client.pages.create(parent={"workspace": True}, properties=title)


def _issues(here: Running) -> int:
    return sum(each["title"] == "Made by the test" for each in here.store.all("github/issues"))


def _pages(here: Running) -> int:
    return len(here.store.all("notion/pages")) - 1


SERVICES = [
    pytest.param(demo.github.stand_in, _create_issue, _issues, id="github"),
    pytest.param(demo.notion.stand_in, _create_page, _pages, id="notion"),
]
CUT = (requests.ConnectionError, httpx.RemoteProtocolError)
LATE = (requests.Timeout, requests.ConnectionError, httpx.TimeoutException, notion_client.errors.RequestTimeoutError)
REFUSED = (github.GithubException, notion_client.APIResponseError)


@pytest.mark.parametrize(("module", "create", "count"), SERVICES)
@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param({"status": 503}, REFUSED, id="status"),
        pytest.param({"status": 429, "retry_after": 2}, REFUSED, id="rate limit"),
        pytest.param({"status": 403, "headers": {"x-ratelimit-remaining": "0"}}, REFUSED, id="quota used up"),
        pytest.param({"cut": True}, CUT, id="cut"),
        pytest.param({"delay_seconds": 2.5}, LATE, id="delay"),
        pytest.param({"body": "{not json", "status": 200}, ValueError, id="nonsense"),
    ],
)
def test_a_library_feels_the_fault_and_the_effect_is_there_or_not(
    running: Callable[[StandIn], Running],
    module: Any,
    create: Callable[..., None],
    count: Callable[[Running], int],
    when: str,
    fault: dict[str, Any],
    error: type[Exception],
) -> None:
    here = running(cast("StandIn", module))
    here.break_(match="POST", when=when, **fault)
    patience = IMPATIENCE_SECONDS if "delay_seconds" in fault else PATIENCE_SECONDS
    with pytest.raises(error):
        create(here.base_url, patience)
    if "delay_seconds" in fault:
        # The service may still be at it when the caller has gone.
        time.sleep(2)
        until(lambda: count(here) or when == "before_effect")
    assert count(here) == (1 if when == "after_effect" else 0)
    create(here.base_url)
    assert count(here) == (2 if when == "after_effect" else 1)


@pytest.mark.parametrize(("module", "create", "count"), SERVICES)
def test_a_dripping_answer_outlives_a_timeout_that_counts_from_byte_to_byte(
    running: Callable[[StandIn], Running],
    module: Any,
    create: Callable[[str], None],
    count: Callable[[Running], int],
) -> None:
    here = running(cast("StandIn", module))
    here.break_(match="POST", drip=0.001)
    create(here.base_url)
    assert count(here) == 1
