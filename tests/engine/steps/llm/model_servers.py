"""Makes answers in the forms of ten model servers, each with what a step must make of it.

The forms follow the published descriptions of the servers, and what they are seen to send: the same answer as text, as
a list of parts, beside its reasoning, in a tool call; and refusals in the words and with the statuses of each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from clients.errors import AuthError, BadAnswer, InvalidRequest, ModelRefused, NotFound, RateLimited, Unavailable

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["task", "bug", "nothing"]},
        "title": {"type": "string"},
        "due": {"type": "string", "format": "date"},
        "amount": {"type": "number"},
        "urgent": {"type": "boolean"},
    },
    "required": ["kind", "title"],
}
GIVEN = {"kind": "task", "title": "Pay 120 EUR", "due": "2026-12-04", "amount": 120.5, "urgent": True}
SHORT = {name: GIVEN[name] for name in ("kind", "title")}
_PYTHON, _JSON = repr(GIVEN), json.dumps(GIVEN)
_PARTS = {"thinking": {"type": "thinking", "thinking": [{"type": "text", "text": "Is {it} a task?"}]}}


class Expected(Struct, frozen=True):
    """What a step must make of an answer."""

    value: Any = None
    error: type[Exception] | None = None
    says: str = ""
    """What the message, or the remedy, must have in it."""
    questions: int = 1
    """How often the model may be asked."""


class Case(Struct, frozen=True):
    """An answer of a server."""

    name: str
    status: int
    body: Any
    expected: Expected


def _text(said: Any, value: Any = GIVEN, **more: Any) -> tuple[dict[str, Any], Expected]:
    return {"content": said, **more}, Expected(value)


def _called(**more: Any) -> dict[str, Any]:
    return {"name": "answer", "arguments": _JSON, **more}


OBJECTS: Mapping[str, tuple[dict[str, Any], Expected]] = {
    "plain": _text(_JSON),
    "in a fence": _text(f"```json\n{_JSON}\n```"),
    "in a fence without a name, after words": _text(f"Here it is:\n```\n{_JSON}\n```\nAnything else?"),
    "between words": _text(f"The answer is {_JSON}. I hope this helps [1]."),
    "as Python writes it": _text(_PYTHON),
    "with a trailing comma": _text(_JSON[:-1] + ",}"),
    "with comments": _text(_JSON.replace("{", "{ // a task\n", 1).replace("}", " /* done */ }")),
    "with names that are not quoted": _text("{kind: 'task', title: \"Pay 120 EUR\"}", SHORT),
    "with typographic quotation marks": _text("{“kind”: “task”, “title”: “Pay 120 EUR”}", SHORT),
    "with a line break in a text": _text(
        '{"kind": "bug", "title": "It\ncrashes"}', {"kind": "bug", "title": "It\ncrashes"}
    ),
    "after thoughts": _text(f"<think>Is {{it}} a task?</think>\n\n{_JSON}"),
    "after thoughts without a beginning": _text(f"It says {{pay}}: a task.\n</think>\n{_JSON}"),
    "after thoughts in brackets": _text(f"[THINK]Is it?[/THINK]{_JSON}"),
    "in a channel": _text(
        f"<|channel|>analysis<|message|>Is it?<|end|><|start|>assistant<|channel|>final<|message|>{_JSON}<|return|>"
    ),
    "as a list of parts": _text([{"type": "text", "text": _JSON}]),
    "as two parts": _text([{"type": "text", "text": _JSON[:20]}, {"type": "text", "text": _JSON[20:]}]),
    "as parts with thoughts": _text([_PARTS["thinking"], {"type": "text", "text": _JSON}]),
    "beside its reasoning": _text(_JSON, reasoning_content="Is {it} a task?"),
    "beside its reasoning, by another name": _text(_JSON, reasoning="Is {it} a task?", reasoning_details=[{"x": 1}]),
    "with null for what is left out": _text(json.dumps({**SHORT, "due": None, "urgent": None}), SHORT),
    "with an empty text for a date": _text(json.dumps({**SHORT, "due": ""}), SHORT),
    "with a number as text": _text(json.dumps({**GIVEN, "amount": "120.5"})),
    "with a boolean as text": _text(json.dumps({**GIVEN, "urgent": "True"})),
    "with a text as number": _text(json.dumps({**SHORT, "title": 4711}), {**SHORT, "title": "4711"}),
    "with a choice in capitals": _text(json.dumps({**GIVEN, "kind": "Task "})),
    "in a list": _text(f"[{_JSON}]"),
    "in an object": _text(json.dumps({"answer": GIVEN})),
    "as JSON in a text": _text(json.dumps(_JSON)),
    "twice": _text(f"{_JSON}\n{_JSON}"),
    "after an example that does not fit": _text(f'For {{"kind": "song"}} nothing. So: {_JSON}'),
    "with a byte order mark": _text(f"\ufeff{_JSON}"),
    "as a call of a tool": _text(None, tool_calls=[{"id": "c1", "type": "function", "function": _called()}]),
    "as a call with an object": _text(
        "", tool_calls=[{"id": "c1", "type": "function", "function": _called(arguments=GIVEN)}]
    ),
    "as a call of a function": _text(None, function_call=_called()),
}
FAILURES: Mapping[str, tuple[dict[str, Any], str, Expected]] = {
    "empty": ({"content": ""}, "stop", Expected(error=BadAnswer, says="was empty")),
    "null": ({"content": None}, "stop", Expected(error=BadAnswer, says="was empty")),
    "empty parts": ({"content": []}, "stop", Expected(error=BadAnswer, says="was empty")),
    "reasoning alone": (
        {"content": "", "reasoning_content": f"I think {_JSON}"},
        "stop",
        Expected(error=BadAnswer, says="all text is in the reasoning"),
    ),
    "thoughts alone": (
        {"content": "<think>Is it a task?"},
        "stop",
        Expected(error=BadAnswer, says="all text is in the reasoning"),
    ),
    "cut": ({"content": _JSON[:30]}, "length", Expected(error=InvalidRequest, says="cut off")),
    "cut while thinking": (
        {"content": None, "reasoning": "Is it"},
        "length",
        Expected(error=InvalidRequest, says="before it said anything"),
    ),
    "refused": (
        {"content": None, "refusal": "I will not."},
        "stop",
        Expected(error=ModelRefused, says="refuses: I will not."),
    ),
    "held back": ({"content": ""}, "content_filter", Expected(error=ModelRefused, says="content filter")),
    "prose": (
        {"content": "It is a task, I think."},
        "stop",
        Expected(error=BadAnswer, says="It begins: 'It is a task", questions=2),
    ),
    "a wrong choice": (
        {"content": '{"kind": "song", "title": "x"}'},
        "stop",
        Expected(error=BadAnswer, says="'song' is not one of", questions=2),
    ),
    "two answers": (
        {"content": '{"kind": "bug", "title": "x"}\n{"kind": "task", "title": "x"}'},
        "stop",
        Expected(error=BadAnswer, says="2 JSON values", questions=2),
    ),
    "a number that may be two": (
        {"content": json.dumps({**SHORT, "amount": "1.234,50"})},
        "stop",
        Expected(error=BadAnswer, says="amount", questions=2),
    ),
    "JSON that ends too early": (
        {"content": '{"kind": "bug", "title": "x"'},
        "stop",
        Expected(error=BadAnswer, says="not JSON", questions=2),
    ),
}


class Server(Struct, frozen=True):
    """How one server writes answers and refusals."""

    name: str
    answered: str
    """What it says for the model `m-7b`."""
    more: Mapping[str, Any]
    """What it adds to an answer."""
    refusals: Callable[[], Iterator[tuple[str, int, Any, Expected]]]

    def answer(self, message: Mapping[str, Any], finish_reason: str = "stop") -> dict[str, Any]:
        """Return a whole answer."""
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
        usage = {"prompt_tokens": 50, "completion_tokens": 20, "total_tokens": 70}
        head = {"id": "c1", "object": "chat.completion", "created": 1, "model": self.answered}
        return {**head, "choices": [choice], "usage": usage, **self.more}


def _openai() -> Iterator[tuple[str, int, Any, Expected]]:
    def error(message: str, kind: str, code: str | None) -> dict[str, Any]:
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    wrong_key = error("Incorrect API key provided: x.", "invalid_request_error", "invalid_api_key")
    yield "key", 401, wrong_key, Expected(error=AuthError, says="Incorrect API key")
    spent = error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")
    yield "credit", 429, spent, Expected(error=InvalidRequest, says="Add credit")
    abroad = error(
        "Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory"
    )
    yield "region", 403, abroad, Expected(error=ModelRefused, says="does not serve the country")
    unknown = error("The model `m-7b` does not exist.", "invalid_request_error", "model_not_found")
    yield "model", 404, unknown, Expected(error=NotFound, says="does not exist")
    long = error("Your input exceeds the context window.", "invalid_request_error", "context_length_exceeded")
    yield "long", 400, long, Expected(error=InvalidRequest, says="Give the model less text")
    down = error("The server had an error.", "server_error", None)
    yield "down", 500, down, Expected(error=Unavailable, says="had an error", questions=3)


def _azure() -> Iterator[tuple[str, int, Any, Expected]]:
    found = {"hate": {"filtered": True, "severity": "high"}, "violence": {"filtered": False, "severity": "safe"}}
    results = [{"prompt_index": 0, "content_filter_results": found}]
    held_back = {"id": "c1", "model": "", "object": "", "choices": [], "prompt_filter_results": results}
    yield "filtered", 200, held_back, Expected(error=ModelRefused, says="hate (high)")
    choice = {"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant"}}
    later = {"id": "c1", "model": "m-7b", "choices": [{**choice, "content_filter_results": found}]}
    yield "answer filtered", 200, later, Expected(error=ModelRefused, says="hate (high)")
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
    error = {"message": "The response was filtered.", "code": "content_filter", "status": 400, "innererror": inner}
    yield "question filtered", 400, {"error": error}, Expected(error=ModelRefused, says="hate (high)")
    absent = {
        "error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}
    }
    yield "deployment", 404, absent, Expected(error=NotFound, says="deployment")
    gateway = {"statusCode": 401, "message": "Access denied due to invalid subscription key."}
    yield "gateway", 401, gateway, Expected(error=AuthError, says="invalid subscription key")
    busy = {"error": {"code": "429", "message": "Requests have exceeded call rate limit."}}
    yield "busy", 429, busy, Expected(error=RateLimited, says="call rate limit", questions=3)


def _openrouter() -> Iterator[tuple[str, int, Any, Expected]]:
    def within(code: Any, message: str, **more: Any) -> dict[str, Any]:
        return {"id": None, "choices": None, "error": {"message": message, "code": code, **more}, "user_id": "u"}

    failed = within(502, "Provider returned error")
    yield "502 in a 200", 200, failed, Expected(error=Unavailable, says="Provider returned error", questions=3)
    raw = within(502, "Provider returned error", metadata={"raw": '{"error": "out of memory"}', "provider_name": "P"})
    yield "the provider's words", 200, raw, Expected(error=Unavailable, says="out of memory", questions=3)
    yield "401 in a 200", 200, within(401, "No auth."), Expected(error=AuthError, says="No auth.")
    yield "402 in a 200", 200, within(402, "Insufficient credits"), Expected(error=InvalidRequest, says="Add credit")
    slow = within("429", "Rate limited upstream")
    yield "429 in a 200", 200, slow, Expected(error=RateLimited, says="upstream", questions=3)
    message = {"role": "assistant", "content": "{"}
    choice = {"index": 0, "message": message, "finish_reason": "error", "error": {"code": 502, "message": "It broke."}}
    yield "in a choice", 200, {"choices": [choice]}, Expected(error=Unavailable, says="It broke.", questions=3)
    unknown = {"error": {"message": "m-7b is not a valid model ID", "code": 400}}
    yield "model", 400, unknown, Expected(error=NotFound, says="not a valid model")


def _mistral() -> Iterator[tuple[str, int, Any, Expected]]:
    yield "key", 401, {"detail": "Unauthorized"}, Expected(error=AuthError, says="Unauthorized")
    detail = [{"loc": ["body", "messages"], "msg": "Field required", "type": "missing"}]
    wrong = {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error"}
    yield "fields", 422, wrong, Expected(error=InvalidRequest, says="Field required", questions=2)
    unknown = {"object": "error", "message": "Invalid model: m-7b", "type": "invalid_model", "code": "1500"}
    yield "model", 400, unknown, Expected(error=NotFound, says="Invalid model")
    busy = {"message": "Requests rate limit exceeded"}
    yield "busy", 429, busy, Expected(error=RateLimited, says="rate limit", questions=3)
    yield "down", 503, b"upstream connect error", Expected(error=Unavailable, says="upstream connect", questions=3)
    none = {"message": "no Route matched with those values"}
    yield "route", 404, none, Expected(error=NotFound, says="no Route matched")


def _vllm() -> Iterator[tuple[str, int, Any, Expected]]:
    unknown = {"object": "error", "message": "The model `m-7b` does not exist.", "type": "NotFoundError", "code": 404}
    yield "model", 404, unknown, Expected(error=NotFound, says="does not exist")
    yield "path", 404, {"detail": "Not Found"}, Expected(error=NotFound, says="Not Found")
    long = {"object": "error", "message": "This model's maximum context length is 10 tokens.", "code": 400}
    yield "long", 400, long, Expected(error=InvalidRequest, says="Give the model less text")
    inside = {"object": "error", "message": "Engine is dead", "type": "InternalServerError", "code": 500}
    yield "in a 200", 200, inside, Expected(error=Unavailable, says="Engine is dead", questions=3)
    yield "plain text", 500, b"Internal Server Error", Expected(error=Unavailable, says="Internal Server", questions=3)
    yield "key", 401, {"error": "Unauthorized"}, Expected(error=AuthError, says="Unauthorized")


def _llama_cpp() -> Iterator[tuple[str, int, Any, Expected]]:
    def error(code: int, message: str, kind: str) -> dict[str, Any]:
        return {"error": {"code": code, "message": message, "type": kind}}

    long = error(400, "the request exceeds the available context size (2048 tokens)", "exceed_context_size_error")
    yield "long", 400, long, Expected(error=InvalidRequest, says="Give the model less text")
    yield (
        "key",
        401,
        error(401, "Invalid API Key", "authentication_error"),
        Expected(error=AuthError, says="Invalid API"),
    )
    yield "path", 404, error(404, "File Not Found", "not_found_error"), Expected(error=NotFound, says="File Not Found")
    broken = error(500, "failed to parse grammar", "server_error")
    yield "grammar", 500, broken, Expected(error=Unavailable, says="grammar", questions=3)
    yield "text", 404, b"<html><head><title>Not here</title></head>", Expected(error=NotFound, says="Not here")
    yield "method", 405, b"", Expected(error=InvalidRequest, says="no explanation given")


def _ollama() -> Iterator[tuple[str, int, Any, Expected]]:
    pull = {"error": {"message": 'model "m-7b" not found, try pulling it first', "type": "api_error", "code": None}}
    yield "model", 404, pull, Expected(error=NotFound, says="try pulling it first")
    yield "older", 404, {"error": "model 'm-7b' not found"}, Expected(error=NotFound, says="not found")
    yield "path", 404, b"404 page not found", Expected(error=NotFound, says="404 page not found")
    memory = {"error": {"message": "model requires more system memory (9 GiB)", "type": "api_error"}}
    yield "memory", 500, memory, Expected(error=Unavailable, says="more system memory", questions=3)
    yield (
        "busy",
        503,
        {"error": "server busy, please try again"},
        Expected(error=Unavailable, says="server busy", questions=3),
    )
    yield "web page", 200, b"Ollama is running", Expected(error=BadAnswer, says="ends with /v1", questions=3)


def _lm_studio() -> Iterator[tuple[str, int, Any, Expected]]:
    absent = {"error": {"message": "No models loaded. Please load a model.", "type": "invalid_request_error"}}
    yield "none", 404, absent, Expected(error=NotFound, says="No models loaded")
    unloaded = {"error": "Model m-7b is not loaded."}
    yield "model", 400, unloaded, Expected(error=NotFound, says="not loaded")
    inside = {"error": "Unexpected endpoint or method. (POST /chat/completions)"}
    yield "path in a 200", 200, inside, Expected(error=Unavailable, says="Unexpected endpoint", questions=3)
    crashed = {"error": "The model has crashed without additional information."}
    yield "crashed", 500, crashed, Expected(error=Unavailable, says="has crashed", questions=3)
    long = {"error": "The number of tokens to keep exceeds the context length."}
    yield "long", 400, long, Expected(error=InvalidRequest, says="Give the model less text")
    yield (
        "page",
        502,
        b"<!doctype html><h1>Bad gateway</h1><p>x",
        Expected(error=Unavailable, says="502: Bad gateway x.", questions=3),
    )


def _deepseek() -> Iterator[tuple[str, int, Any, Expected]]:
    def error(message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": "unknown_error", "param": None, "code": "invalid_request_error"}}

    yield "credit", 402, error("Insufficient Balance"), Expected(error=InvalidRequest, says="Add credit")
    yield "model", 400, error("Model Not Exist"), Expected(error=NotFound, says="Model Not Exist")
    yield "key", 401, error("Authentication Fails"), Expected(error=AuthError, says="Authentication Fails")
    yield "busy", 503, error("Service is too busy."), Expected(error=Unavailable, says="too busy", questions=3)
    yield "nothing", 400, b"", Expected(error=InvalidRequest, says="no explanation given", questions=2)
    text = b"Failed to deserialize the JSON body into the target type"
    yield "text", 422, text, Expected(error=InvalidRequest, says="Failed to deserialize", questions=2)


def _groq() -> Iterator[tuple[str, int, Any, Expected]]:
    def error(message: str, kind: str, code: str, **more: Any) -> dict[str, Any]:
        return {"error": {"message": message, "type": kind, "code": code, **more}}

    gone = error("The model `m-7b` has been decommissioned.", "invalid_request_error", "model_decommissioned")
    yield "gone", 400, gone, Expected(error=NotFound, says="decommissioned")
    large = error("Request too large for model `m-7b`: Limit 6000.", "tokens", "rate_limit_exceeded")
    yield "large", 413, large, Expected(error=InvalidRequest, says="less text")
    blocked = error("Access denied. Please check your network settings.", "forbidden", "forbidden")
    yield "blocked", 403, blocked, Expected(error=AuthError, says="check your network")
    slow = error("Rate limit reached for model `m-7b`.", "tokens", "rate_limit_exceeded")
    yield "slow", 429, slow, Expected(error=RateLimited, says="Rate limit reached", questions=3)
    yield "overloaded", 498, error("Flex tier exceeded.", "x", "y"), Expected(error=InvalidRequest, says="Flex tier")
    down = error("Service unavailable", "internal_server_error", "x")
    yield "down", 503, down, Expected(error=Unavailable, says="Service unavailable", questions=3)


SERVERS = (
    Server("OpenAI", "m-7b-2024-08-06", {"system_fingerprint": "fp_1", "service_tier": "default"}, _openai),
    Server("Azure", "m-7b-2024-08-06", {"prompt_filter_results": [{"content_filter_results": {}}]}, _azure),
    Server("OpenRouter", "vendor/m-7b", {"provider": "P", "error": None}, _openrouter),
    Server("Mistral", "m-7b", {}, _mistral),
    Server("vLLM", "/models/m-7b", {"kv_transfer_params": None}, _vllm),
    Server("llama.cpp", "m-7b-instruct-q4_k_m.gguf", {"timings": {"prompt_n": 50}}, _llama_cpp),
    Server("Ollama", "m-7b:latest", {"system_fingerprint": "fp_ollama"}, _ollama),
    Server("LM Studio", "m-7b-instruct@q4_k_m", {"stats": {}}, _lm_studio),
    Server("DeepSeek", "m-7b", {"usage": {"prompt_tokens": 50, "prompt_cache_hit_tokens": 40}}, _deepseek),
    Server("Groq", "m-7b", {"x_groq": {"id": "r1"}, "usage_breakdown": None}, _groq),
)
_OF_EACH = 15
"""How many of the answers below each server gives beside its refusals; each answer is given by some."""


def cases() -> Iterator[Case]:
    """Yield all answers: over 200."""
    for number, server in enumerate(SERVERS):
        said = [(name, message, "stop", expected) for name, (message, expected) in OBJECTS.items()]
        said += [(name, *failure) for name, failure in FAILURES.items()]
        first = number * _OF_EACH
        for name, message, ended, expected in (said * 4)[first : first + _OF_EACH]:
            yield Case(f"{server.name}: {name}", 200, server.answer(message, ended), expected)
        for name, status, body, expected in server.refusals():
            yield Case(f"{server.name} refuses: {name}", status, body, expected)
