"""What the doctor asks GitHub: scopes, the end of the token, the limits left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.github.check import look
from clients.github.service import GitHubSettings

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def core(remaining: int) -> dict[str, Any]:
    return {"resources": {"core": {"limit": 5000, "remaining": remaining, "reset": int(NOW.timestamp()) + 1800}}}


@pytest.mark.parametrize(
    ("body", "headers", "what", "ok", "said"),
    [
        pytest.param(core(4000), {}, "limits", True, "4000 of 5000 requests are left until 12:30", id="limits"),
        pytest.param(core(0), {}, "limits", False, "Wait until then", id="no limit left"),
        pytest.param({}, {"x_oauth_scopes": "repo, gist"}, "scopes", True, "repo, gist", id="scopes"),
        pytest.param({}, {"x_oauth_scopes": "public_repo"}, "scopes", True, "public repositories only", id="public"),
        pytest.param({}, {"x_oauth_scopes": ""}, "scopes", False, "has none; `repo` is missing", id="no scope"),
        pytest.param(
            {},
            {"github_authentication_token_expiration": "2026-11-24 12:00:00 UTC"},
            "token ends",
            True,
            "in 4 days. Create a new one soon",
            id="ends soon",
        ),
        pytest.param(
            {},
            {"github_authentication_token_expiration": "2027-02-01 12:00:00 UTC"},
            "token ends",
            True,
            "on 2027-02-01, in 73 days.",
            id="ends later",
        ),
    ],
)
def test_it_says_what_the_token_may_and_until_when(
    scripted: Scripted, http: httpx.Client, body: Any, headers: dict[str, str], what: str, ok: bool, said: str
) -> None:
    scripted.then(200, body, **headers)
    settings = GitHubSettings(token=SecretStr("ghp_secret"), base_url=scripted.url)
    lines = {line.what: (line.ok, line.text) for line in look(settings, http, NOW)}
    assert (lines[what][0], said in lines[what][1]) == (ok, True), lines
    assert "ghp_secret" not in str(lines)


@pytest.mark.parametrize(
    ("status", "body"), [pytest.param(401, {}, id="401"), pytest.param(200, b"<html>", id="not JSON")]
)
def test_what_it_does_not_understand_it_leaves_to_others(
    scripted: Scripted, http: httpx.Client, status: int, body: Any
) -> None:
    scripted.then(status, body)
    assert list(look(GitHubSettings(token=SecretStr("x"), base_url=scripted.url), http, NOW)) == []
