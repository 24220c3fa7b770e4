"""Steps that ask a language model: for words, or for JSON of a given shape."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict

from clients.errors import BadAnswer, InvalidRequest
from engine.compiler.schemacheck import is_usable
from engine.prompts.messages import Message, ToolCall, wire, wire_tool
from engine.prompts.model_answers import faults, from_outside, read_json, schema_problem
from engine.prompts.prices import add_usage
from engine.step import Call, Effect, Fields, JsonValue, Output, StepType, content, instruction, option, outside

_SERVICE = "openai"


class AskFields(Fields):
    """What every step that asks a model takes: a prompt with its variables, or the messages themselves."""

    model_config = ConfigDict(protected_namespaces=())

    prompt: str = instruction("Prompt", "", format="prompt")
    variables: dict[str, Any] = content("Variables of the prompt", {})
    messages: list[Message] = content("Messages", [])
    model: str = option("Model", "", format="model")
    temperature: float | None = option("Temperature", None, ge=0, le=2)
    max_tokens: int | None = option("Longest answer, in tokens", None, ge=1)


class ChatFields(AskFields):
    """What `llm.chat` takes."""

    tools: list[dict[str, Any]] = instruction("Tools that the model may ask for", [])


class ChatOutput(Output):
    """What the model said."""

    text: str = outside("Text")
    tool_calls: list[ToolCall]
    finish_reason: str
    model: str


class ExtractFields(AskFields):
    """What `llm.extract` takes."""

    answer_schema: dict[str, Any] | None = instruction("JSON Schema of the answer", None, alias="schema")


class Ask(StepType):
    """What the steps that ask a model share."""

    service = _SERVICE
    effect = Effect.READS
    timeout_seconds = 300.0

    @abstractmethod
    def call(self, call: Call) -> JsonValue:
        """Ask the model."""

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """A prompt or messages, one of them; variables belong to a prompt."""
        has_prompt, has_messages = bool(arguments.get("prompt")), bool(arguments.get("messages"))
        if has_prompt and has_messages:
            return [("messages", "Give a prompt or messages, not both.")]
        if not has_prompt and not has_messages:
            return [("prompt", "Give a prompt or messages: the model is asked nothing.")]
        if has_messages and arguments.get("variables"):
            return [("variables", "Variables belong to a prompt; messages are written with {{ }}.")]
        return []


class Chat(Ask):
    """Ask a model; it may ask for tools, which come back as data and are not run."""

    name = "llm.chat"
    title = "Ask a model"
    fields = ChatFields
    output = ChatOutput

    def call(self, call: Call) -> JsonValue:
        """Give {text, tool_calls, finish_reason, model}."""
        tools = [wire_tool(tool) for tool in call.fields.tools]
        messages = _messages(call)
        answer = call.client.chat(messages, model=_model(call), parameters=_parameters(call), tools=tools)
        _note(call, answer)
        return {key: value for key, value in answer.items() if key != "usage"}


class Extract(Ask):
    """Ask a model for JSON that fits a schema; what does not fit is sent back once with the reasons."""

    name = "llm.extract"
    title = "Extract data with a model"
    fields = ExtractFields

    def call(self, call: Call) -> JsonValue:
        """Give the object itself; BadAnswer where it does not fit the schema after one repair either."""
        schema = _schema(call)
        messages = _messages(call)
        answer = self._asked(call, messages, schema)
        value, wrong = _checked(answer, schema)
        if wrong:
            talk = [*messages, {"role": "assistant", "content": answer["text"]}, _repair(wrong)]
            value, wrong = _checked(self._asked(call, talk, schema), schema)
        if wrong:
            raise BadAnswer(
                f"The model's answer does not fit the schema: {'; '.join(wrong)}",
                service=_SERVICE,
                remedy="Make the prompt or the schema clearer, or use another model.",
                outcome="not_done",
            )
        return value

    def _asked(self, call: Call, messages: list[dict[str, Any]], schema: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = call.client.chat_json(
            messages, schema, model=_model(call), parameters=_parameters(call)
        )
        _note(call, answer)
        call.request["messages"] = messages
        return answer

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> dict[str, JsonValue]:
        """The step's `schema`, else the prompt's; its free texts are marked as text from outside."""
        schema = arguments.get("schema") or _prompt(arguments, prompts).get("output_schema") or {}
        marked: dict[str, JsonValue] = from_outside(schema) if is_usable(schema) else {}
        return marked

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """A schema must be there, and be one."""
        found = super().problems(arguments, prompts)
        schema = arguments.get("schema")
        if isinstance(schema, dict):
            wrong = schema_problem(schema)
            return [*found, ("schema", wrong)] if wrong else found
        reference = str(arguments.get("prompt") or "")
        is_known = not reference or reference in prompts  # an unknown prompt is told elsewhere
        if not schema and is_known and not _prompt(arguments, prompts).get("output_schema"):
            return [
                *found,
                ("schema", "Give a schema: neither the step nor its prompt says what the answer looks like."),
            ]
        return found


def _prompt(arguments: Mapping[str, Any], prompts: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = prompts.get(str(arguments.get("prompt") or "")) or {}
    return found


def _messages(call: Call) -> list[dict[str, Any]]:
    """Give the messages to send, and leave them for people to see."""
    if not call.fields.prompt:
        messages = [wire(message) for message in call.fields.messages]
    else:
        assert call.render is not None
        messages = [dict(each) for each in call.render(call.prompts[call.fields.prompt], call.fields.variables)]
    call.request["messages"] = messages
    call.request["model"] = _model(call)
    return messages


def _model(call: Call) -> str:
    """The step's model, else the prompt's, else the connection's."""
    own = call.fields.model or _own_prompt(call).get("model")
    return str(own or call.client.model)


def _parameters(call: Call) -> dict[str, Any]:
    own = {"temperature": call.fields.temperature, "max_tokens": call.fields.max_tokens}
    given = {name: value for name, value in own.items() if value is not None}
    return {**(_own_prompt(call).get("parameters") or {}), **given}


def _own_prompt(call: Call) -> Mapping[str, Any]:
    return _prompt({"prompt": call.fields.prompt}, call.prompts)


def _note(call: Call, answer: Mapping[str, Any]) -> None:
    call.request["model"] = answer["model"]
    add_usage(call.usage, answer["model"], call.client.base_url, answer["usage"])


def _schema(call: Call) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = call.fields.answer_schema or _own_prompt(call).get("output_schema") or {}
    problem = schema_problem(schema) if schema else "There is no schema, on the step or in its prompt."
    if problem:
        raise InvalidRequest(problem, service=_SERVICE)
    return schema


def _checked(answer: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[JsonValue, list[str]]:
    """Give the value, and in words what is wrong with it."""
    if answer["finish_reason"] == "length":
        return None, ["the answer is cut off: it is longer than `max_tokens` or than the model writes"]
    try:
        value = read_json(answer["text"])
    except ValueError as error:
        return None, [str(error)]
    return value, faults(value, schema)


def _repair(wrong: list[str]) -> dict[str, Any]:
    reasons = "\n".join(f"- {reason}" for reason in wrong)
    return {
        "role": "user",
        "content": f"That does not fit:\n{reasons}\nAnswer again, with the whole corrected JSON and nothing else.",
    }
