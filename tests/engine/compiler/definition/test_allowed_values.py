"""A pattern of `allow` matches what it says, and nothing that only looks like it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compiler.definition.allowed_values import faults, is_allowed, refused


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("me@example.org", "me@example.org"),
        ("me@example.org", "Me@Example.org"),
        ("*@example.org", "ann.b+c@example.org"),
        ("*@example.org", "Ann Bee <ann@example.org>"),
        ("*@example.org", '"Ann" <ann@example.org>'),
        ("acme/*", "acme/app"),
        ("https://api.example.org/*", "https://api.example.org/v1/a?b=c"),
        ("https://*.example.org/a", "https://x.example.org/a"),
        ("docs/*", "docs/a/b.md"),
        ("#*-alerts", "#ops-alerts"),
        ("docs/*", "docs/..a/b.../c..d;v=1/.env"),
        ("https://example.org/*", "https://example.org/a%20b?c=%25&d=../e"),
        ("https://example.org/*/a", "https://example.org/x%20!/a"),
        ("12", "12"),
    ],
)
def test_a_pattern_allows(pattern: str, text: str) -> None:
    assert is_allowed(text, [pattern])


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("me@example.org", "me@example.org.evil.test"),
        ("me@example.org", "me@example.org, x@evil.test"),
        ("*@example.org", "x@evil.test, me@example.org"),
        ("*@example.org", "x@evil.test;me@example.org"),
        ("*@example.org", "x@evil.test me@example.org"),
        ("*@example.org", "x@evil.test\r\nBcc: me@example.org"),
        ("*@example.org", "x@evil.test@example.org"),
        ("*@example.org", "<x@evil.test> me@example.org"),
        ("*@example.org", "me@example.org <x@evil.test>"),
        ("*@example.org", "Ann <x@evil.test>, <me@example.org>"),
        ("*@example.org", "me@example.org\x00"),
        ("*@example.org", "me@example.org\n"),
        ("*@example.org", "me@exampleXorg"),
        ("*@example.org", "Group:x@evil.test,me@example.org"),
        ("https://*.example.org/a", "https://evil.test/.example.org/a"),
        ("https://*.example.org/a", "https://evil.test#.example.org/a"),
        ("https://*.example.org/a", "https://evil.test?x=.example.org/a"),
        ("https://*.example.org/a", "https://u:p@evil.test:1.example.org/a"),
        ("https://example.org/*", "https://example.org.evil.test/"),
        ("https://example.org/public/*", "https://example.org/public/../private"),
        ("https://example.org/public/*", "https://example.org/public/%2e%2E/private"),
        ("https://example.org/public/*", "https://example.org/public/..;/private"),
        ("https://example.org/public/*", "https://example.org/public/..;a=1/private"),
        ("https://example.org/public/*", "https://example.org/public/..%3b/private"),
        ("https://example.org/public/*", "https://example.org/public/%252e%252e/private"),
        ("https://example.org/public/*", "https://example.org/public/%25252e%25252e%25252fprivate"),
        ("https://example.org/public/*", "https://example.org/public/%25%32%65./private"),
        ("https://example.org/public/*", "https://example.org/public/..%5cprivate"),
        ("https://example.org/public/*", "https://example.org/public/..%255cprivate"),
        ("https://example.org/public/*", "https://example.org/public/.%09./private"),
        ("https://example.org/public/*", "https://example.org/public/%c0%ae%C0%AE/private"),
        ("https://example.org/public/*", "https://example.org/public/\uff0e\uff0e/private"),
        ("https://example.org/public/*", f"https://example.org/public/%{'25' * 40}2e%2e/private"),
        ("*@example.org", "evil%evil.test@example.org"),
        ("*@example.org", "evil.test!evil@example.org"),
        ("*@example.org", "Ann <evil%evil.test@example.org>"),
        ("*@example.org", '"evil@evil.test"@example.org'),
        ("*@*.example.org", "evil%evil.test@a.example.org"),
        ("docs/*", "docs/../main.py"),
        ("docs/*", "docs/.."),
        ("docs/*", "docs\\..\\main.py"),
        ("acme/*", "acme/app/../../evil/app"),
        ("acme/*", "evil/acme/app"),
        ("12", "123"),
    ],
)
def test_a_pattern_does_not_allow(pattern: str, text: str) -> None:
    assert not is_allowed(text, [pattern])


@pytest.mark.parametrize(
    ("value", "first"),
    [
        ("a@b.c", None),
        (["a@b.c", "x@y.z", "q"], "x@y.z"),
        ({"a@b.c": "x@y.z"}, "x@y.z"),
        ({"x@y.z": "a@b.c"}, "x@y.z"),
        ([["x"]], "x"),
        (7, "7"),
        (None, None),
        ("", None),
        ([], None),
    ],
)
def test_every_text_in_a_value_must_be_allowed(value: Any, first: str | None) -> None:
    assert refused(value, ["a@b.c"]) == first


@pytest.mark.parametrize("pattern", ["*", "**", "*@*", "*.*", "*/*", " ", ""])
def test_what_allows_everything_is_refused(pattern: str) -> None:
    assert faults(pattern)


@pytest.mark.parametrize("pattern", ["https://example.org*", "me@example*"])
def test_an_open_end_of_a_host_is_refused(pattern: str) -> None:
    assert "other hosts" in faults(pattern)


def test_what_is_allowed_is_fixed() -> None:
    assert "no expression" in faults("{{ inputs.to }}")


def test_a_text_that_almost_fits_takes_no_time() -> None:
    assert not is_allowed("-" * 20_000 + "@example.com", ["*-*-*-*-*-*@example.org"])
    assert faults("***a")
