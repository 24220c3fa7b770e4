"""Parts of items in the texts of a target: `[title]` becomes an expression, by where the item comes from."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct, field

from engine.base.names import usable_name
from engine.copilot.wizard.sources import ItemSource

_PART = re.compile(r"\[(?P<kind>\$\$|[$%]?)(?P<name>[a-z_]+)\]")
_RECORD = ("title", "sender", "date", "url")
COLUMNS: Mapping[str, str] = {
    "title": "Title",
    "sender": "From",
    "date": "Date",
    "text": "Text",
    "url": "Link",
    "number": "Number",
}
"""The parts of an item that a cell may have, and what a column of them is called."""
_NOT_A_KEY = {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let"}
_NOT_A_KEY |= {"loop", "namespace", "null", "package", "return", "true", "var", "void", "while"}
"""Words that an expression cannot have after a dot: https://github.com/google/cel-spec/blob/master/doc/langdef.md."""


def value_key(name: str) -> str:
    """Return the member of JSON for a value of this name; empty if no letter of it can be one."""
    key = usable_name(name).replace("-", "_").lstrip("0123456789_")
    return f"{key}_" if key in _NOT_A_KEY else key


class Parts(Struct):
    """Base: the parts of an item, or of all items, by role."""

    source: ItemSource
    given: Mapping[str, str]
    """What a person has filled in for the source."""
    values: dict[str, str] = field(default_factory=dict)
    """The values that a model has found, by name: expressions."""
    overridden: dict[str, str] = field(default_factory=dict)
    """Roles that steps of the workflow have replaced, as expressions: a summary in place of the text."""
    is_one: ClassVar[bool] = True
    """Whether it is one item."""

    @abstractmethod
    def path(self, role: str) -> str:
        """Return the expression of a part; empty if the item lacks it."""

    def expression(self, role: str) -> str:
        """Return the expression of a part, or of what has replaced it; empty if the item lacks it."""
        if role == "name" and "name" not in self.source.parts:
            return self.path("key")
        return self.overridden.get(role) or self.path(role)

    def filled(self, template: Any, places: Mapping[str, Any]) -> Any:
        """Return a template with its parts in place; `places`: what a person has filled in for the target."""
        if isinstance(template, Mapping):
            return {name: self.filled(one, places) for name, one in template.items()}
        if isinstance(template, list | tuple):
            return [self.filled(one, places) for one in template]
        if template == "[*record]":
            return self._record()
        if template == "[*columns]":
            return self._columns(places.get("columns", {}))
        if not isinstance(template, str):
            return template
        return _PART.sub(lambda found: self._put(found, places), template).strip()

    def _record(self) -> dict[str, str]:
        """Return the members of a row of a table: the values found and a link, or else what every item has."""
        found = {value_key(name): f"{{{{ {one} }}}}" for name, one in self.values.items()}
        for role in ("url",) if found else _RECORD:
            if self._value(role):
                found.setdefault(role, self._value(role))
        return found

    def _columns(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Return the cells of a row: of the columns wanted, or else of one for each value found."""
        if not wanted:
            wanted = {one: one for one in self.values} or {
                title: role for role, title in COLUMNS.items() if self._value(role)
            }
        values = {name.casefold(): f"{{{{ {one} }}}}" for name, one in self.values.items()}
        return {column: values.get(role.casefold()) or self._value(role) for column, role in wanted.items()}

    def _put(self, found: re.Match[str], places: Mapping[str, Any]) -> str:
        match found["kind"]:
            case "$":
                return str(places.get(found["name"], ""))
            case "$$":
                return self.given.get(found["name"], "")
            case "%":
                return self.source.uses.partition(".")[0]
        return self._value(found["name"])

    def _value(self, role: str) -> str:
        if role == "link":
            url = self._value("url")
            return f"[{self.source.item.capitalize()}]({url})" if url else ""
        expression = self.expression(role)
        return f"{{{{ {expression} }}}}" if expression else ""


class OfItem(Parts):
    """An item of a loop."""

    name: str = ""
    """The loop's `as`."""

    def path(self, role: str) -> str:
        """Return the expression of a part."""
        known = self.source.line if role == "line" else self.source.parts.get(role, "")
        return known.replace("@", self.name)


class OfFile(OfItem):
    """An attached file of an item of a loop, in a loop of its own."""

    def path(self, role: str) -> str:
        """Return the expression of a part; the file has a key of its own."""
        return f"{super().path('key')} + '-' + file.id" if role == "key" else super().path(role)

    def expression(self, role: str) -> str:
        """Return the expression of a part, or of what has replaced it."""
        return self.path("key") if role == "name" else super().expression(role)


class OfInputs(Parts):
    """What a trigger has found, as inputs of the workflow."""

    used: dict[str, str] = field(default_factory=dict)
    """The inputs that are needed: expressions of `item` in the trigger."""

    def path(self, role: str) -> str:
        """Return the expression of an input, and remember that it is needed."""
        known = self.source.line if role == "line" else self.source.parts.get(role, "")
        if not known:
            return ""
        self.used[role] = known.replace("@", "item")
        return f"inputs.{role}"


class WholeParts(Parts):
    """All items at once."""

    items: str = ""
    """The expression of the list."""
    title: str = ""
    noun: str = ""
    """What the items are called."""
    is_count: bool = False
    is_dated: bool = False
    """Whether each day has a text of its own."""
    is_one = False

    def path(self, role: str) -> str:
        """Return the expression of a part of all: their lines, or how many they are."""
        match role:
            case "title":
                return f"'{self._plain}'"
            case "key" | "name":
                return f"'{self._plain}'" + (" + ' ' + run.started_at.substring(0, 10)" if self.is_dated else "")
            case "text" | "line":
                if self.is_count:
                    return f"string(size({self.items})) + ' {self.noun}'"
                line = self.source.line.replace("@", "one")
                return f"{self.items}.map(one, '- ' + {line}).join('\\n')"
        return ""

    @property
    def _plain(self) -> str:
        return self.title.replace("\\", "").replace("'", "’")
