"""Where the problems of a prompt are in the fields of its form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from dashboard.base import fields, session
from dashboard.base.code import EditorMark, Name, marks_of, message_of
from dashboard.editing.draft import FIELDS, EditorDraft, field_text
from dashboard.prompt.draft import JSON_FIELDS, has_form
from engine.base.errors import InvalidFile
from engine.base.problem import Problem
from engine.documents.json_file import JsonFile, JsonPart, object_in, parse
from engine.prompts.prompt import text_of


def variables_in(text: str) -> list[Name]:
    """Return the variables that a prompt declares, with their types."""
    declared = (object_in(text) or {}).get("variables")
    if not isinstance(declared, dict):
        return []
    types = {name: schema.get("type") if isinstance(schema, dict) else None for name, schema in declared.items()}
    return [Name(name, kind if isinstance(kind, str) else "") for name, kind in types.items()]


def mark_problems(draft: EditorDraft, text: str, problems: Sequence[Problem]) -> None:
    """Mark problems of the prompt's text in the fields that the page has drawn for it."""
    document = object_in(draft.seed)
    if draft.mode != FIELDS or document is None or not has_form(document):
        fields.mark(draft.slot("text"), marks_of(problems))
        return
    file = parse(text, "prompt")
    found: dict[str, list[EditorMark]] = defaultdict(list)
    for problem in problems:
        part = file.part_at(problem.line, problem.column)
        field, line, column = _in_field(draft, file, part)
        if field:
            found[field].append(EditorMark(line, column, problem.severity, message_of(problem)))
    for field, marks in found.items():
        fields.mark(draft.slot(field), marks)


def mark_unreadable(draft: EditorDraft, field: str) -> None:
    """Mark why the text of a field is not JSON."""
    try:
        parse(_typed(draft, field), field)
    except InvalidFile as error:
        fields.mark(draft.slot(field), marks_of(error.problems))


def _in_field(draft: EditorDraft, file: JsonFile, part: JsonPart) -> tuple[str, int, int]:
    """Return the field that shows a part of the prompt, with line and column there; "" if none does."""
    path = part.path
    if path[:1] == ("messages",) and path[2:3] == ("content",):
        content = file.value["messages"][path[1]]["content"]
        lines = text_of(content)[: part.offset].split("\n") if isinstance(content, str) else []
        line, column = (len(lines), len(lines[-1]) + 1) if lines else (_line_of(path), part.offset + 1)
        return f"message-{path[1]}", line, column
    if path[:1] and path[0] in JSON_FIELDS:
        shown = parse(_typed(draft, str(path[0])), "prompt")
        inner = path[1:]
        return str(path[0]), *(shown.key_place(inner) if part.is_key else shown.place(inner, part.offset))
    return "", 1, 1


def _line_of(path: tuple[str | int, ...]) -> int:
    return int(path[3]) + 1 if len(path) > 3 else 1


def _typed(draft: EditorDraft, field: str) -> str:
    before = field_text(object_in(draft.seed) or {}, field)
    return str(session.widget_value(draft.key(field), before))
