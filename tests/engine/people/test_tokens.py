"""Access tokens: which are believed, and where their secret comes from."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InvalidInput, OrchestraError, StorageError
from engine.people.tokens import Claim, TokenSigner, token_secret

SECRET = b"0123456789abcdef0123456789abcdef"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOKENS = TokenSigner(SECRET, lambda: NOON)
GOOD = TOKENS.issue("ada", "hash of ada's password")


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def encoded(part: object) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def forged(header: object, claims: object, secret: bytes = SECRET) -> str:
    """A token signed with `secret` whatever its header says."""
    signed = f"{encoded(header)}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


HEADER = {"alg": "HS256", "typ": "at+jwt"}
CLAIMS = claims_of(GOOD)


def test_a_token_says_who_it_was_given_to_and_for_one_hour() -> None:
    assert TOKENS.read(GOOD) == Claim("ada", TOKENS.mark("hash of ada's password"))
    assert CLAIMS["exp"] - CLAIMS["iat"] == 3600
    assert {"iss", "aud", "sub", "jti", "iat", "exp"} <= set(CLAIMS)
    assert jwt.get_unverified_header(GOOD) == HEADER


def test_a_token_signed_by_hand_with_our_secret_is_read() -> None:
    assert TOKENS.read(forged(HEADER, CLAIMS)) is not None  # so that what follows fails for its own reason


def test_two_tokens_are_never_the_same() -> None:
    assert TOKENS.issue("ada", "hash") != TOKENS.issue("ada", "hash")


def test_a_token_that_was_good_ends_all_the_same() -> None:
    now = NOON
    tokens = TokenSigner(SECRET, lambda: now)
    assert tokens.read(GOOD) == tokens.read(GOOD) == TOKENS.read(GOOD)
    now = NOON + timedelta(hours=1)
    assert tokens.read(GOOD) is None


@pytest.mark.parametrize(
    ("after", "good"),
    [
        pytest.param(timedelta(0), True, id="at once"),
        pytest.param(timedelta(minutes=59, seconds=59), True, id="just before the end"),
        pytest.param(timedelta(hours=1), False, id="at the end"),
        pytest.param(timedelta(seconds=-1), False, id="before it was made"),
    ],
)
def test_a_token_is_good_for_one_hour(after: timedelta, good: bool) -> None:
    later = TokenSigner(SECRET, lambda: NOON + after)
    assert (later.read(GOOD) is not None) == good


BAD_TOKENS = [
    *[
        pytest.param(f"{encoded({'alg': none, 'typ': 'at+jwt'})}.{encoded(CLAIMS)}.", id=f"algorithm {none!r}")
        for none in ("none", "None", "NONE", "nOnE", "none ", "", None)
    ],
    *[
        pytest.param(forged({**HEADER, "alg": alg}, CLAIMS), id=f"algorithm {alg}")
        for alg in ("none", "HS384", "HS512", "RS256", "ES256", "hs256", ["HS256"])
    ],
    pytest.param(jwt.encode(CLAIMS, SECRET, algorithm="HS256"), id="header type JWT"),
    pytest.param(forged({"alg": "HS256"}, CLAIMS), id="no header type"),
    pytest.param(forged({**HEADER, "crit": ["exp"]}, CLAIMS), id="crit"),
    pytest.param(forged({**HEADER, "crit": ["b64"], "b64": False}, CLAIMS), id="b64"),
    pytest.param(forged({**HEADER, "kid": "../../dev/null"}, CLAIMS), id="kid with a path"),
    pytest.param(forged({**HEADER, "kid": "' UNION SELECT 'x"}, CLAIMS, b"x"), id="kid with SQL"),
    pytest.param(forged({**HEADER, "jwk": {"kty": "oct", "k": encoded(b"mine")}}, CLAIMS, b"mine"), id="jwk"),
    pytest.param(forged({**HEADER, "jku": "http://127.0.0.1/keys"}, CLAIMS), id="jku"),
    pytest.param(forged([HEADER], CLAIMS), id="header is a list"),
    pytest.param(forged(HEADER, CLAIMS, b""), id="empty secret"),
    pytest.param(forged(HEADER, CLAIMS, b"another secret of thirty-two byt"), id="another secret"),
    pytest.param(GOOD.rsplit(".", 1)[0] + ".", id="empty signature"),
    pytest.param(GOOD.rsplit(".", 1)[0], id="no signature"),
    pytest.param(GOOD + "A", id="signature with more"),
    pytest.param(GOOD + ".x", id="four parts"),
    pytest.param(f"{GOOD} {GOOD}", id="two tokens"),
    pytest.param("", id="nothing"),
    pytest.param("..", id="dots"),
    pytest.param("ä.ö.ü", id="not ASCII"),
    pytest.param("\ud800", id="half a character"),
    pytest.param("A" * 1_000_000, id="huge"),
    pytest.param(forged(HEADER, {**CLAIMS, "pad": "x" * 100_000}), id="huge and well signed"),
    pytest.param(forged(HEADER, b"[" * 1_000), id="deep"),
    pytest.param(forged(HEADER, [1]), id="claims are a list"),
    pytest.param(forged(HEADER, {**CLAIMS, "aud": "another"}), id="for somebody else"),
    pytest.param(forged(HEADER, {**CLAIMS, "iss": "another"}), id="from somebody else"),
    pytest.param(forged(HEADER, {**CLAIMS, "exp": CLAIMS["iat"] - 1}), id="expired"),
    pytest.param(forged(HEADER, {**CLAIMS, "exp": "9999999999"}), id="end is text"),
    pytest.param(forged(HEADER, {**CLAIMS, "exp": 1e300}), id="end is not a whole number"),
    pytest.param(forged(HEADER, {**CLAIMS, "exp": True}), id="end is a truth"),
    pytest.param(forged(HEADER, {**CLAIMS, "iat": CLAIMS["iat"] + 60}), id="made in the future"),
    pytest.param(forged(HEADER, {**CLAIMS, "nbf": 99_999_999_999}), id="not yet"),
    pytest.param(forged(HEADER, {**CLAIMS, "sub": 7}), id="subject is a number"),
    pytest.param(forged(HEADER, {**CLAIMS, "pwd": None}), id="password mark is null"),
    *[
        pytest.param(forged(HEADER, {k: v for k, v in CLAIMS.items() if k != name}), id=f"without {name}")
        for name in ("iss", "aud", "sub", "jti", "iat", "exp", "pwd")
    ],
]


@pytest.mark.parametrize("token", BAD_TOKENS)
def test_no_other_token_is_believed(token: str) -> None:
    assert TOKENS.read(token) is None


@given(st.text(max_size=300))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    assert TOKENS.read(text) is None


@given(place=st.integers(0, len(GOOD) - 2), letter=st.sampled_from("ABab01-_"))
def test_a_token_with_one_letter_changed_is_not_believed(place: int, letter: str) -> None:
    # The last letter of a signature carries two bits that mean nothing, so it is left out here.
    changed = GOOD[:place] + letter + GOOD[place + 1 :]
    assert changed == GOOD or TOKENS.read(changed) is None


def test_the_secret_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    secret = token_secret(tmp_path)
    assert len(secret) == 32
    assert (tmp_path / "token.key").stat().st_mode & 0o777 == 0o600
    assert token_secret(tmp_path) == secret
    assert [path.name for path in tmp_path.iterdir()] == ["token.key"]


def test_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(token_secret, [tmp_path] * 8))) == 1


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRA_TOKEN_SECRET", "s" * 32)
    assert token_secret(tmp_path) == b"s" * 32
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("secret", ["", "s" * 31])
def test_a_short_secret_in_the_environment_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("ORCHESTRA_TOKEN_SECRET", secret)
    with pytest.raises(InvalidInput, match=f"ORCHESTRA_TOKEN_SECRET has {len(secret)} bytes"):
        token_secret(tmp_path)


def others_may_read(path: Path) -> None:
    path.write_bytes(SECRET)
    path.chmod(0o640)


def is_short(path: Path) -> None:
    path.touch(0o600)
    path.write_bytes(b"short")


def is_a_link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.touch(0o600)
    elsewhere.write_bytes(SECRET)
    path.symlink_to(elsewhere)


def is_a_folder(path: Path) -> None:
    path.mkdir(0o700)


@pytest.mark.parametrize("broken", [others_may_read, is_short, is_a_link, is_a_folder])
def test_a_secret_that_may_not_be_one_is_refused_and_kept(tmp_path: Path, broken: Any) -> None:
    broken(tmp_path / "token.key")
    with pytest.raises(StorageError, match=r"token\.key") as refused:
        token_secret(tmp_path)
    assert isinstance(refused.value, OrchestraError)
    assert refused.value.remedy
    assert (tmp_path / "token.key").exists()
