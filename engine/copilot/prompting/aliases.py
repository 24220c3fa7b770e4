"""Other names for the cases that are not ticked: the name of a case may be the subject of a stranger's mail."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import count

from msgspec import Struct, field

from engine.copilot.talking.records import AnswerPart
from engine.prompts.cases import Case

_NAMED = re.compile(r"\bcase-\d+ \(([\w-]{1,200})\)")
"""A case in the words that a person has got: its other name then, and its own."""
_OTHER = re.compile(r"\bcase-\d+\b(?! \()")
_NAME = re.compile(r"[\w-]{1,200}")
_GONE = "a case that is gone"


class Aliases(Struct, frozen=True):
    """The names by which the model knows the cases."""

    by_case: dict[str, str] = field(default_factory=dict)
    """The other name of each case; its own if the model may know it."""

    def told(self, case: str) -> str:
        """Return the name of a case for the model."""
        return self.by_case.get(case, _GONE)

    def heard(self, text: str) -> str:
        """Return words of the model with the names of the cases that it means: `case-1 (crash)`."""
        cases = {alias: case for case, alias in self.by_case.items() if alias != case and _NAME.fullmatch(case)}
        return _OTHER.sub(lambda found: f"{found[0]} ({cases[found[0]]})" if found[0] in cases else found[0], text)

    def heard_part(self, part: AnswerPart) -> AnswerPart:
        """Return a part of the model's answer with the names of the cases that it means; code stays."""
        if part.kind == "code":
            return part
        return replace(part, text=self.heard(part.text), choices=[self.heard(one) for one in part.choices])

    def again(self, text: str) -> str:
        """Return earlier words, as a person has got them, with the names by which the model knows the cases now."""
        return _NAMED.sub(lambda found: self.told(found[1]), text)


def aliases(cases: Sequence[Case], values: Collection[str], asked: str) -> Aliases:
    """Return other names for the cases, except for the ticked ones (`values`) and those that the person names.

    What a person sends back as they have got it, such as a choice, names no case by its own name.
    """
    names, asked = [one.case for one in cases], _NAMED.sub("", asked)
    free = (one for number in count(1) if (one := f"case-{number}") not in names)
    return Aliases({one: one if one in values or _is_named(one, asked) else next(free) for one in names})


def _is_named(case: str, asked: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(case)}(?![\w-])", asked) is not None
