"""What a sign-in file tells without asking anybody: whose it is, what it may, and when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clients.gmail.client import GmailClient
from engine.base.errors import InvalidInput
from engine.connections.sign_ins import SignIn

GOOGLE = GmailClient.sign_in_way
CONSENTED = datetime(2026, 11, 20, 12, tzinfo=UTC)
INFO = {
    "account": "me@example.com",
    "owner": "ann",
    "scopes": ["https://www.googleapis.com/auth/gmail.modify"],
    "consented_at": CONSENTED.isoformat(),
}
TOLD = {"sign_in_ends_at": (CONSENTED + timedelta(days=7)).isoformat()}


@pytest.mark.parametrize(
    ("after", "more", "note", "warns"),
    [
        pytest.param(timedelta(0), TOLD, "Testing mode: 7 days left.", False, id="just signed in"),
        pytest.param(timedelta(seconds=30), TOLD, "Testing mode: 7 days left.", False, id="half a minute ago"),
        pytest.param(timedelta(days=4, hours=1), TOLD, "Testing mode: 2 days left.", False, id="two days and more"),
        pytest.param(timedelta(days=5, hours=1), TOLD, "Testing mode: 1 day left.", True, id="time to sign in again"),
        pytest.param(timedelta(days=6, hours=20), TOLD, "Testing mode: 4 hours left.", True, id="the last day"),
        pytest.param(timedelta(days=6, hours=23.5), TOLD, "Testing mode: 1 hour left.", True, id="the last hour"),
        pytest.param(timedelta(days=8), TOLD, "Testing mode: seven days have passed, sign in again.", True, id="over"),
        pytest.param(
            timedelta(days=2), {}, "If Google's console says Testing, it expires: 5 days left.", False, id="told"
        ),
        pytest.param(timedelta(days=8), {}, "", False, id="not told and still good: not in Testing"),
        pytest.param(timedelta(0), {"consented_at": ""}, "", False, id="nothing is known"),
        pytest.param(timedelta(0), {"consented_at": "x", "sign_in_ends_at": None}, "", False, id="no times at all"),
    ],
)
def test_it_says_how_long_it_lasts(after: timedelta, more: dict[str, Any], note: str, warns: bool) -> None:
    known = GOOGLE.facts({**INFO, **more}, CONSENTED + after)
    assert (known.note, known.warns) == (note, warns)


def test_it_says_whose_it_is_and_what_it_may() -> None:
    known = GOOGLE.facts({**INFO, "granted_scopes": ["https://www.googleapis.com/auth/gmail.readonly"]}, CONSENTED)
    assert (known.account, known.owner, known.scopes) == ("me@example.com", "ann", ("gmail.readonly",))
    assert GOOGLE.facts(INFO, CONSENTED).scopes == ("gmail.modify",)


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param("", id="nothing"),
        pytest.param("http://localhost/", id="no query"),
        pytest.param("http://[localhost/?code=1", id="no address"),
        pytest.param("http://localhost/?code=1\x07", id="a control character"),
        pytest.param("http://localhost/?code=é", id="a letter that an address does not have"),
        pytest.param(f"http://localhost/?code={'1' * 100_000}", id="very long"),
    ],
)
def test_what_is_no_address_of_a_sign_in_is_told(pasted: str) -> None:
    begun = SignIn()
    begun.opened("http://localhost/o?redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F")
    with pytest.raises(InvalidInput, match="ended at this address"):
        begun.bring_back(pasted)
