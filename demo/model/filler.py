"""How the demo model fills a JSON Schema: each place by its name and type, out of the document alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demo.model import choice as model_choice
from demo.model.figures import DATE_TIME, NUMBER, first_date, number_of
from demo.model.reply import asked_in, draft
from demo.model.schema import MAX_DEPTH, Schema, empty, resolved, types_of, within
from demo.model.summary import BULLET, report, summary, telling
from demo.model.text import Document, short

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
URL = re.compile(r"https?://[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]")
LIMIT = re.compile(r"\b(?:at most|up to|no more than|max\.?) (\d{1,5}) (?:characters|letters)", re.IGNORECASE)

TITLE = {"title", "subject", "headline", "heading"}
SUMMARY = {"summary", "description", "details", "body", "text", "abstract", "digest", "markdown", "content", "note"}
REPLY = {"answer", "reply", "response", "draft"}
REASON = {"reason", "why", "evidence", "rationale", "because", "explanation", "quote"}
AMOUNT = {"amount", "total", "price", "sum", "cost", "due"}


@dataclass(frozen=True)
class Field:
    """One place to fill: its name, its schema, and how deep it lies."""

    name: str
    schema: Schema
    depth: int = 0

    @property
    def about(self) -> str:
        """Name and description, in one."""
        return f"{self.name} {self.schema.get('description', '')} {self.schema.get('title', '')}"

    @property
    def words(self) -> set[str]:
        """The words of the name."""
        return set(model_choice.words_of(self.name))


def fill(schema: Schema, document: Document) -> Any:
    """A value that fits `schema`, made of nothing but the document's own words, figures and evidence."""
    return Filler(schema, document).value(Field("", schema))


class Filler:
    """Fills the places of one schema out of one document."""

    def __init__(self, root: Schema, document: Document) -> None:
        self.root = root
        self.document = document

    def value(self, field: Field) -> Any:
        """The value of one place; None only where the schema allows null."""
        field = self.resolved(field)
        schema = field.schema
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.chosen(field)
        kinds = types_of(schema)
        fill_one = {
            "object": self.object,
            "array": self.array,
            "boolean": self.boolean,
            "integer": self.number,
            "number": self.number,
        }.get(kinds[0], self.string)
        found = fill_one(field)
        if found is None and "null" not in kinds:
            return empty(kinds[0], schema)
        return found

    def resolved(self, field: Field) -> Field:
        """The place with its schema's references followed."""
        return Field(field.name, resolved(field.schema, self.root), field.depth)

    def object(self, field: Field) -> dict[str, Any] | None:
        """Every property; an optional one only if there is something to say."""
        if field.depth > MAX_DEPTH:
            return None
        required = set(field.schema.get("required", ()))
        filled = {}
        for name, schema in field.schema.get("properties", {}).items():
            inner = self.resolved(Field(name, schema, field.depth + 1))
            found = self.value(inner)
            if name in required or found not in (None, "", []):
                filled[name] = found
        return self._agreed(filled, field.schema)

    def _agreed(self, filled: dict[str, Any], schema: Schema) -> dict[str, Any]:
        """An answer is drafted only where the same object does not say that none is needed."""
        words = {name: set(model_choice.words_of(name)) for name in filled}
        needs = [name for name in filled if {"needs", "answer"} <= words[name]]
        declined = any(filled[name] is False or str(filled[name]).casefold() in model_choice.NO for name in needs)
        replies = [name for name in filled if REPLY & words[name] and name not in needs]
        if declined:
            filled |= {name: "" for name in replies if isinstance(filled[name], str) and not _is_enum(schema, name)}
        return filled

    def array(self, field: Field) -> list[Any]:
        """Several values: those of an enum with evidence, or the lines that the name asks for."""
        schema = field.schema
        limit = min(int(schema.get("maxItems", 10)), 10)
        items = self.resolved(Field(field.name, schema.get("items") or {}, field.depth + 1))
        if field.depth > MAX_DEPTH:
            return []
        if {"enum", "const"} & items.schema.keys():
            found: list[Any] = [each for each in [self.value(items)] if each is not None]
        elif types_of(items.schema)[0] == "string":
            found = self.lines(field)
        else:
            found = [Filler(self.root, each).value(items) for each in self._entries()]
        missing = int(schema.get("minItems", 0)) - len(found)
        return (found + [self.value(items) for _ in range(missing)])[:limit]

    def _entries(self) -> list[Document]:
        lines = [match.group(1) for line in self.document.own_text.splitlines() if (match := BULLET.match(line))]
        return [Document(line, line) for line in lines]

    def lines(self, field: Field) -> list[str]:
        """Strings for a list: links, addresses, questions, listed points, else the telling sentences."""
        words, text = field.words, self.document.text
        if words & {"links", "urls", "link", "url"}:
            return list(dict.fromkeys(URL.findall(text)))
        if words & {"emails", "addresses", "recipients", "email"}:
            return list(dict.fromkeys(EMAIL.findall(text)))
        if words & {"questions", "asks"}:
            return asked_in(self.document)
        listed = [match.group(1) for line in self.document.own_text.splitlines() if (match := BULLET.match(line))]
        if words & {"labels", "tags", "keywords", "attachments", "people", "names"}:
            return []
        return listed or telling(self.document, 3)

    def chosen(self, field: Field) -> Any:
        """One value of an enum; without evidence null if allowed, else the first that commits to least."""
        values = list(field.schema["enum"])
        texts = [each for each in values if isinstance(each, str)]
        if not texts:
            return values[0]
        found = model_choice.choose(texts, self.document, field.about)
        if found is not None:
            return found
        if None in values:
            return None
        quiet = [each for each in texts if model_choice.concept_of(each) in {"quiet", "middle"}]
        return (quiet or texts)[0]

    def boolean(self, field: Field) -> bool | None:
        """Yes or no by the words of the field; None when the document does not say."""
        return model_choice.is_so(field.name, self.document)

    def number(self, field: Field) -> float | int | None:
        """A figure from the line that names the field, else None; `confidence` is the lead of the evidence."""
        if field.words & {"confidence", "certainty", "score", "probability"}:
            return within(model_choice.confidence(self.document), field.schema)
        found = self._figures(field)
        return within(found[0], field.schema) if found else None

    def _figures(self, field: Field) -> list[float]:
        words = field.words | (AMOUNT if field.words & AMOUNT else set())
        lines = [line for line in self.document.own_text.splitlines() if words & set(model_choice.words_of(line))]
        # Of several lines that name it, the last: a total stands below what it sums up.
        figures = [number_of(each) for line in reversed(lines) for each in reversed(NUMBER.findall(line))]
        return [int(each) if "integer" in types_of(field.schema) else each for each in figures if each is not None]

    def string(self, field: Field) -> str | None:
        """Text for the field, within its length."""
        found = self._by_format(field) if field.schema.get("format") else self._by_name(field)
        if found is None:
            return None
        limit = _limit(field.schema)
        return found if len(found) <= limit else short(found, limit)

    def _by_format(self, field: Field) -> str | None:
        text = f"{self.document.subject}\n{self.document.text}"
        kind = field.schema["format"]
        if kind == "date":
            return first_date(text)
        pattern = {"date-time": DATE_TIME, "email": EMAIL, "uri": URL, "url": URL}.get(kind)
        match = pattern.search(text) if pattern else None
        if match and kind == "date-time":
            return match.group().replace(" ", "T")
        return match.group() if match else None

    def _by_name(self, field: Field) -> str | None:
        speakers: tuple[tuple[set[str], Callable[[Document], str | None]], ...] = (
            (TITLE, lambda document: document.title),
            (REPLY, draft),
            (SUMMARY, report if "markdown" in field.about.lower() else summary),
            (REASON, lambda document: " ".join(telling(document, 1)) or None),
            ({"language"}, lambda document: document.language),
            ({"date", "deadline", "day"}, lambda document: first_date(f"{document.subject}\n{document.text}")),
            ({"email", "address"}, lambda document: _first(EMAIL, document)),
            ({"url", "link"}, lambda document: _first(URL, document)),
        )
        for words, speak in speakers:
            if field.words & words:
                return speak(self.document)
        return self._sentence_about(field)

    def _sentence_about(self, field: Field) -> str | None:
        """The sentence with most words of the field's name and description, or None."""
        wanted = {word for word in model_choice.words_of(field.about) if len(word) > 3}
        scored = [(len(wanted & set(model_choice.words_of(each))), each) for each in self.document.sentences]
        best = max(scored, key=lambda pair: pair[0], default=(0, ""))
        return best[1] if best[0] else None


def _first(pattern: re.Pattern[str], document: Document) -> str | None:
    match = pattern.search(document.text)
    return match.group() if match else None


def _limit(schema: Schema) -> int:
    """The most characters: `maxLength`, else what the description says ("in at most 80 characters")."""
    said = LIMIT.search(str(schema.get("description", "")))
    return int(schema.get("maxLength") or (said.group(1) if said else 4000))


def _is_enum(schema: Schema, name: str) -> bool:
    return "enum" in schema["properties"][name]
