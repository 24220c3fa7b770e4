"""A prompt that is being edited: what was opened, what is typed, and the resulting text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dashboard.base import fields, session
from dashboard.parts.unsaved import prefix
from engine.base.errors import InvalidFile, InvalidInput
from engine.documents.json_file import parse, typed_value
from engine.prompts.prompt import text_of
from engine.prompts.prompt_files import PromptFile
from engine.prompts.protected import OF_THE_PROMPT
from engine.workspace.canonical import canonical
from engine.workspace.drafts import Draft as Unsaved

ROLES = ("system", "user", "assistant")
TEXT_FIELDS = ("title", "description", "model")
JSON_FIELDS = ("parameters", "variables", "output_schema", "samples")
FIELDS, JSON = "Fields", "JSON"


@dataclass(frozen=True)
class Draft:
    """The opened file (`base`, `etag`), and the text that the widgets of this `revision` began with."""

    name: str
    base: str
    etag: str
    seed: str
    revision: int = 0
    mode: str = FIELDS

    def key(self, field: str) -> str:
        """Return the key of a widget; each revision has its own, so that the widgets are reset."""
        return f"editor-prompt-{self.name}-{self.revision}-{field}"

    def slot(self, field: str) -> str:
        """Return the slot of a field."""
        return f"{prefix('prompt', self.name)}{field}"

    def kept(self, field: str) -> dict[str, Any]:
        """Return what `fields.text_area` needs to recognise a field after a reload."""
        return {"key": self.key(field), "slot": self.slot(field), "base": self.etag, "restored": self._restored}

    def _restored(self, etag: str) -> None:
        if etag and etag != self.etag:  # somebody else has saved since: a conflict
            _keep(replace(self, etag=etag))


@dataclass(frozen=True)
class Typed:
    """What the widgets hold: the text of the prompt, or why there is none (`field` is not JSON)."""

    text: str
    wrong_field: str = ""
    wrong: str = ""


def opened(file: PromptFile) -> Draft:
    """Return the current draft; a file changed elsewhere replaces a text that nobody has edited."""
    draft: Draft | None = session.draft(_slot(file.name), None)
    if draft is None or (draft.etag != file.etag and not is_changed(draft)):
        return begin(file)
    return draft


def begin(file: PromptFile, unsaved: Unsaved | None = None) -> Draft:
    """Start from the file, or from an unsaved text: a conflict, if the file has changed since."""
    before: Draft | None = session.draft(_slot(file.name), None)
    mode = before.mode if before is not None else FIELDS
    begun = unsaved or file
    return _keep(Draft(file.name, file.text, begun.etag, begun.text, _next(before), mode))


def reseed(draft: Draft, text: str, *, mode: str | None = None) -> None:
    """Reset the widgets to a text that is not saved.

    The field that is shown next may have a text which the server has not seen: typed just before a reload.
    """
    begin_of = prefix("prompt", draft.name)
    fields.forget(begin_of, but=f"{begin_of}text" if mode == JSON else "")
    _keep(replace(draft, seed=text, revision=_next(draft), mode=mode or draft.mode))


def relabelled(draft: Draft, file: PromptFile) -> None:
    """Keep what is typed after a label was moved: that is not an edit by somebody else."""
    document = document_of(typed(draft).text)
    seed = draft.seed if document is None else with_labels(document, file.document or {})
    _keep(replace(draft, base=file.text, etag=file.etag, seed=seed, revision=_next(draft)))


def with_labels(document: Mapping[str, Any], saved: Mapping[str, Any]) -> str:
    """Return a text with the labels of the saved file, their protection and their history."""
    rest = {key: value for key, value in document.items() if key not in (*OF_THE_PROMPT, "version", "fragments")}
    return canonical({**rest, **{key: saved[key] for key in OF_THE_PROMPT if key in saved}}, "prompt")


def is_changed(draft: Draft) -> bool:
    """Return whether there are unsaved changes."""
    now = typed(draft)
    return bool(now.wrong) or _meaning(now.text) != _meaning(draft.base)


def typed(draft: Draft) -> Typed:
    """Return what the widgets hold now, even those that are not on the screen."""
    document = document_of(draft.seed)
    if draft.mode == JSON or document is None or not has_form(document):
        return Typed(str(session.widget_value(draft.key("text"), draft.seed)))
    changed = dict(document)
    for name in TEXT_FIELDS:
        before = str(document.get(name) or "")
        _put(changed, name, before, str(session.widget_value(draft.key(name), before)))
    changed["messages"] = [_message(draft, number, one) for number, one in enumerate(document["messages"])]
    for name in JSON_FIELDS:
        before = field_text(document, name)
        text = str(session.widget_value(draft.key(name), before))
        try:
            _put(changed, name, before, text, typed_value(text, "This text") if text.strip() else None)
        except InvalidInput as error:
            return Typed(draft.seed, name, error.message)
    return Typed(canonical(changed, "prompt"))


def document_of(text: str) -> dict[str, Any] | None:
    """Return the JSON object in a text, or None if it is not one."""
    try:
        value = parse(text, "prompt").value
    except InvalidFile:
        return None
    return value if isinstance(value, dict) else None


def has_form(document: Mapping[str, Any]) -> bool:
    """Return whether a document can be edited in fields: its texts are texts, its messages are messages."""
    messages = document.get("messages")
    return (
        isinstance(messages, list)
        and all(_is_message(one) for one in messages)
        and all(isinstance(document.get(name) or "", str) for name in TEXT_FIELDS)
    )


def field_text(document: Mapping[str, Any], name: str) -> str:
    """Return a JSON field as text for its editor."""
    value = document.get(name)
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)


def with_message(text: str, role: str = "user") -> str:
    """Return the text with an empty message added."""
    return _with_messages(text, lambda messages: [*messages, {"role": role, "content": [""]}])


def without_message(text: str, number: int) -> str:
    """Return the text with one of its messages removed."""
    return _with_messages(text, lambda messages: [*messages[:number], *messages[number + 1 :]])


def _with_messages(text: str, change: Any) -> str:
    document = document_of(text)
    if document is None:
        return text
    return canonical({**document, "messages": change(document["messages"])}, "prompt")


def _is_message(one: Any) -> bool:
    if not isinstance(one, Mapping) or one.get("role") not in ROLES:
        return False
    content = one.get("content")
    return isinstance(content, str) or (isinstance(content, list) and all(isinstance(line, str) for line in content))


def _message(draft: Draft, number: int, before: Mapping[str, Any]) -> dict[str, Any]:
    role = session.widget_value(draft.key(f"role-{number}"), before["role"])
    text = str(session.widget_value(draft.key(f"message-{number}"), text_of(before["content"])))
    if text == text_of(before["content"]):
        return {**before, "role": role}
    return {**before, "role": role, "content": text.split("\n")}


def _put(document: dict[str, Any], name: str, before: str, text: str, value: Any = None) -> None:
    """Set a field whose text has changed; remove it if it is empty."""
    if text == before:
        return
    if text.strip():
        document[name] = text if value is None else value
    else:
        document.pop(name, None)


def _meaning(text: str) -> Any:
    document = document_of(text)
    return text if document is None else document


def _slot(name: str) -> str:
    return f"prompt.{name}"


def _next(draft: Draft | None) -> int:
    return draft.revision + 1 if draft is not None else 0


def _keep(draft: Draft) -> Draft:
    session.keep_draft(_slot(draft.name), draft)
    return draft
