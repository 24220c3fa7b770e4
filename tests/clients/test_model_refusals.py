"""What every client of a model makes of empty answers, and of refusals: the server's words, and a way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from clients.errors import (
    AuthError,
    BadAnswer,
    InvalidRequest,
    ModelRefused,
    NotFound,
    RateLimited,
    ServiceError,
    Unavailable,
)
from clients.models.metering import metered
from tests.clients.test_models import HELLO, SCHEMA, Counted, Form, asked, form

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

__all__ = ["asked", "form"]

LISTS: Mapping[str, Any] = {
    "openai": {"data": [{"id": "m-large", "object": "model"}, {"id": "other", "object": "model"}]},
    "anthropic": {"data": [{"type": "model", "id": "m-large", "display_name": "M"}], "has_more": False},
    "gemini": {"models": [{"name": "models/m-large", "supportedGenerationMethods": ["generateContent"]}]},
}


def _openai(message: str, code: Any = None) -> Any:
    return {"error": {"message": message, "type": "x", "code": code}}


def _anthropic(message: str, kind: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _gemini(message: str, status: str, code: int = 400, **details: Any) -> Any:
    return {"error": {"code": code, "message": message, "status": status, "details": [details] if details else []}}


_REGION = "User location is not supported for the API use."
REFUSALS: Mapping[str, Sequence[tuple[int, Any, type[ServiceError], str, str]]] = {
    "openai": [
        (401, _openai("Incorrect API key.", "invalid_api_key"), AuthError, "Incorrect API key.", "valid key"),
        (402, _openai("Insufficient Balance"), InvalidRequest, "Insufficient Balance", "Add credit"),
        (403, _openai("Not here.", "unsupported_country_region_territory"), ModelRefused, "Not here.", "country"),
        (404, _openai("No m.", "model_not_found"), NotFound, "No m.", "name of the model"),
        (400, {"error": "model 'm' not found"}, NotFound, "model 'm' not found", "name of the model"),
        (413, _openai("Too big."), InvalidRequest, "Too big.", "less text"),
        (429, _openai("Slow down.", "rate_limit_exceeded"), RateLimited, "Slow down.", "limits requests"),
        (429, _openai("You exceeded your quota.", "insufficient_quota"), InvalidRequest, "your quota", "Add credit"),
        (400, _openai("Filtered.", "content_filter"), ModelRefused, "Filtered.", "another model"),
        (500, b"<html><title>Oops</title></html>", Unavailable, "500: Oops.", "service is up"),
        (503, b"upstream failed", Unavailable, "503: upstream failed.", "service is up"),
        (400, b"", InvalidRequest, "no explanation given", "fields"),
    ],
    "anthropic": [
        (401, _anthropic("invalid x-api-key", "authentication_error"), AuthError, "invalid x-api-key", "valid key"),
        (403, _anthropic("Not allowed.", "permission_error"), AuthError, "Not allowed.", "permission"),
        (403, _anthropic(f"{_REGION}", "forbidden"), ModelRefused, _REGION, "country"),
        (404, _anthropic("model: m", "not_found_error"), NotFound, "model: m", "name of the model"),
        (400, _anthropic("Your credit balance is too low.", "x"), InvalidRequest, "too low", "Add credit"),
        (413, _anthropic("Request too large.", "request_too_large"), InvalidRequest, "too large", "less text"),
        (429, _anthropic("Slow down.", "rate_limit_error"), RateLimited, "Slow down.", "limits requests"),
        (400, _anthropic("Output blocked by content filtering policy", "x"), ModelRefused, "blocked", "another model"),
        (529, _anthropic("Overloaded", "overloaded_error"), Unavailable, "Overloaded", "service is up"),
        (502, b"<html><title>Bad gateway</title></html>", Unavailable, "502: Bad gateway.", "service is up"),
        (403, b"Access denied by the proxy", AuthError, "Access denied by the proxy", "permission"),
        (400, b"", InvalidRequest, "no explanation given", "fields"),
    ],
    "gemini": [
        (
            400,
            _gemini("API key not valid.", "INVALID_ARGUMENT", reason="API_KEY_INVALID"),
            AuthError,
            "not valid",
            "key",
        ),
        (401, _gemini("No credentials.", "UNAUTHENTICATED", 401), AuthError, "No credentials.", "valid key"),
        (403, _gemini("Not allowed.", "PERMISSION_DENIED", 403), AuthError, "Not allowed.", "permission"),
        (400, _gemini(_REGION, "FAILED_PRECONDITION"), ModelRefused, _REGION, "country"),
        (404, _gemini("models/m is not found.", "NOT_FOUND", 404), NotFound, "is not found", "name of the model"),
        (429, _gemini("Slow down.", "RESOURCE_EXHAUSTED", 429), RateLimited, "Slow down.", "limits requests"),
        (400, _gemini("Too many input tokens.", "INVALID_ARGUMENT"), InvalidRequest, "Too many", "less text"),
        (503, _gemini("The model is overloaded.", "UNAVAILABLE", 503), Unavailable, "overloaded", "service is up"),
        (502, b"<html><title>Bad gateway</title></html>", Unavailable, "Bad gateway", "service is up"),
        (403, b"Access denied by the proxy", AuthError, "Access denied by the proxy", "permission"),
    ],
}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_a_refusal_is_told_in_the_servers_words_with_a_way_out(
    asked: Any, form: Form, scripted: Scripted, streams: bool
) -> None:
    for status, body, kind, words, remedy in REFUSALS[form.name]:
        scripted.answers.clear()
        scripted.then(status, body)
        with pytest.raises(ServiceError) as caught:
            asked.chat(HELLO, on_text=(lambda _: None) if streams else None)
        assert type(caught.value) is kind, words
        assert words in caught.value.message
        assert remedy in caught.value.remedy


def test_an_unknown_model_is_told_with_those_that_there_are(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(*REFUSALS[form.name][3 if form.name != "gemini" else 4][:2]).then(200, LISTS[form.name])
    for ask in (asked.chat, lambda messages, **more: asked.chat_json(messages, SCHEMA, **more)):
        with pytest.raises(NotFound) as caught:
            ask(HELLO, model="m-larg")
        assert "Did you mean 'm-large'?" in caught.value.remedy
        scripted.answers.clear()
        scripted.then(*REFUSALS[form.name][3 if form.name != "gemini" else 4][:2]).then(200, LISTS[form.name])
    assert sum(seen.method == "POST" for seen in scripted.seen) == 2


@pytest.mark.parametrize("said", ["", " \n", "<think>Well", "<think>Well</think>\n"], ids=repr)
def test_an_answer_that_says_nothing_is_an_error_that_is_paid_and_not_repeated(
    asked: Any, form: Form, scripted: Scripted, said: str
) -> None:
    meter = Counted()
    scripted.then(200, form.answer(said))
    with metered(meter), pytest.raises(BadAnswer, match="was empty") as caught:
        asked.chat(HELLO)
    assert not caught.value.retryable
    assert ("in the reasoning" in caught.value.message) is ("think" in said or form.name == "gemini"), (
        "it counts a token"
    )
    assert [one[1]["output_tokens"] for one in meter.told] == [2]
    assert len(scripted.seen) == 1


def test_thoughts_are_no_part_of_an_answer(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(200, form.answer("<think>Well</think>\n\nHi.")).then(200, form.answer("Well\n</think>\nHi."))
    assert [asked.chat(HELLO)["text"] for _ in range(2)] == ["Hi.", "Hi."]


def test_a_prompt_that_the_server_has_cut_leaves_a_note(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(200, form.answer('{"kind": "bug", "share": 1}'))
    long = [{"role": "user", "content": "Please read this. " * 2_000}]
    for answer in (asked.chat(long), asked.chat_json(long, SCHEMA)):
        assert [note.partition(" tokens")[0] for note in answer["notes"]] == ["The server read about 3 of about 8,000"]
    assert "notes" not in asked.chat(HELLO)


def test_other_services_tell_their_odd_ends_and_their_errors_in_a_200(
    asked: Any, form: Form, scripted: Scripted
) -> None:
    if form.name == "gemini":
        scripted.then(200, {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]})
        with pytest.raises(BadAnswer, match="was empty"):
            asked.chat(HELLO)
    if form.name == "anthropic":
        scripted.then(200, _anthropic("Overloaded", "overloaded_error"))
        with pytest.raises(Unavailable, match="Overloaded"):
            asked.chat(HELLO)
