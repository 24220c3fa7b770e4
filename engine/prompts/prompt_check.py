"""The problems of a prompt file: its form, schemas, labels, expressions and samples."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from clients.wording import did_you_mean
from engine.base.definitions import PromptDefinition
from engine.base.errors import ExpressionError, InvalidFile, InvalidInput
from engine.base.problem import Problem
from engine.documents.json_file import JsonFile, JsonPath
from engine.documents.schema_check import schema_faults
from engine.expressions.cel_types import Schema
from engine.expressions.templates import parts
from engine.prompts.answer_checks import chosen_fields
from engine.prompts.fragments import Expander, FragmentReference, Lookup, misuse, reference_in
from engine.prompts.prompt import PromptModel, filled, form_problems, prompt_problem, question_number, text_of
from engine.prompts.tags import tag_faults
from engine.prompts.variable_check import VariableChecker
from engine.workspace.version_labels import POINTER

_Known = Callable[[Mapping[str, Schema]], Mapping[str, Schema]]
"""Returns the schemas to check expressions against, from the variables that a prompt declares."""


def problems_of(file: JsonFile, versions: Collection[int], fragments: Lookup | None = None) -> list[Problem]:
    """Return all problems of a prompt file, by place; `versions` are the numbers saved so far.

    `fragments` returns the texts of fragments; without it, the text may not use fragments.
    """
    return _problems(file, versions, dict, fragments)


def undeclared(file: JsonFile, fragments: Lookup) -> list[str]:
    """Return the variables that the messages and their fragments use and the prompt does not declare, in order."""
    value: Any = file.value
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return []
    found: dict[str, None] = {}
    checker = VariableChecker.of(value["variables"] if _are_schemas(value.get("variables")) else {})
    for message in value["messages"]:
        if _has_text(message):
            errors = _expression_errors(text_of(message["content"]), checker, set(), Expander(fragments))
            found |= {one.details["name"]: None for one in errors if one.details.get("unknown") == "name"}
    return list(found)


def require_declarable(file: JsonFile) -> None:
    """Raise InvalidFile for `messages` or `variables` of another form: then nobody knows what is undeclared."""
    try:
        PromptModel.model_validate(file.value)
    except ValidationError as error:
        found = form_problems(file, error)
        wrong = [one for one in found if str(one.field or "").partition(".")[0] in ("messages", "variables")]
        if wrong:
            raise InvalidFile.of(file.file, wrong) from error


def _are_schemas(variables: Any) -> bool:
    return isinstance(variables, dict) and all(isinstance(one, dict) for one in variables.values())


def version_errors(file: JsonFile) -> list[Problem]:
    """Return the errors that make a saved version unusable.

    Fields and types of variables are not checked: a version never changes, and the release that saved it may have
    checked less. If a field is missing, the step fails.
    """
    return [one for one in _problems(file, (), _as_anything) if one.severity == "error"]


def _as_anything(variables: Mapping[str, Schema]) -> Mapping[str, Schema]:
    return {name: {} for name in variables}


def _problems(
    file: JsonFile, versions: Collection[int], known: _Known, fragments: Lookup | None = None
) -> list[Problem]:
    value: Any = file.value
    if not isinstance(value, dict):
        return [prompt_problem(file, (), "A prompt file holds one JSON object.", "form")]
    try:
        PromptModel.model_validate(file.value)
    except ValidationError as error:
        found = form_problems(file, error)
        readable = _readable(file.value, found)
        return _sorted([*found, *_content_problems(file, readable, set(), known, fragments)])
    document: PromptDefinition = file.value
    used: set[str] = set()
    schemas = list(_schema_problems(file, document))
    found = [
        *schemas,
        *_sureness_problems(file, document),
        *_tag_problems(file, document),
        *_label_problems(file, document.get("labels", {}), versions),
        *_protection_problems(file, document),
        *_example_problems(file, document),
        *_content_problems(file, document, used, known, fragments),
        *([] if schemas else _sample_problems(file, document)),
    ]
    for name in document.get("variables", {}):
        if name not in used:
            said = f"The variable {name!r} is declared and never used."
            path = ("variables", name)
            found.append(prompt_problem(file, path, said, "unused_variable", severity="warning", at_key=True))
    return _sorted(found)


def _example_problems(file: JsonFile, document: PromptDefinition) -> Iterator[Problem]:
    if document.get("examples") is None:
        return
    if question_number(document) == len(document["messages"]):
        said = "Examples go before the last user message, and this prompt has none."
        yield prompt_problem(file, ("examples",), said, "examples", "Add a message with the role user.")
    if document.get("output_schema") is None:
        said = "Without an 'output_schema', a step gets examples only if it has a schema of its own."
        remedy = "Add an 'output_schema', or remove 'examples'."
        yield prompt_problem(file, ("examples",), said, "examples", remedy, severity="warning")


def _schema_problems(file: JsonFile, document: PromptDefinition) -> Iterator[Problem]:
    schemas: list[tuple[JsonPath, Any]] = [
        (("variables", name), schema) for name, schema in document.get("variables", {}).items()
    ]
    output = document.get("output_schema")
    if output is not None:
        schemas.append((("output_schema",), output))
        if output.get("type") != "object":
            said = "The output of a model is an object, so that workflows can name its fields."
            yield prompt_problem(file, ("output_schema",), said, "schema", 'Set "type": "object" and its "properties".')
    for path, schema in schemas:
        for inside, message in schema_faults(schema):
            remedy = 'Write a JSON Schema, such as {"type": "string"}.'
            yield prompt_problem(file, (*path, *inside), message, "schema", remedy)


def _sureness_problems(file: JsonFile, document: PromptDefinition) -> Iterator[Problem]:
    if document.get("sure_at_least") is not None and not chosen_fields(document.get("output_schema")):
        said = "No field of the answer has fixed choices, so the model cannot be asked how sure it is of them."
        remedy = "Add a field with an 'enum' of 2 to 20 choices to 'output_schema', or remove 'sure_at_least'."
        yield prompt_problem(file, ("sure_at_least",), said, "no_choices", remedy)


def _tag_problems(file: JsonFile, document: PromptDefinition) -> Iterator[Problem]:
    for number, said, remedy in tag_faults(document.get("tags", [])):
        yield prompt_problem(file, ("tags", number), said, "tag", remedy)


def _label_problems(file: JsonFile, labels: Mapping[str, int], versions: Collection[int]) -> Iterator[Problem]:
    for label, version in labels.items():
        if version not in versions:
            known = ", ".join(map(str, sorted(versions))) or "none yet"
            said = f"The label {label!r} names version {version}, which does not exist."
            yield prompt_problem(file, ("labels", label), said, "missing_version", f"Versions: {known}.")
        if not POINTER.match(label):
            said = f"{label!r} cannot be a label."
            remedy = "Use lower-case letters, digits, '-' and '_', a letter first."
            yield prompt_problem(file, ("labels", label), said, "label", remedy, at_key=True)


def _protection_problems(file: JsonFile, document: PromptDefinition) -> Iterator[Problem]:
    labels = document.get("labels", {})
    for number, label in enumerate(document.get("protected", [])):
        if label not in labels:
            said = f"The label {label!r} is protected and does not exist."
            remedy = did_you_mean(label, sorted(labels)) or "Set the label first."
            yield prompt_problem(file, ("protected", number), said, "missing_label", remedy, severity="warning")


def _readable(document: Mapping[str, Any], problems: Sequence[Problem]) -> PromptDefinition:
    """Return the parts of an invalid prompt whose expressions can be checked.

    Return {} if the form of the variables is wrong, or they may be under a misspelt key.
    """
    about_variables = any(f"{one.field}.".startswith("variables.") for one in problems)
    if about_variables or ("variables" not in document and any(one.code == "unknown_key" for one in problems)):
        return {}
    messages = document.get("messages")
    read = [one if _has_text(one) else {} for one in (messages if isinstance(messages, list) else [])]
    return {"variables": document.get("variables", {}), "messages": read}


def _has_text(message: Any) -> bool:
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, str) or (isinstance(content, list) and all(isinstance(one, str) for one in content))


def _content_problems(
    file: JsonFile, document: PromptDefinition, used: set[str], known: _Known, fragments: Lookup | None
) -> Iterator[Problem]:
    """Check every expression of every message; add the variables they use to `used`."""
    declared = document.get("variables", {})
    checker = VariableChecker.of(known(declared))
    expander = Expander(fragments) if fragments is not None else None
    for number, message in enumerate(document.get("messages", [])):
        path: JsonPath = ("messages", number, "content")
        if not message:
            continue  # it cannot be read
        if not text_of(message["content"]).strip():
            yield prompt_problem(file, path, "The message is empty.", "empty_message")
        for error in _expression_errors(text_of(message["content"]), checker, used, expander):
            yield _expression_problem(file, path, message["content"], error, frozenset(declared))


def _expression_errors(
    text: str, checker: VariableChecker, used: set[str], expander: Expander | None
) -> Iterator[ExpressionError]:
    """Yield what is wrong with the expressions of a text, and of its fragments; None: it may have none."""
    try:
        found = parts(text)
    except ExpressionError as error:
        used |= checker.names  # what follows the mistake is unknown
        yield error
        return
    for part in found:
        if not part.is_expression:
            continue
        reference = reference_in(part) if expander is not None else None
        if expander is not None and reference is not None:
            yield from _fragment_errors(reference, checker, used, expander)
            continue
        wrong_reference = misuse(part) if expander is not None else None
        if wrong_reference is not None:
            used |= checker.names
            yield wrong_reference
            continue
        named, errors = checker.check(part.text)
        used |= named
        for wrong in errors:
            wrong.details["offset"] = part.offset + wrong.details.get("offset", 0)
            yield wrong


def _fragment_errors(
    reference: FragmentReference, checker: VariableChecker, used: set[str], expander: Expander
) -> Iterator[ExpressionError]:
    """Yield what is wrong with the text of a fragment, at the place of its reference."""
    try:
        text = expander.fragment(reference)
    except ExpressionError as error:
        used |= checker.names  # what it would have named is unknown
        yield error
        return
    for wrong in _expression_errors(text, checker, used, None):
        details = {**wrong.details, "offset": reference.name_at, "fragment": reference.name}
        yield ExpressionError(wrong.message, remedy=wrong.remedy, **details)


def _expression_problem(
    file: JsonFile, path: JsonPath, content: str | list[str], error: ExpressionError, declared: frozenset[str]
) -> Problem:
    offset = int(error.details.get("offset", 0))
    if isinstance(content, list):
        number = 0
        while number < len(content) - 1 and offset > len(content[number]):
            offset -= len(content[number]) + 1
            number += 1
        path = (*path, number)
    fragment = error.details.get("fragment")
    if error.details.get("unknown") == "name":
        name = error.details["name"]
        remedy = f"{did_you_mean(name, sorted(declared))} Or declare it under 'variables'.".strip()
        where = f" in the fragment {fragment!r}" if fragment else ""
        said = f"The variable {name!r} is used{where} and not declared."
        return prompt_problem(file, path, said, "undeclared_variable", remedy, offset=offset)
    said = f"In the fragment {fragment!r}: {error.message}" if fragment else error.message
    return prompt_problem(file, path, said, "expression", error.remedy, offset=offset)


def _sample_problems(file: JsonFile, document: PromptDefinition) -> Iterator[Problem]:
    declared = document.get("variables", {})
    for number, sample in enumerate(document.get("samples", [])):
        try:
            filled(declared, sample.get("variables", {}))
        except InvalidInput as error:
            path: JsonPath = ("samples", number, "variables")
            said = f"The sample {sample['name']!r} cannot be used: {error.message}"
            yield prompt_problem(file, path, said, "sample", error.remedy, severity="warning")


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda one: (one.line, one.column, one.message))
