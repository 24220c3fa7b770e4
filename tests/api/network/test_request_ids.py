"""Request ids: taken from the caller if they are plain words, else made; answers and log lines bear them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engine.observing import context
from engine.orchestra import Orchestra
from tests.api.conftest import opened


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    """One workspace for all tests, which leave no trace."""
    with opened(tmp_path_factory.mktemp("api") / "workspace") as orchestra:
        yield orchestra


@pytest.mark.parametrize("path", ["/health", "/api/runs", "/nowhere", "/login"])
def test_every_answer_has_an_id_of_its_own(client: TestClient, path: str) -> None:
    first, second = (client.get(path).headers["X-Request-Id"] for _ in range(2))
    assert len(first) == len(second) == 32
    assert first != second


def test_the_id_of_the_caller_is_kept(client: TestClient) -> None:
    sent = "01J9Z3-abc_DEF.77"
    assert client.get("/api/runs", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


@pytest.mark.parametrize(
    "sent", ["", "short", "x" * 65, "two words", "a\tb-cdefgh", "größe-123", 'quote"12345', "<b>12345"]
)
def test_an_id_that_is_no_plain_word_is_replaced(client: TestClient, sent: str) -> None:
    answer = client.get("/api/runs", headers=[("X-Request-Id", sent.encode())])  # type: ignore[arg-type]
    assert answer.headers["X-Request-Id"] != sent
    assert len(answer.headers["X-Request-Id"]) == 32


def test_of_two_ids_none_is_taken(client: TestClient) -> None:
    answer = client.get("/api/runs", headers=[("X-Request-Id", "first-one"), ("X-Request-Id", "other-one")])
    assert len(answer.headers["X-Request-Id"]) == 32


def test_lines_of_a_request_bear_its_id(
    client: TestClient, api: FastAPI, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Looks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(context.current().get("request_id", ""))

    handler = Looks()
    logging.getLogger("api").addHandler(handler)
    monkeypatch.setattr("engine.runs.usage.UsageReader._shown", lambda *_: 1 / 0)
    headers = {"Authorization": f"Bearer {token}", "X-Request-Id": "from-the-caller"}
    try:
        assert client.get("/api/usage", headers=headers).status_code == 500
    finally:
        logging.getLogger("api").removeHandler(handler)
    assert seen == ["from-the-caller"]
