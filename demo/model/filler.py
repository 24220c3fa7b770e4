"""How the demo model fills a JSON Schema: each field by its name and type, from the document only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations, count
from typing import Any

import jsonschema
import re2

from demo.model.concepts import asked_in, choose, is_so
from demo.model.document import PromptDocument, short, words_of
from demo.model.writing import draft, is_drafted, report, summary, telling

Schema = Mapping[str, Any]
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
URL = re.compile(r"https?://[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]")
DATE = re.compile(r"\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b")
DATE_TIME = re.compile(DATE.pattern + r"T\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
# Fifteen digits: more lose precision as a float.
NUMBER = re.compile(r"(?<![\w.,-])-?\d{1,15}(?:,\d{3}){0,5}(?:\.\d+)?(?![\w-])")
NEVER = re.compile(r"(?!)")
FROM = re.compile(r"^From: \"?([^<\n\"]+?)\"? *(?:<|$)", re.MULTILINE)
MONTHS = "January February March April May June July August September October November December".split()
WRITTEN_DATE = re.compile(rf"\b(\d{{1,2}})\.? ({'|'.join(MONTHS)}),? ((?:19|20)\d\d)\b")

# By words of a field's name: what its text looks like, or how it is made of the document.
FORMATS = {"date": DATE, "date-time": DATE_TIME, "email": EMAIL, "uri": URL}
PATTERNS = {"date deadline": DATE, "email emails": EMAIL, "url urls link links": URL}
TEXTS: Mapping[str, Callable[[PromptDocument], str]] = {
    "title subject headline heading": lambda document: document.title,
    "answer reply response draft": lambda document: draft(document) if is_drafted(document) else "",
    "summary description details body text abstract digest markdown content note": summary,
    "vendor supplier seller sender issuer": lambda document: _sender(document.instructions),
    "reason why evidence rationale explanation quote": lambda document: " ".join(telling(document, 1)),
}
ASKED = {"questions", "asks"}
NOT_IN_SENTENCES = {"labels", "tags", "keywords", "attachments", "people", "names"}
AMOUNT = {"amount", "total", "price", "sum", "cost"}
LIMIT = re.compile(r"\b(?:at most|up to|no more than|max\.?) (\d{1,5}) (?:characters|letters)", re.IGNORECASE)
MOST_CHARACTERS, MOST_ITEMS, MOST_REFERENCES, MOST_PARTS = 4000, 10, 8, 64
COUNTS = {"minItems", "maxItems", "minLength", "maxLength"}
BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
PLAIN = {*COUNTS, *BOUNDS, "type", "multipleOf", "uniqueItems", "required"}
# A schema may contain itself: below DEEP only required fields are filled; below DEEPEST or after MOST_PLACES, none are.
DEEP, DEEPEST, MOST_PLACES = 4, 24, 2000


def fill(schema: Schema, document: PromptDocument) -> Any:
    """Return a value that fits `schema`, made only of the document's own words, figures and cues.

    Supports the keywords of OpenAI's structured outputs; a `pattern` is met only by a word in the document.
    """
    return Filler(schema, document).value("", schema)


@dataclass
class Filler:
    """Fills the fields of one schema from one document. Fillers of list items share the counter and the memo."""

    root: Schema
    document: PromptDocument
    places: Iterator[int] = field(default_factory=count)
    made: dict[Any, Any] = field(default_factory=dict)

    def value(self, name: str, schema: Any, depth: int = 0, *, is_required: bool = True) -> Any:
        """Return the value of one field; None if the schema allows null, or for an optional field without a value."""
        schema = _resolved(schema, self.root)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._once(self._chosen, name, schema)
        kinds = _types_of(schema)
        is_too_much = next(self.places) >= MOST_PLACES or depth > (DEEP if "null" in kinds else DEEPEST)
        makers: dict[str, Callable[[], Any]] = {
            "object": lambda: self._object(schema, depth),
            "array": lambda: self._array(name, schema, depth + 1),
            "boolean": lambda: is_so(name, self.document),
            "string": lambda: self._once(self._text, name, schema),
            "null": lambda: None,
        }
        found = None if is_too_much else makers.get(kinds[0], lambda: self._once(self._number, name, schema))()
        return _empty(kinds[0], schema) if found is None and is_required and "null" not in kinds else found

    def _once(self, make: Callable[[str, Schema], Any], name: str, schema: Schema) -> Any:
        key = (make.__name__, self.document, name, repr(schema))
        if key not in self.made:
            self.made[key] = make(name, schema)
        return self.made[key]

    def _chosen(self, name: str, schema: Schema) -> Any:
        """Return one of an enum's values that the other keywords allow."""
        allowed = [each for each in schema["enum"] if _fits(each, schema)] or schema["enum"] or [None]
        return choose(allowed, self.document, f"{name} {schema.get('description', '')}")

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        """Return all required properties, and optional ones with a value."""
        required, properties = schema.get("required", ()), schema.get("properties", {}).items()
        wanted = [(name, each) for name, each in properties if name in required or depth < DEEP]
        filled = {name: self.value(name, each, depth + 1, is_required=name in required) for name, each in wanted}
        return {name: found for name, found in filled.items() if name in required or found not in (None, "", [], {})}

    def _array(self, name: str, schema: Schema, depth: int) -> list[Any]:
        """Return several values: values of an enum with evidence, or lines as the name suggests."""
        items = _resolved(schema.get("items"), self.root)
        least = min(schema.get("minItems", 0), MOST_PLACES)
        most = max(least, schema.get("maxItems", MOST_ITEMS))
        if depth > DEEP:
            found: list[Any] = []
        elif {"enum", "const"} & items.keys():
            found = [self.value(name, items, depth)]
        elif _types_of(items)[0] == "string":
            found = [_fitted(each, items) for each in self._once(self._lines, name, items)]
        else:
            parts = [PromptDocument(point, point) for point in self.document.points[:most]]
            found = [replace(self, document=part).value(name, items, depth) for part in parts]
        if schema.get("uniqueItems"):
            found = [each for index, each in enumerate(found) if each not in found[:index]]
        while len(found) < least and next(self.places) < MOST_PLACES:
            found.append(self.value(name, items, depth))
        return found[:most]

    def _lines(self, name: str, items: Schema) -> list[str]:
        """Return strings for a list: words that fit a pattern, list items, or the telling sentences."""
        if pattern := _pattern_of(name, items):
            return list(dict.fromkeys(_matches(pattern, self.document.own_text)))
        if ASKED & {*words_of(name)}:
            return asked_in(self.document)
        return [] if NOT_IN_SENTENCES & {*words_of(name)} else self.document.points or telling(self.document, 3)

    def _number(self, name: str, schema: Schema) -> float | int | None:
        """Return the last figure from the last line that names the field; None if it is not allowed."""
        words = {*words_of(name)}
        lines = self._lines_naming(words) or self._lines_naming(AMOUNT if words & AMOUNT else set())
        # A total is below the figures it sums up.
        figures = [float(each.replace(",", "")) for line in lines for each in NUMBER.findall(line)]
        found = [round(each) if "integer" in _types_of(schema) else each for each in figures][-1:]
        return found[0] if found and _fits(found[0], schema) else None

    def _lines_naming(self, words: set[str]) -> list[str]:
        return [line for line in self.document.own_text.splitlines() if words & set(words_of(line))]

    def _text(self, name: str, schema: Schema) -> str | None:
        """Return text for the field: by its pattern or format, by its name, or the sentence nearest to it."""
        if pattern := _pattern_of(name, schema):
            lines = [*self._lines_naming({*words_of(name)}), self.document.subject, self.document.own_text]
            return next((_fitted(each, schema) for each in _matches(pattern, "\n".join(lines))), None)
        about = f"{name} {schema.get('description', '')}"
        if make := _named(TEXTS, name):
            make = report if make is summary and "markdown" in about.lower() else make
            return _fitted(make(self.document), schema) or None
        wanted = {word for word in words_of(about) if len(word) > 3}
        nearest = max(self.document.sentences, key=lambda one: len(wanted & {*words_of(one)}), default="")
        return _fitted(nearest, schema) if wanted & {*words_of(nearest)} else None


def _sender(before: str) -> str:
    """Return the name in the header `From:` above the subject, "" without one."""
    found = FROM.search(before)
    return found[1].strip() if found else ""


def _named(table: Mapping[str, Any], name: str) -> Any:
    """Return what a table has for a word of a field's name, or None."""
    return next((found for names, found in table.items() if {*words_of(name)} & {*names.split()}), None)


def _pattern_of(name: str, schema: Schema) -> Any:
    """Return the pattern of a field; None for free text. One that is not RE2 syntax matches nothing."""
    if "pattern" in schema:
        try:
            # RE2 needs linear time, so a pattern from a request cannot block the server.
            return re2.compile(schema["pattern"])  # type: ignore[no-untyped-call]
        except re2.error:
            return NEVER
    return FORMATS.get(schema["format"], NEVER) if "format" in schema else _named(PATTERNS, name)


def _matches(pattern: Any, text: str) -> list[str]:
    """Return the words in a text that match; dates in words are read as 2026-11-27."""
    plain = WRITTEN_DATE.sub(lambda date: f"{date[3]}-{MONTHS.index(date[2]) + 1:02}-{int(date[1]):02}", text)
    words = (word for each in plain.split() for word in (each, each.strip(".,;:!?()")))
    return [found.group() for word in words for found in pattern.finditer(word) if found.group()]


def _resolved(schema: Any, root: Schema, depth: int = 0, parts_read: Iterator[int] | None = None) -> dict[str, Any]:
    """Merge a schema with its `$ref`, its `allOf` and the first choice of `anyOf` and `oneOf` that is not null.

    Null stays allowed. Properties are combined; for other keywords, the schema's own value counts.
    """
    parts_read = parts_read or count()
    if not isinstance(schema, Mapping) or depth > MOST_REFERENCES or next(parts_read) > MOST_PARTS:
        return {}
    choices = schema.get("anyOf") or schema.get("oneOf") or []
    real = [each for each in choices if each != {"type": "null"}]
    parts = [_pointed(schema.get("$ref", "#/nothing"), root), *real[:1], *schema.get("allOf", ())]
    own = {name: each for name, each in schema.items() if name not in {"$ref", "anyOf", "oneOf", "allOf"}}
    flat: dict[str, Any] = {}
    for part in [*(_resolved(each, root, depth + 1, parts_read) for each in parts), own]:
        properties = {**flat.get("properties", {}), **part.get("properties", {})}
        required = [*flat.get("required", ()), *part.get("required", ())]
        flat = {**flat, **part, **({"properties": properties, "required": required} if properties else {})}
    if len(real) < len(choices):
        flat["type"] = [*(_types_of(flat) if real else []), "null"]
    return {**flat, **{name: int(flat[name]) for name in COUNTS & flat.keys()}}


def _types_of(schema: Schema) -> list[str]:
    """Return the types that a schema allows, null last."""
    kind = schema.get("type") or ("object" if "properties" in schema else "array" if "items" in schema else "string")
    return sorted([kind] if isinstance(kind, str) else kind, key=lambda each: each == "null")


def _empty(kind: str, schema: Schema) -> Any:
    """Return the empty value of a required type."""
    if kind in {"integer", "number"}:
        return _least(schema)
    return {"object": {}, "array": [], "boolean": False, "null": None}.get(kind, _fitted("", schema))


def _fits(value: Any, schema: Schema) -> bool:
    """Return whether a value is of the schema's type and within its bounds."""
    plain = jsonschema.Draft202012Validator({name: schema[name] for name in PLAIN & schema.keys()})
    with suppress(ArithmeticError, ValueError):
        return bool(plain.is_valid(value))
    return False


def _least(schema: Schema) -> float | int:
    """Return the allowed number nearest to 0 among some likely ones, or 0."""
    bounds = [schema[name] for name in BOUNDS if name in schema]
    step = schema.get("multipleOf") or ("integer" in _types_of(schema) and 1)
    with suppress(OverflowError, ValueError):
        middles = [one / 2 + other / 2 for one, other in combinations(bounds, 2)]
        # The nearest allowed number is at 0 or beside a bound, or between two narrow ones.
        near = [0, *middles, *(each + more for each in bounds for more in (0, 1, -1))]
        tries = [(round(each / step) + more) * step for each in near for more in (0, 1, -1)] if step else near
        found = min((each for each in tries if _fits(each, schema)), key=abs, default=0)
        return int(found) if "integer" in _types_of(schema) else found
    return 0


def _fitted(text: str, schema: Schema) -> str:
    """Return the text within `maxLength`, or within the limit in the description ("in at most 80 characters")."""
    said = LIMIT.search(str(schema.get("description", "")))
    most = schema.get("maxLength", int(said[1]) if said else MOST_CHARACTERS)
    least = min(schema.get("minLength", 0), MOST_CHARACTERS)
    return (text if len(text) <= most else short(text, most)[:most]).ljust(least, "…")


def _pointed(reference: str, root: Schema) -> Any:
    """Return the target of a local JSON pointer such as "#/$defs/Item", or None."""
    place: Any = root
    for part in filter(None, str(reference).removeprefix("#").split("/")):
        # RFC 6901, 4: in this order, or "~01" would become "/".
        place = place.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(place, Mapping) else None
    return place
