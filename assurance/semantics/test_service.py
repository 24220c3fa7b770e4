"""The scripted service is quiet only when it has read all that was sent to it."""

from __future__ import annotations

import socket

from assurance.semantics.service import scripted_service
from tests.patience import until


def test_a_request_whose_client_has_gone_belongs_to_what_came_before() -> None:
    with scripted_service() as service:
        for number in range(1, 51):
            with socket.create_connection(("127.0.0.1", service.port)) as client:
                client.sendall(b"GET /s1 HTTP/1.1\r\nHost: here\r\n\r\n")
            until(service.is_quiet)
            assert len(service.requests) == number
