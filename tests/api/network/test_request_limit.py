"""What is too much for the API from one token or address, and which pages of other sites may use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.api.conftest import application, opened

BEFORE = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "POST"}
ASKED = {**BEFORE, "Access-Control-Request-Headers": "authorization,content-type"}


@contextmanager
def asking(root: Path, api: FastAPI) -> Iterator[list[TestClient]]:
    """Two callers from different addresses."""
    with opened(root / "workspace") as orchestra, application(orchestra, api) as app:
        url = "http://127.0.0.1:8501"
        yield [TestClient(app, url, client=(f"192.0.2.{one}", 5000), follow_redirects=False) for one in (1, 2)]


def statuses(caller: TestClient, *tokens: str) -> list[int]:
    sent = [one if " " in one else f"Bearer {one}" for one in tokens]
    return [caller.get("/api/runs", headers={"Authorization": one}).status_code for one in sent]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(["a", "a", "a"], ["a", "b"], id="the token counts wherever it comes from"),
        pytest.param(["a", "a", "a"], ["BEARER  a", "b"], id="and however its scheme is written"),
        pytest.param(["a", "b", "c"], ["d", "e"], id="made-up tokens are no way around"),
    ],
)
def test_what_is_too_much_in_a_minute_is_refused(
    tmp_path: Path, api: FastAPI, monkeypatch: pytest.MonkeyPatch, first: list[str], second: list[str]
) -> None:
    monkeypatch.setenv("ORCHESTRA_LIMITS__REQUESTS_PER_MINUTE", "2")
    with asking(tmp_path, api) as (a, b):
        assert statuses(a, *first) == [401, 401, 429]
        assert statuses(b, *second) == [429 if second[0][-1] in first else 401, 401]
        refused = a.get("/api/runs")
        assert 0 < int(refused.headers["retry-after"]) <= 61
        assert refused.json()["error"]["type"] == "TooManyRequests"
        assert a.get("/health").status_code == 200
        assert a.get("/login").status_code == 200


@pytest.mark.parametrize(("host", "last"), [("127.0.0.1", 401), ("0.0.0.0", 429)])
def test_without_the_setting_only_a_server_for_others_has_a_limit(
    tmp_path: Path, api: FastAPI, monkeypatch: pytest.MonkeyPatch, host: str, last: int
) -> None:
    monkeypatch.setenv("ORCHESTRA_SERVER__HOST", host)
    monkeypatch.setattr("api.network.request_limit._USUAL", 3)
    with asking(tmp_path, api) as (a, _):
        assert statuses(a, *"abcd") == [401, 401, 401, last]


def test_pages_of_named_sites_alone_may_use_the_api_without_cookies(
    tmp_path: Path, api: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_SERVER__CORS_ORIGINS", "https://app.example.org, http://127.0.0.1:3000")
    with asking(tmp_path, api) as (a, _):
        for path in ("/flows", "/api/runs", "/workflows/20261120T120000Z-aaaaaaaa"):
            before = a.options(path, headers=ASKED)
            assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, BEFORE["Origin"])
            answer = a.get(path, headers={"Origin": BEFORE["Origin"]})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, BEFORE["Origin"])
            assert "access-control-allow-credentials" not in {*before.headers, *answer.headers}
            for other in ("https://app.example.org.evil.example", "http://app.example.org", "null"):
                assert "access-control-allow-origin" not in a.options(path, headers={**ASKED, "Origin": other}).headers
                assert "access-control-allow-origin" not in a.get(path, headers={"Origin": other}).headers
        assert "access-control-allow-origin" not in a.get("/login", headers={"Origin": BEFORE["Origin"]}).headers


def test_no_site_is_named_by_default(tmp_path: Path, api: FastAPI) -> None:
    with asking(tmp_path, api) as (a, _):
        answers = [a.options("/api/runs", headers=ASKED), a.get("/api/runs", headers=BEFORE)]
        assert not any(name.startswith("access-control-") for one in answers for name in one.headers)
