"""How the demo model fills a JSON Schema: each field by its name and type, from the document only."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import re2

from demo.model.choice import asked_in, choose, concept_of, is_so, needs_answer
from demo.model.document import ITEM, Document, short, words_of
from demo.model.schema import Schema, empty, resolved, types_of, within
from demo.model.writing import draft, report, summary, telling

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
URL = re.compile(r"https?://[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]")
DATE = re.compile(r"\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b")
DATE_TIME = re.compile(DATE.pattern + r"T\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
NUMBER = re.compile(r"(?<![\w.,-])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w-])")
MONTHS = "January February March April May June July August September October November December".split()
WRITTEN_DATE = re.compile(rf"\b(\d{{1,2}})\.? ({'|'.join(MONTHS)}),? ((?:19|20)\d\d)\b")
LIMIT = re.compile(r"\b(?:at most|up to|no more than|max\.?) (\d{1,5}) (?:characters|letters)", re.IGNORECASE)
FORMATS = {"date": DATE, "date-time": DATE_TIME, "email": EMAIL, "uri": URL}

TITLE = {"title", "subject", "headline", "heading"}
SUMMARY = {"summary", "description", "details", "body", "text", "abstract", "digest", "markdown", "content", "note"}
REPLY = {"answer", "reply", "response", "draft"}
REASON = {"reason", "why", "evidence", "rationale", "explanation", "quote"}
AMOUNT = {"amount", "total", "price", "sum", "cost"}
MATCHES = (({"date", "deadline"}, DATE), ({"email", "emails"}, EMAIL), ({"url", "urls", "link", "links"}, URL))
MOST_CHARACTERS = 4000
MOST_ITEMS = 10
# A schema may contain itself: below DEEP only required fields are filled; below DEEPEST, or after this many fields,
# none are.
DEEP, DEEPEST = 4, 24
MOST_PLACES = 2000


@dataclass(frozen=True)
class Field:
    """One field to fill: its name, its schema with references resolved, and its depth."""

    name: str
    schema: Schema
    depth: int = 0

    @property
    def about(self) -> str:
        """Name and description."""
        return f"{self.name} {self.schema.get('description', '')} {self.schema.get('title', '')}"

    @property
    def words(self) -> set[str]:
        """The words of the name."""
        return set(words_of(self.name))


def fill(schema: Schema, document: Document) -> Any:
    """Return a value that fits `schema`, made only of the document's own words, figures and cues.

    Supports the keywords of OpenAI's structured outputs; a `pattern` is met only by a word in the document.
    """
    return Filler(schema, document).value("", schema)


class Filler:
    """Fills the fields of one schema from one document."""

    def __init__(self, root: Schema, document: Document) -> None:
        self.root = root
        self.document = document
        self.places = 0

    def value(self, name: str, schema: Any, depth: int = 0) -> Any:
        """Return the value of one field; None only if the schema allows null."""
        field = Field(name, resolved(schema, self.root), depth)
        if "const" in field.schema:
            return field.schema["const"]
        if "enum" in field.schema:
            return self._chosen(field)
        kinds = types_of(field.schema)
        self.places += 1
        is_too_much = field.depth > (DEEP if "null" in kinds else DEEPEST) or self.places > MOST_PLACES
        found = None if is_too_much else self._found(kinds[0], field)
        return empty(kinds[0], field.schema) if found is None and "null" not in kinds else found

    def _found(self, kind: str, field: Field) -> Any:
        """Return what the document has for the field, or None."""
        makers: dict[str, Callable[[Field], Any]] = {
            "object": self._object,
            "array": self._array,
            "boolean": lambda field: is_so(field.name, self.document),
            "integer": self._number,
            "number": self._number,
            "string": self._string,
        }
        return makers[kind](field) if kind in makers else None

    def _object(self, field: Field) -> dict[str, Any]:
        """Return all required properties, and optional ones with a value."""
        required = set(field.schema.get("required", ()))
        filled = {}
        for name, schema in field.schema.get("properties", {}).items():
            if name in required or field.depth < DEEP:
                found = self.value(name, schema, field.depth + 1)
                if name in required or found not in (None, "", [], {}):
                    filled[name] = found
        return filled

    def _array(self, field: Field) -> list[Any]:
        """Return several values: those of an enum with evidence, or lines as the name suggests."""
        depth, items = field.depth + 1, resolved(field.schema.get("items"), self.root)
        least = min(field.schema.get("minItems", 0), MOST_PLACES)
        if depth > DEEP:
            found: list[Any] = []
        elif {"enum", "const", "pattern"} & items.keys():
            found = [self.value(field.name, items, depth)]
        elif types_of(items)[0] == "string":
            found = [self._fitted(each, items) for each in self._lines(field)]
        else:
            parts = [Document(point, point) for point in self._points()]
            found = [Filler(self.root, part).value(field.name, items, depth) for part in parts]
        found += [self.value(field.name, items, depth) for _ in range(least - len(found))]
        return found[: max(least, field.schema.get("maxItems", MOST_ITEMS))]

    def _lines(self, field: Field) -> list[str]:
        """Return strings for a list: links, addresses, questions, list items, else the telling sentences."""
        if pattern := _pattern_for(field):
            return list(dict.fromkeys(pattern.findall(self.document.own_text)))
        if field.words & {"questions", "asks"}:
            return asked_in(self.document)
        if field.words & {"labels", "tags", "keywords", "attachments", "people", "names"}:
            return []
        return self._points() or telling(self.document, 3)

    def _points(self) -> list[str]:
        return [ITEM.sub("", item) for item in self.document.items]

    def _chosen(self, field: Field) -> Any:
        """Return one enum value; without cues null if allowed, else the least committal one."""
        values = field.schema["enum"]
        texts = [each for each in values if isinstance(each, str)]
        found = choose(texts, self.document, field.about) if texts else None
        if found is not None or None in values:
            return found
        return next((each for each in texts if concept_of(each) in {"quiet", "middle"}), values[0])

    def _number(self, field: Field) -> float | int | None:
        """Return a figure from the last line that names the field, or None."""
        lines = self._lines_naming(field.words) or self._lines_naming(AMOUNT if field.words & AMOUNT else set())
        # A total is below the figures it sums up.
        figures = [each for line in lines for each in NUMBER.findall(line)]
        return within(float(figures[-1].replace(",", "")), field.schema) if figures else None

    def _lines_naming(self, words: set[str]) -> list[str]:
        return [line for line in self.document.own_text.splitlines() if words & set(words_of(line))]

    def _said(self, field: Field) -> str:
        """Return the lines that name the field, then all of the document; dates in words are written as 2026-11-27."""
        lines = [*self._lines_naming(field.words), self.document.subject, self.document.own_text]
        return WRITTEN_DATE.sub(
            lambda date: f"{date[3]}-{MONTHS.index(date[2]) + 1:02}-{int(date[1]):02}", "\n".join(lines)
        )

    def _string(self, field: Field) -> str | None:
        """Return text for the field: by its pattern or format, else by its name."""
        if "pattern" in field.schema:
            return self._matching(field.schema["pattern"], self._said(field))
        if pattern := _pattern_for(field):
            found = pattern.search(self._said(field))
            return self._fitted(found.group(), field.schema) if found else None
        said = None if "format" in field.schema else self._by_name(field)
        return None if said is None else self._fitted(said, field.schema)

    def _matching(self, pattern: str, text: str) -> str | None:
        """Return the first word of a text that matches a pattern; None also if the pattern is not RE2 syntax."""
        try:
            fits = re2.compile(pattern)  # type: ignore[no-untyped-call]
        except re2.error:
            return None
        return next(
            (word for each in text.split() for word in (each, each.strip(".,;:!?()")) if fits.search(word)), None
        )

    def _fitted(self, text: str, schema: Schema) -> str:
        """Return the text within `maxLength`, else within the limit in the description ("in at most 80 characters")."""
        said = LIMIT.search(str(schema.get("description", "")))
        most = schema.get("maxLength", int(said.group(1)) if said else MOST_CHARACTERS)
        cut = text if len(text) <= most else short(text, most)
        return cut.ljust(schema.get("minLength", 0), "…")

    def _by_name(self, field: Field) -> str | None:
        document, words = self.document, field.words
        if words & TITLE:
            return document.title
        if words & REPLY:
            return draft(document, asked_in(document)) if needs_answer(document) else ""
        if words & SUMMARY:
            return report(document) if "markdown" in field.about.lower() else summary(document)
        if words & REASON:
            return next(iter(telling(document, 1)), None)
        # Otherwise, the sentence with most words of the field's name and description.
        wanted = {word for word in words_of(field.about) if len(word) > 3}
        scored = [(len(wanted & set(words_of(each))), each) for each in document.sentences]
        best = max(scored, key=lambda pair: pair[0], default=(0, ""))
        return best[1] if best[0] else None


def _pattern_for(field: Field) -> re.Pattern[str] | None:
    """Return the pattern for a date, an address or a link, if the field is for one."""
    if "format" in field.schema:
        return FORMATS.get(field.schema["format"])
    return next((pattern for words, pattern in MATCHES if field.words & words), None)
