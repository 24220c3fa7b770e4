"""What a client's class says of the key it takes."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from engine.connections.services import client_classes


@pytest.mark.parametrize("service", client_classes())
def test_a_client_that_takes_a_key_says_where_to_get_one(service: str) -> None:
    kind = client_classes()[service]
    assert set(kind.key_variables) <= set(kind.Settings.model_fields)
    assert bool(kind.key_place) is bool(kind.key_variables)
    assert not kind.key_variables or urlsplit(kind.key_url).scheme == "https"
