"""What the server's access log may say."""

from __future__ import annotations

import logging

import pytest

from api.network.access_log import keep_secrets_out


def test_the_access_log_shows_the_address_of_a_link_without_its_secret(caplog: pytest.LogCaptureFixture) -> None:
    keep_secrets_out()
    keep_secrets_out()
    log = logging.getLogger("uvicorn.access")
    with caplog.at_level(logging.INFO, logger="uvicorn.access"):
        # The form of uvicorn's own call.
        log.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", "/login?token=s3cr3t&next=%2Fruns", "1.1", 200)
    assert caplog.messages == ['127.0.0.1:5 - "GET /login?token=…&next=%2Fruns HTTP/1.1" 200']
    assert len(log.filters) == 1
