"""Servers of models as their published APIs describe them, on loopback: Ollama, LM Studio, llama.cpp, vLLM and Jan.

Sources: https://docs.ollama.com/api, https://lmstudio.ai/docs/developer/rest, the README of llama.cpp's server,
https://docs.vllm.ai (OpenAI-compatible server), https://jan.ai/docs/desktop/api-preference.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]
"""The status, and the document; an iterator of documents goes out line by line, as they come."""
Routes = Mapping[str, Callable[[Any], Answer]]
"""By method and path (`POST /api/show`): what answers a body."""


def listed(*names: str, owner: str = "library", **more: Any) -> Callable[[Any], Answer]:
    """Return the route of `/v1/models`."""
    entries = [{"id": name, "object": "model", "created": 1, "owned_by": owner, **more} for name in names]
    return lambda _: (200, {"object": "list", "data": entries})


_SHOWN: dict[str, Any] = {
    "llama3.2:latest": {
        "parameters": 'stop                           "<|eot_id|>"',
        "details": {"parameter_size": "3.2B", "quantization_level": "Q4_K_M"},
        "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
        "capabilities": ["completion", "tools"],
    },
    "llava:7b": {
        "parameters": "num_ctx                        8192",
        "model_info": {"llama.context_length": 32768},
        "capabilities": ["completion", "vision"],
    },
    "nomic-embed-text:latest": {
        "model_info": {"nomic-bert.context_length": 2048, "nomic-bert.pooling_type": 1},
        "capabilities": ["embedding"],
    },
}
_SIZES = {"nomic-embed-text:latest": 274302450, "llava:7b": 4733363377, "llama3.2:latest": 2019393189}


def _show(body: Any) -> Answer:
    found = _SHOWN.get(body["model"])
    return (200, found) if found else (404, {"error": f"model '{body['model']}' not found"})


OLLAMA: Routes = {
    "GET /v1/models": listed(*_SIZES),
    "GET /api/tags": lambda _: (200, {"models": [{"name": name, "size": size} for name, size in _SIZES.items()]}),
    "GET /api/ps": lambda _: (200, {"models": [{"model": "llama3.2:latest", "context_length": 4096}]}),
    "POST /api/show": _show,
}
LM_STUDIO: Routes = {
    "GET /v1/models": listed("text-embedding-nomic-embed-text-v1.5", "qwen/qwen3-4b", owner="organization_owner"),
    "GET /api/v1/models": lambda _: (
        200,
        {
            "models": [
                {
                    "type": "llm",
                    "key": "qwen/qwen3-4b",
                    "size_bytes": 2281624576,
                    "loaded_instances": [{"id": "qwen/qwen3-4b", "config": {"context_length": 16384}}],
                    "max_context_length": 32768,
                    "capabilities": {"vision": False, "trained_for_tool_use": True},
                },
                {
                    "type": "embedding",
                    "key": "text-embedding-nomic-embed-text-v1.5",
                    "size_bytes": 84106624,
                    "loaded_instances": [],
                    "max_context_length": 2048,
                },
            ]
        },
    ),
}
OLDER_LM_STUDIO: Routes = {
    "GET /v1/models": listed("qwen2-vl-7b-instruct"),
    "GET /api/v0/models": lambda _: (
        200,
        {
            "object": "list",
            "data": [
                {
                    "id": "qwen2-vl-7b-instruct",
                    "type": "vlm",
                    "state": "not-loaded",
                    "quantization": "4bit",
                    "max_context_length": 32768,
                    "capabilities": ["tool_use"],
                }
            ],
        },
    ),
}
LLAMA_CPP: Routes = {
    "GET /v1/models": listed("gemma.gguf", owner="llamacpp", meta={"n_ctx_train": 131072, "size": 3090917516}),
    "GET /props": lambda _: (
        200,
        {
            "default_generation_settings": {"n_ctx": 8192},
            "total_slots": 1,
            "modalities": {"vision": True, "audio": False},
            "chat_template": "{{ messages }}",
            "chat_template_caps": {"supports_tools": True},
        },
    ),
}
VLLM: Routes = {"GET /v1/models": listed("qwen3", owner="vllm", max_model_len=32768)}
JAN: Routes = {"GET /v1/models": lambda _: (401, {"error": "Unauthorized"})}


@contextlib.contextmanager
def serving(routes: Routes) -> Iterator[str]:
    """Serve these routes; yields the address. Anything else is 404."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(routes))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _unknown(_: Any) -> Answer:
    return 404, {"error": "not found"}


def _handler(routes: Routes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            route = routes.get(f"{self.command} {self.path}", _unknown)
            answered: Answer = route(json.loads(body or b"null"))
            status, document = answered
            lines = document if isinstance(document, Iterator) else iter([document])
            self.send_response(status)
            self.send_header(
                "content-type", "application/x-ndjson" if isinstance(document, Iterator) else "application/json"
            )
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                for line in lines:
                    self.wfile.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler
