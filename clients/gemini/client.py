"""The client of Google's Gemini models, using the google-genai SDK."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from clients import error_mapping as failures
from clients.errors import AuthError, BadAnswer, InvalidRequest, NotFound, ServiceError
from clients.gemini.answers import plain_answer
from clients.gemini.messages import KNOWN, NAMES, config, contents
from clients.gemini.service import GEMINI, GeminiSettings
from clients.listing import Json
from clients.models.asking import (
    OnText,
    advised,
    allowed,
    counted,
    is_of_the_request,
    named,
    require_sdk,
    unknown_model,
)
from clients.models.client import ModelClient
from clients.models.metering import ModelRequest, most_tokens, permitted
from clients.models.refusals import explained, kind_of
from clients.models.vectors import batches, checked, model_for_vectors
from clients.models.words import asked_in_words

if TYPE_CHECKING:
    from google.genai import Client as Sdk
    from google.genai.errors import APIError

_CHATS = "generateContent"
_LESS_TEXT = "Give the model less text, or use one with a larger context."
_NO_KEY = "API_KEY_INVALID"
"""The reason of a 400 for a wrong key."""
_RETRY = "type.googleapis.com/google.rpc.RetryInfo"


class GeminiClient(ModelClient):
    """One account."""

    service = GEMINI
    parameters = KNOWN | NAMES.keys()

    def __init__(self, settings: GeminiSettings, http: httpx.Client) -> None:
        super().__init__(settings, http)
        self.embedding_model = model_for_vectors(GEMINI, settings.embedding_model, settings.model, settings.base_url)

    @cached_property
    def _sdk(self) -> Sdk:
        require_sdk(GEMINI)
        from google.genai import Client as Sdk
        from google.genai.types import HttpOptions

        from clients.models.bridge import bridged
        from clients.transport import trusted

        # The SDK loads the CAs three times for clients of its own, which nobody uses: a tenth of a second.
        loaded = {"verify": trusted()}
        options = HttpOptions(
            base_url=self.base_url,
            api_version="v1beta",
            httpx_client=bridged(self.http),
            client_args=loaded,
            async_client_args={**loaded, "ssl": trusted()},
        )
        # Without a key, the SDK would take one from the environment. By default it does not retry.
        return Sdk(api_key=self._key.get_secret_value() or "none", vertexai=False, http_options=options)

    def models(self) -> list[str]:
        """List the names of the models that answer questions."""
        with self._reading():
            found = [one for one in self._sdk.models.list() if _CHATS in (one.supported_actions or [])]
            return sorted(str(one.name).removeprefix("models/") for one in found)

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str = "",
        parameters: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        on_text: OnText | None = None,
    ) -> Json:
        """Ask the model once; takes and returns what `OpenAIClient.chat` does."""
        system, turns = contents(messages)
        wish = config(system, allowed(parameters or {}, frozenset(), GEMINI), tools, None)
        return self._asked(model, messages, turns, wish, most_tokens([*messages, *tools]), on_text)

    def chat_json(
        self,
        messages: Sequence[Mapping[str, Any]],
        schema: Mapping[str, Any],
        *,
        model: str = "",
        parameters: Mapping[str, Any] | None = None,
        on_text: OnText | None = None,
    ) -> Json:
        """Ask the model for JSON of this schema; takes and returns what `chat` does, its `text` not yet validated.

        If the API refuses the schema (400), any JSON is requested, with the schema in the instructions.
        """
        name, bound = model or self.model, most_tokens([*messages, schema])
        given = allowed(parameters or {}, frozenset(), GEMINI)
        if name not in self._without_schemas:
            system, turns = contents(messages)
            try:
                return self._asked(name, messages, turns, config(system, given, (), schema), bound, on_text)
            except InvalidRequest as error:
                if not is_of_the_request(error):
                    raise
        worded = asked_in_words(messages, schema)
        system, turns = contents(worded)
        wish = {**config(system, given, (), None), "response_mime_type": "application/json"}
        answer = self._asked(name, worded, turns, wish, most_tokens(worded), on_text)
        self._without_schemas.add(name)
        return answer

    def embed(self, texts: Sequence[str], *, model: str = "", dimensions: int | None = None) -> Json:
        """Embed each text: {vectors, model, usage}, in the order of the texts; the API does not count the tokens.

        `dimensions` only for models that can shorten their vectors. Raises InvalidRequest for an empty text.
        """
        name = named(model or self.embedding_model, GEMINI)
        nothing = {"input_tokens": 0, "output_tokens": 0}
        vectors: list[list[float]] = []
        for batch in batches(texts, GEMINI):
            with permitted(ModelRequest(name, most_tokens(batch), 0, is_for_vectors=True)) as permit, self._reading():
                wish: Any = {"output_dimensionality": dimensions} if dimensions is not None else None
                embed: Any = self._sdk.models.embed_content
                # As one content each: gemini-embedding-2 takes a list of texts as parts of one content.
                given = [{"role": "user", "parts": [{"text": text}]} for text in batch]
                answer = embed(model=permit.model, contents=given, config=wish)
                permit.answered(permit.model, nothing)
                vectors += checked([one.values for one in answer.embeddings or []], len(batch), GEMINI)
                name = permit.model
        return {"vectors": vectors, "model": name, "usage": nothing}

    def _asked(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        turns: list[Json],
        wish: Json,
        bound: int,
        on_text: OnText | None = None,
    ) -> Json:
        """Send messages, converted to turns; `bound`: the most tokens that the model reads."""
        name = named(model or self.model, GEMINI)
        wanted = ModelRequest(name, bound, wish.get("max_output_tokens"))
        with permitted(wanted) as permit, self._reading(permit.model):
            asked: Any = {"model": permit.model, "contents": turns, "config": wish}
            if on_text is None:
                answers: Any = [self._sdk.models.generate_content(**asked)]
            else:
                answers = self._sdk.models.generate_content_stream(**asked)
            return counted(permit, plain_answer(answers, permit.model, on_text), messages, GEMINI)

    @contextlib.contextmanager
    def _reading(self, model: str = "") -> Iterator[None]:
        """Convert anything that the SDK or a malformed answer raises into an error of `clients.errors`.

        `model`: the one that is asked, whose name is looked up if the API does not know it.
        """
        require_sdk(GEMINI)
        from google.genai.errors import APIError

        try:
            yield
        except ServiceError:
            raise
        except APIError as error:
            refused = _refusal(error)
            if isinstance(refused, NotFound) and model:
                refused = unknown_model(refused, model, self.models)
            raise refused from None
        except (ValueError, LookupError, TypeError, AttributeError, httpx.HTTPError) as error:
            raise failures.of_broken_connection(GEMINI, error) from None


def _refusal(error: APIError) -> ServiceError:
    """Return the error for an answer with an error status, which may come in the middle of a stream."""
    said = failures.words_in(error.details) or str(error.message or "")
    headers = dict(getattr(error.response, "headers", {}))
    if not isinstance(error.code, int) or error.code < 300:
        return BadAnswer("Gemini sent an answer that does not match its API.", service=GEMINI.name)
    details, code = _details(error), str(error.status or "")
    if any(one.get("reason") == _NO_KEY for one in details):
        words = f"Gemini answered {error.code}: {said}"
        return AuthError(words, service=GEMINI.name, http_status=error.code, outcome="not_done")
    delay = next((str(one.get("retryDelay") or "") for one in details if one.get("@type") == _RETRY), "")
    if delay and "retry-after" not in headers:
        whole, _, fraction = delay.removesuffix("s").partition(".")
        headers["retry-after"] = str(int(whole) + bool(fraction.strip("0"))) if whole.isdecimal() else whole
    refused = failures.of_status(GEMINI, error.code, headers, said, kind=kind_of(error.code, code, said))
    return advised(explained(refused, code, said), _LESS_TEXT)


def _details(error: APIError) -> list[Json]:
    """Return what the API adds to an error (https://cloud.google.com/apis/design/errors#error_model)."""
    inner = error.details.get("error") if isinstance(error.details, dict) else None
    found = inner.get("details") if isinstance(inner, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
