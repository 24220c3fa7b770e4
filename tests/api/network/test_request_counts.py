"""Requests are counted by the template of their address, and no caller can add a label of its own."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        pytest.param("GET", "/health", ("GET", "/health", 200), id="open"),
        pytest.param("GET", "/api/runs/20260101-secret", ("GET", "/api/runs/{run_id}", 401), id="template"),
        pytest.param("GET", "/api/triggers/a/b", ("GET", "/api/triggers/{workflow}/{trigger}", 401), id="late-family"),
        pytest.param("GET", "/api/no-such-secret", ("GET", "other", 404), id="unknown-address"),
        pytest.param("GET", "/secret/page", ("GET", "other", 303), id="page"),
        pytest.param("SECRET", "/health", ("other", "/health", 405), id="unknown-method"),
        pytest.param("POST", "/health", ("POST", "/health", 405), id="method-that-it-does-not-take"),
    ],
)
def test_a_request_is_counted_by_template_and_status(
    client: TestClient, orchestra: Orchestra, method: str, path: str, counted: tuple[str, str, int]
) -> None:
    client.request(method, path, follow_redirects=False)
    tally = orchestra.tally.requests
    assert dict(tally.counts) == {counted: 1}
    assert {key: sum(one.counts) for key, one in tally.seconds.items()} == {counted[:2]: 1}
    assert tally.in_flight == 0


def test_a_request_that_breaks_is_counted_as_an_error(
    client: TestClient, orchestra: Orchestra, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        assert orchestra.tally.requests.in_flight == 1
        raise ZeroDivisionError

    monkeypatch.setattr("engine.runs.usage.UsageReader._shown", broken)
    client.get("/api/usage", headers={"Authorization": f"Bearer {token}"})
    assert orchestra.tally.requests.counts["GET", "/api/usage", 500] == 1
    assert orchestra.tally.requests.in_flight == 0
