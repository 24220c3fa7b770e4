"""`orchestra ingress`: what it needs, and that it stops when it is told to."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Orchestra, Start
from tests.engine.ingress.servers import Nats
from tests.patience import until


def configure(workspace: Path, **settings: str) -> None:
    file = workspace / "config.yaml"
    file.write_text(re.sub(r"(?m)^ingress:.*$", f"ingress: {json.dumps(settings)}", file.read_text()))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({}, "`ingress.user` is empty", id="nothing is said"),
        pytest.param({"user": "nobody"}, "There is no user 'nobody'", id="no such user"),
        pytest.param({"user": "robot"}, "`ingress.url` is empty", id="no address"),
        pytest.param({"user": "robot", "url": "ftp://127.0.0.1"}, "its scheme is 'ftp'", id="no broker"),
        pytest.param({"user": "robot", "url": "amqp://127.0.0.1:9/"}, "The broker does not answer", id="no answer"),
    ],
)
def test_what_is_missing_is_said_with_a_remedy(
    orchestra: Orchestra, workspace: Path, settings: dict[str, str], said: str
) -> None:
    configure(workspace, **settings)
    orchestra("users", "add", "robot", "--role", "operator")
    result = orchestra("ingress", "--demo")
    assert result.code != 0
    assert said in result.err
    assert "config.yaml" in result.err or "://" in result.err
    assert "Traceback" not in result.err


@pytest.mark.slow
def test_it_takes_messages_until_it_is_told_to_stop_and_says_on_stderr_why_they_wait(
    start: Start, orchestra: Orchestra, workspace: Path
) -> None:
    server = Nats()
    orchestra("users", "add", "robot", "--role", "operator")
    configure(workspace, url=server.url, user="robot", topic=server.topics.topic)
    running = start("ingress", "--demo")
    assert running.line() == f"Messages of {server.topics.topic} start runs as robot; Ctrl-C stops it."
    assert orchestra("users", "set-role", "robot", "viewer").code == 0
    asyncio.run(_sent(server, b'{"workflow": "pure"}'))
    until(lambda: "ERROR" in running.err and "robot" in running.err, "the reason")
    assert running.end(signal.SIGTERM) == 0
    assert "Traceback" not in running.err
    asyncio.run(_removed(server))


async def _sent(server: Nats, body: bytes) -> None:
    await server.open()
    await server.send(body)
    await server._client.close()


async def _removed(server: Nats) -> None:
    await server.open()
    await server.close()
