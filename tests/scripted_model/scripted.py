"""A model in the OpenAI form on a loopback port that answers by a script, well or badly, and keeps what it was asked.

Forms: https://platform.openai.com/docs/api-reference/chat and /chat-streaming.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.scripted_model.other_forms import Event, anthropic_events, gemini_events, is_anthropic, is_gemini

MODEL = "scripted-1"
PRICE = {"input": 3.0, "output": 15.0}
"""In USD, of a million tokens."""
_CHARACTERS_OF_A_TOKEN = 4


@dataclass(frozen=True)
class Answer:
    """One answer of the model: words, calls of tools, or something that goes wrong."""

    text: str = ""
    calls: Sequence[tuple[str, Any]] = ()
    """Each (tool, arguments); arguments that are a text are sent as they are, whole JSON or not."""
    status: int = 200
    is_cut: bool = False
    """Whether the stream ends in the middle of the text."""
    drip_seconds: float = 0.0
    """The pause before each piece."""
    gate: threading.Event | None = None
    """Waited for between the first piece and the rest."""
    usage: tuple[int, int, int] | None = None
    """Tokens of the question, of it cached, and of the answer; None: about as many as the texts have."""


Script = Sequence[Answer] | Callable[[dict[str, Any], int], Answer]
"""An answer for each request, the last one for all further ones; or a function of the request and its number from 0."""


@dataclass
class Scripted:
    """A running model."""

    base_url: str
    script: Script
    requests: list[dict[str, Any]] = field(default_factory=list)
    """The bodies that it has received."""
    usages: list[tuple[int, int, int]] = field(default_factory=list)
    """The tokens that it has charged for each answer: of the question, of it cached, and of the answer."""
    spoke_at: list[float] = field(default_factory=list)
    """When it has sent the first piece of each answer in the OpenAI form, in seconds since 1970."""
    context: int | None = None
    """How many tokens it says that it reads at once, as vLLM does."""
    _prefix: str = ""

    def answer(self, body: dict[str, Any]) -> Answer:
        """Keep a request and return its answer."""
        self.requests.append(body)
        number = len(self.requests) - 1
        if callable(self.script):
            return self.script(body, number)
        return self.script[min(number, len(self.script) - 1)]

    def usage(self, body: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Return the tokens of an answer; the part of the question that the one before began with counts as cached."""
        asked = [body.get(name, "") for name in ("tools", "system", "systemInstruction", "messages", "contents")]
        sent = json.dumps(asked)
        cached = 0
        while cached < min(len(sent), len(self._prefix)) and sent[cached] == self._prefix[cached]:
            cached += 1
        self._prefix = sent
        said = json.dumps([answer.text, list(answer.calls)])
        read, kept, out = answer.usage or tuple(one // _CHARACTERS_OF_A_TOKEN for one in (len(sent), cached, len(said)))
        self.usages.append((read, kept, out))
        details = {"cached_tokens": kept}
        return {"prompt_tokens": read, "completion_tokens": out, "prompt_tokens_details": details}


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Serve a script until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    model = Scripted(f"http://127.0.0.1:{server.server_port}/v1", script)
    server.model = model  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _model(self) -> Scripted:
        found: Scripted = self.server.model  # type: ignore[attr-defined]
        return found

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        told = {} if self._model.context is None else {"max_model_len": self._model.context}
        self._json(200, {"object": "list", "data": [{"id": MODEL, "object": "model", **told}]})

    def do_POST(self) -> None:
        if self.path.startswith("/api/"):  # the questions of Ollama: not asked to the model
            self._json(404, {})
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self._model.answer(body)
        form = anthropic_events if is_anthropic(self.path) else gemini_events if is_gemini(self.path) else None
        if answer.status != 200:
            self._json(answer.status, {"error": {"message": "Not now.", "type": "scripted", "code": None}})
        elif form is not None:
            told = self._model.usage(body, answer)
            cached = told["prompt_tokens_details"]["cached_tokens"]
            tokens = (told["prompt_tokens"], cached, told["completion_tokens"])
            pieces = [one["content"] for one in _deltas(answer) if "content" in one]
            self._events(form(answer, MODEL, tokens, pieces))
        elif body.get("stream"):
            self._stream(body, answer)
        else:
            message = {"role": "assistant", "content": answer.text or None, "tool_calls": _calls(answer) or None}
            choice = {"index": 0, "message": message, "finish_reason": _end(answer)}
            usage = self._model.usage(body, answer)
            self._json(
                200, {"id": "c", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}
            )

    def _json(self, status: int, document: Any) -> None:
        sent = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def _stream(self, body: dict[str, Any], answer: Answer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for number, delta in enumerate(_deltas(answer)):
                if number == 1 and answer.gate is not None:
                    answer.gate.wait(60)
                time.sleep(answer.drip_seconds)
                if number == 0:
                    self._model.spoke_at.append(time.time())
                self._chunk({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            if answer.is_cut:
                return
            self._chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": _end(answer)}]})
            self._chunk({"choices": [], "usage": self._model.usage(body, answer)})
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            pass  # the client has gone

    def _events(self, events: Iterable[Event]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for name, data in events:
            head = f"event: {name}\n" if name else ""
            self.wfile.write(f"{head}data: {json.dumps({**({'type': name} if name else {}), **data})}\n\n".encode())

    def _chunk(self, more: dict[str, Any]) -> None:
        sent = {"id": "c", "object": "chat.completion.chunk", "model": MODEL, **more}
        self.wfile.write(f"data: {json.dumps(sent)}\n\n".encode())
        self.wfile.flush()


def _end(answer: Answer) -> str:
    return "tool_calls" if answer.calls else "stop"


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "index": number,
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": tool, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (tool, given) in enumerate(answer.calls)
    ]


def _deltas(answer: Answer) -> Iterator[dict[str, Any]]:
    words = answer.text.split(" ")
    pieces = [one if number == 0 else f" {one}" for number, one in enumerate(words)] if answer.text else []
    if answer.is_cut:
        pieces = pieces[: max(1, len(pieces) // 2)]
    yield from ({"content": piece} for piece in pieces)
    if not answer.is_cut:
        yield from ({"tool_calls": [call]} for call in _calls(answer))
