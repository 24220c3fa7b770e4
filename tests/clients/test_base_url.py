"""Addresses of services in settings: checked before anything is sent there."""

from __future__ import annotations

import pytest

from clients.base_url import base_url


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://api.github.com", "https://api.github.com"),
        (" https://github.example/api/v3/ ", "https://github.example/api/v3"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_an_address_is_kept_without_its_last_slash(text: str, kept: str) -> None:
    assert base_url(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.github.com",
        "ftp://a.example",
        "https://",
        "https://me:pw@a.example",
        "https://a.example/?x=1",
        "http://a:99999",
    ],
)
def test_what_is_no_address_of_a_service_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|[Pp]ort"):
        base_url(text)
