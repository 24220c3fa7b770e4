"""The step that shows a picture to a model."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from engine.base.run_file import RunFile
from engine.documents.schema_check import is_usable
from engine.plugins.step import Call, JsonValue, Output, Prompts, content, instruction, option, outside
from engine.prompts.messages import WirePart
from engine.prompts.model_answers import from_outside, schema_problem
from engine.prompts.talk import CUT, ModelTalk
from engine.sandbox.pictures import Picture, picture
from engine.steps.llm.extract import ModelFields, ModelStep


class VisionFields(ModelFields):
    """The fields of `llm.vision`."""

    file: RunFile = content("Picture or PDF")
    page: int = option("Page of a PDF", 1, ge=1)
    question: str = instruction("What to find out", "Describe what is to be seen.", widget="text", min_length=1)
    answer_schema: dict[str, JsonValue] | None = instruction("JSON Schema of the answer", None, alias="schema")


class VisionOutput(Output):
    """The model's answer; `pages` is 0 for a picture. With a schema, `data` is the answer as JSON, else null. `is_cut`:
    the text reached the limit of tokens.
    """

    text: str = outside("Text")
    is_cut: bool
    data: Any = outside("Data")
    width: int
    height: int
    pages: int
    model: str


class Vision(ModelStep):
    """Show a picture or a page of a PDF to a model, and ask about it."""

    name = "llm.vision"
    title = "Ask a model about a picture"
    streams = True
    fields = VisionFields
    output = VisionOutput

    def call(self, call: Call) -> JsonValue:
        """Return {text, is_cut, data, width, height, pages, model}. Raises InvalidRequest: there is no picture."""
        it: VisionFields = call.fields
        shown = picture(call.read(it.file), it.page)
        parts: list[WirePart] = [{"type": "text", "text": it.question}, _part(shown)]
        talk = ModelTalk(call, [{"role": "user", "content": parts}], it.model, it.parameters())
        data = None if it.answer_schema is None else talk.fitting(it.answer_schema)
        answer = talk.answer() if it.answer_schema is None else None
        text, is_cut = (str(answer["text"]), answer["finish_reason"] == CUT) if answer else ("", False)
        if shown.pages > 1:
            call.notes.append(f"The model saw only page {it.page} of {shown.pages:,}.")
        facts = {"width": shown.width, "height": shown.height, "pages": shown.pages}
        return {"text": text, "is_cut": is_cut, "data": data, **facts, "model": call.request["model"]}

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return a schema with the step's `schema` as `data`; its free texts are marked as text from outside."""
        whole: dict[str, JsonValue] = super().output_schema(arguments, prompts)
        schema = arguments.get("schema")
        if isinstance(schema, dict) and is_usable(schema):
            whole["properties"]["data"] = from_outside(schema)
        return whole

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a valid schema."""
        schema = arguments.get("schema")
        wrong = schema_problem(schema) if isinstance(schema, dict) else ""
        return [("schema", wrong)] if wrong else []


def _part(shown: Picture) -> WirePart:
    """Return a picture as the API takes it: inside the message, so that the server need not fetch anything."""
    encoded = base64.b64encode(shown.content).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{shown.media_type};base64,{encoded}"}}
