"""Model steps other than chat: embed texts, and list the models of a server."""

from __future__ import annotations

from collections.abc import Mapping

from engine.plugins.step import Call, Fields, JsonValue, Output, Prompts, content, option
from engine.prompts.talk import asked_model, note
from engine.steps.llm.extract import AskingFields, ModelStep


class EmbedFields(AskingFields):
    """The fields of `llm.embed`."""

    texts: list[str] = content("Texts", min_length=1, max_length=10_000)
    dimensions: int | None = option("Length of the vectors, for models that can shorten them", None, ge=1)


class EmbedOutput(Output):
    """One vector per text, in the same order."""

    vectors: list[list[float]]
    dimensions: int
    model: str


class Embed(ModelStep):
    """Turn texts into vectors; texts with similar meanings get similar vectors."""

    name = "llm.embed"
    title = "Turn texts into vectors"
    fields = EmbedFields
    output = EmbedOutput
    embeds = True

    def call(self, call: Call) -> JsonValue:
        """Return {vectors, dimensions, model}. Raises InvalidRequest if a text is empty."""
        it = call.fields
        answer = call.client.embed(it.texts, model=asked_model(call, it.model), dimensions=it.dimensions)
        note(call, answer["model"], answer["usage"])
        return {"vectors": answer["vectors"], "dimensions": len(answer["vectors"][0]), "model": answer["model"]}

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require one model: vectors of two cannot be compared."""
        others = arguments.get("fallback")
        models = [one.get("model") for one in others if isinstance(one, dict)] if isinstance(others, list) else []
        if any(one != (arguments.get("model") or None) for one in models):
            words = "Vectors of two models cannot be compared: name one `model` in the step and in each entry here."
            return [("fallback", words)]
        return []


class ListModelsOutput(Output):
    """The names of the models, sorted."""

    models: list[str]


class ListModels(ModelStep):
    """List the models that a server offers."""

    name = "llm.list_models"
    title = "List models"
    fields = Fields
    output = ListModelsOutput

    def call(self, call: Call) -> JsonValue:
        """Return {models}."""
        return {"models": call.client.models()}
