"""Steps that ask a model server for what is no talk: vectors of texts, and which models there are."""

from __future__ import annotations

from pydantic import ConfigDict

from engine.prompts.talk import note
from engine.step import Call, Fields, JsonValue, Output, content, option
from engine.steps.llm import ModelStep


class EmbedFields(Fields):
    """What `llm.embed` takes."""

    model_config = ConfigDict(protected_namespaces=())

    texts: list[str] = content("Texts", min_length=1, max_length=10_000)
    model: str = option("Model", "", format="model")
    dimensions: int | None = option("Length of the vectors, for models that can shorten them", None, ge=1)


class EmbedOutput(Output):
    """One vector for each text, in their order."""

    vectors: list[list[float]]
    dimensions: int
    model: str


class Embed(ModelStep):
    """Turn texts into vectors: texts that mean much the same lie close together."""

    name = "llm.embed"
    title = "Turn texts into vectors"
    fields = EmbedFields
    output = EmbedOutput

    def call(self, call: Call) -> JsonValue:
        """Give {vectors, dimensions, model}; InvalidRequest where a text is empty."""
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
        """Give {models}."""
        return {"models": call.client.models()}
