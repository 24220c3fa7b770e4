"""Which addresses are near."""

from __future__ import annotations

import pytest

from clients.addresses import is_near


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("[::1]", True),
        ("localhost", True),
        ("192.168.1.5", True),
        ("ollama", True),  # a service of Docker Compose
        ("box.local", True),
        ("host.docker.internal", True),
        ("api.openai.com", False),
        ("8.8.8.8", False),
        ("local.example.org", False),
    ],
)
def test_a_server_is_near_by_its_name_or_address(host: str, expected: bool) -> None:
    assert is_near(host) is expected
