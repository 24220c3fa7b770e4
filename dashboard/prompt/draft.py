"""A prompt that is being edited: its fields, and the text that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.base import session
from dashboard.base.messages import translated
from dashboard.editing.draft import (
    JSON,
    EditorDraft,
    TypedDraft,
    begin_draft,
    differs,
    field_text,
    known_draft,
    next_draft,
    put,
)
from engine.base.errors import InvalidInput
from engine.documents.json_file import object_in, typed_value
from engine.prompts.prompt import text_of
from engine.prompts.prompt_files import PromptFile
from engine.prompts.protected import OF_THE_PROMPT
from engine.workspace.canonical import canonical
from engine.workspace.drafts import Draft as Unsaved

ROLES = ("system", "user", "assistant")
TEXT_FIELDS = ("title", "description", "model")
JSON_FIELDS = ("parameters", "variables", "output_schema", "samples")


def opened(file: PromptFile) -> EditorDraft:
    """Return the current draft; a file changed elsewhere replaces a text that nobody has edited."""
    draft = known_draft("prompt", file.name)
    if draft is None or (draft.etag != file.etag and not is_changed(draft)):
        return begin(file)
    return draft


def begin(file: PromptFile, unsaved: Unsaved | None = None) -> EditorDraft:
    """Start from the file, or from an unsaved text: a conflict, if the file has changed since."""
    return begin_draft("prompt", file, unsaved)


def relabelled(draft: EditorDraft, file: PromptFile) -> None:
    """Keep what is typed after a label was moved: that is not an edit by somebody else."""
    document = object_in(typed(draft).text)
    seed = draft.seed if document is None else with_labels(document, file.document or {})
    next_draft(draft, base=file.text, etag=file.etag, seed=seed)


def with_labels(document: Mapping[str, Any], saved: Mapping[str, Any]) -> str:
    """Return a text with the labels of the saved file, their protection and their history."""
    rest = {key: value for key, value in document.items() if key not in (*OF_THE_PROMPT, "version", "fragments")}
    return canonical({**rest, **{key: saved[key] for key in OF_THE_PROMPT if key in saved}}, "prompt")


def is_changed(draft: EditorDraft) -> bool:
    """Return whether there are unsaved changes."""
    return differs(draft, typed(draft))


def typed(draft: EditorDraft) -> TypedDraft:
    """Return what the widgets hold now, even those that are not on the screen."""
    document = object_in(draft.seed)
    if draft.mode == JSON or document is None or not has_form(document):
        return TypedDraft(str(session.widget_value(draft.key("text"), draft.seed)))
    changed = dict(document)
    for name in TEXT_FIELDS:
        before = str(document.get(name) or "")
        put(changed, name, before, str(session.widget_value(draft.key(name), before)))
    changed["messages"] = [_message(draft, number, one) for number, one in enumerate(document["messages"])]
    for name in JSON_FIELDS:
        before = field_text(document, name)
        text = str(session.widget_value(draft.key(name), before))
        try:
            put(changed, name, before, text, typed_value(text, "This text") if text.strip() else None)
        except InvalidInput as error:
            return TypedDraft(draft.seed, name, translated(error.message))
    return TypedDraft(canonical(changed, "prompt"))


def has_form(document: Mapping[str, Any]) -> bool:
    """Return whether a document can be edited in fields: its texts are texts, its messages are messages."""
    messages = document.get("messages")
    return (
        isinstance(messages, list)
        and all(_is_message(one) for one in messages)
        and all(isinstance(document.get(name) or "", str) for name in TEXT_FIELDS)
    )


def with_message(text: str, role: str = "user") -> str:
    """Return the text with an empty message added."""
    return _with_messages(text, lambda messages: [*messages, {"role": role, "content": [""]}])


def without_message(text: str, number: int) -> str:
    """Return the text with one of its messages removed."""
    return _with_messages(text, lambda messages: [*messages[:number], *messages[number + 1 :]])


def _with_messages(text: str, change: Any) -> str:
    document = object_in(text)
    if document is None:
        return text
    return canonical({**document, "messages": change(document["messages"])}, "prompt")


def _is_message(one: Any) -> bool:
    if not isinstance(one, Mapping) or one.get("role") not in ROLES:
        return False
    content = one.get("content")
    return isinstance(content, str) or (isinstance(content, list) and all(isinstance(line, str) for line in content))


def _message(draft: EditorDraft, number: int, before: Mapping[str, Any]) -> dict[str, Any]:
    role = session.widget_value(draft.key(f"role-{number}"), before["role"])
    text = str(session.widget_value(draft.key(f"message-{number}"), text_of(before["content"])))
    if text == text_of(before["content"]):
        return {**before, "role": role}
    return {**before, "role": role, "content": text.split("\n")}
