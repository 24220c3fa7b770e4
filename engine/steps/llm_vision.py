"""The step that shows a model a picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from engine.compiler.schemacheck import is_usable
from engine.pictures import Picture, picture
from engine.prompts.model_answers import from_outside, schema_problem
from engine.prompts.talk import Talk
from engine.run_file import RunFile
from engine.step import Call, JsonValue, Output, content, instruction, option, outside
from engine.steps.llm import ModelFields, ModelStep


class VisionFields(ModelFields):
    """What `llm.vision` takes."""

    file: RunFile = content("Picture or PDF")
    page: int = option("Page, of a PDF", 1, ge=1)
    question: str = instruction("What to find out", "Describe what is to be seen.", widget="text", min_length=1)
    answer_schema: dict[str, Any] | None = instruction("JSON Schema of the answer", None, alias="schema")


class VisionOutput(Output):
    """What the model saw; `pages` is 0 for a picture. `data` is the answer where the step has a schema, else null."""

    text: str = outside("Text")
    data: Any = outside("Data")
    width: int
    height: int
    pages: int
    model: str


class Vision(ModelStep):
    """Show a model a picture or a page of a PDF, and ask about it."""

    name = "llm.vision"
    title = "Ask a model about a picture"
    streams = True
    fields = VisionFields
    output = VisionOutput

    def call(self, call: Call) -> JsonValue:
        """Give {text, data, width, height, pages, model}; InvalidRequest where the file gives no picture."""
        it: VisionFields = call.fields
        shown = picture(call.read(it.file), it.page)
        parts = [{"type": "text", "text": it.question}, _part(shown)]
        talk = Talk(call, [{"role": "user", "content": parts}], it.model, it.parameters())
        data = None if it.answer_schema is None else talk.fitting(it.answer_schema)
        text = str(talk.answer()["text"]) if it.answer_schema is None else ""
        facts = {"width": shown.width, "height": shown.height, "pages": shown.pages}
        return {"text": text, "data": data, **facts, "model": call.request["model"]}

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """With the step's `schema` as the type of `data`; its free texts are marked as text from outside."""
        whole: dict[str, Any] = super().output_schema(arguments, prompts)
        schema = arguments.get("schema")
        if isinstance(schema, dict) and is_usable(schema):
            whole["properties"]["data"] = from_outside(schema)
        return whole

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """A schema must be one."""
        schema = arguments.get("schema")
        wrong = schema_problem(schema) if isinstance(schema, dict) else ""
        return [("schema", wrong)] if wrong else []


def _part(shown: Picture) -> dict[str, Any]:
    """A picture as the API takes it: inside the message, so that no server fetches anything from anywhere."""
    encoded = base64.b64encode(shown.content).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{shown.media_type};base64,{encoded}"}}
