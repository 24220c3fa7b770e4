"""What has the form of a secret is found in a text of strangers, in time that the length of the text takes."""

from __future__ import annotations

import time

import pytest

from engine.workspace.secret import without_forms, without_secrets

LONG = {
    "a header without a colon": "x-key" * 20_000,
    "short words with hyphens": "x-" * 50_000,
    "the beginning of a token without a dot": "eyJ" * 33_000,
    "addresses with ports": "://a:" * 20_000,
    "the beginning of a private key": "-----BEGIN " * 9_000,
    "a query of keys": "&" + "key" * 33_000,
    "a word before blanks": "token" + " " * 100_000,
}


@pytest.mark.parametrize("kind", LONG)
def test_a_long_text_takes_no_time_to_speak_of(kind: str) -> None:
    begun = time.process_time()
    assert without_secrets({"text": LONG[kind]}) == {"text": LONG[kind]}
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see x-api-key: abc", "see x-api-key: ***"),
        ("my-x-token: 'abc'", "my-x-token: '***'"),
        ("x-page: abc", "x-page: abc"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln, and", "***, and"),
        ("eyJhbGciOiJIUzI1NiJ9 and", "eyJhbGciOiJIUzI1NiJ9 and"),
        ("http://h:80/x http://me:word@h/x", "http://h:80/x http://***@h/x"),
        ("http://h:80/x", "http://h:80/x"),
    ],
)
def test_only_a_whole_secret_is_redacted(text: str, shown: str) -> None:
    assert without_forms(text) == shown
