"""Model steps other than chat: embed texts, and list the models of a server."""

from __future__ import annotations

from pydantic import ConfigDict

from engine.plugins.step import Call, Fields, JsonValue, Output, content, destination, option
from engine.prompts.talk import note
from engine.steps.llm.extract import ModelStep


class EmbedFields(Fields):
    """The fields of `llm.embed`."""

    model_config = ConfigDict(protected_namespaces=())

    texts: list[str] = content("Texts", min_length=1, max_length=10_000)
    model: str = destination("Model", "", format="model")
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

    def call(self, call: Call) -> JsonValue:
        """Return {vectors, dimensions, model}. Raises InvalidRequest if a text is empty."""
        it = call.fields
        answer = call.client.embed(it.texts, model=it.model, dimensions=it.dimensions)
        note(call, answer["model"], answer["usage"])
        return {"vectors": answer["vectors"], "dimensions": len(answer["vectors"][0]), "model": answer["model"]}


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
