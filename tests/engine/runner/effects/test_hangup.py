"""A read that nobody waits for any more loses its connection, so that a model stops writing its answer."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings
from engine.base.clock import utc_now
from engine.base.statuses import AccountMode
from engine.base.threads import WorkerThreads
from engine.compiler.definition.plan import Retry
from engine.connections.accounts import Account
from engine.record.run_files import RunFiles, RunFolder
from engine.runner.effects.job import Job
from engine.runner.effects.reading import AccountReads
from engine.steps.llm.extract import Chat
from engine.store.blobs.disk import DiskBlobs
from tests.patience import PATIENCE_SECONDS

_BEGUN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}\n\n'
)


class EndlessServer:
    """A model server that begins an answer, or does not, and then waits for its client to go away."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.asked, self.is_alone = threading.Event(), threading.Event()
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.recv(65_536)
                connection.sendall(self._said)
                self.asked.set()
                while connection.recv(65_536):
                    pass
                self.is_alone.set()

    def close(self) -> None:
        self._listening.close()


@pytest.fixture(params=[b"", _BEGUN], ids=["silent", "in the middle of its answer"])
def server(request: pytest.FixtureRequest) -> Iterator[EndlessServer]:
    made = EndlessServer(request.param)
    yield made
    made.close()


class Watch:
    """Where people would watch the answer arrive."""

    def attempt(self) -> Any:
        return lambda _piece: None


def test_a_cancelled_question_is_hung_up(server: EndlessServer, http: httpx.Client) -> None:
    client = OpenAIClient(OpenAISettings(base_url=server.url, model="m"), http)
    watch: Any = Watch()
    fields = Chat.fields.model_validate({"messages": [{"role": "user", "content": "Go on for ever."}]})
    job = Job(
        step_type=Chat(),
        make_fields=lambda: fields,
        repeat=None,
        retry=Retry(attempts=3, backoff_seconds=0.0),
        timeout_seconds=10 * PATIENCE_SECONDS,
        account=Account("llm", "openai", AccountMode.MINE, client, WorkerThreads("model", 1)),
        prompts={},
        render=lambda _prompt, _variables: [],
        on_attempt=lambda _attempt: None,
        files=RunFiles(RunFolder(DiskBlobs(Path()), "run-1")),
        watch=watch,
    )

    async def cancelled() -> None:
        asking = asyncio.ensure_future(AccountReads(utc_now).make(job))
        assert await asyncio.to_thread(server.asked.wait, PATIENCE_SECONDS)
        assert not server.is_alone.is_set()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(cancelled())
    assert server.is_alone.wait(PATIENCE_SECONDS), "the model would write on"
    assert server.connections == 1, "it is not asked again"
