"""What a case expects of an answer: one class for each type of assertion."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypedDict

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from clients.wording import likeness
from engine.base.json_text import is_same
from engine.documents.schema_check import schema_faults
from engine.documents.shapes import Misfit
from engine.expressions.patterns import BadPattern, pattern
from engine.outgoing.hidden_characters import without_blanks
from engine.plugins.step import JsonValue
from engine.prompts.model_answers import faults, read_json

_SHOWN_MOST = 200
_COMPARED_MOST = 1_000
"""Words of each text; the steps grow with the square."""
_MISSING = object()


class OpinionUsage(TypedDict):
    """What an opinion used."""

    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """None if the price is not known."""


class Opinion(TypedDict):
    """What a model says of an answer."""

    criterion: str
    score: float
    """0: it does not meet the criterion; 1: it meets it wholly."""
    threshold: float
    """The lowest score that passes."""
    reason: str
    model: str
    """The model that judged."""
    usage: OpinionUsage
    reused: bool
    """Whether it was asked before: it cost nothing now."""


def is_favourable(opinion: Opinion) -> bool:
    """Return whether an opinion lets its answer pass."""
    return opinion["score"] >= opinion["threshold"]


def opinion_words(opinion: Opinion) -> str:
    """Return an opinion as a sentence."""
    limit = "" if is_favourable(opinion) else f", less than {opinion['threshold']:g},"
    score = f"{opinion['score']:g} of 1{limit} for {_shown(opinion['criterion'])}"
    return f"In the opinion of {opinion['model']}, {score}: {opinion['reason']}"


class AnswerFacts(Struct, frozen=True):
    """What an answer is judged by."""

    text: str
    value: Any = None
    """The JSON in the text, if the prompt wants JSON; else None."""
    output_tokens: int = 0
    cost_usd: float | None = None
    """None if the price is not known."""
    seconds: float = 0.0
    opinion: Callable[[Judge, str], Opinion] | None = None
    """Asks a model about a text; None if nobody judges."""

    def at(self, field: str) -> Any:
        """Return the value of a field (`a.b.0`) of the JSON in the text, or _MISSING; without a field, the text."""
        if not field:
            return self.text
        value = self.json()
        for part in field.split("."):
            if isinstance(value, Mapping) and part in value:
                value = value[part]
            elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                return _MISSING
        return value

    def json(self) -> Any:
        """Return the JSON in the text, or _MISSING."""
        if self.value is not None:
            return self.value
        try:
            return read_json(self.text)
        except ValueError:
            return _MISSING


class Assertion(BaseModel):
    """Base of all assertions; `type` is the name of each."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    @abstractmethod
    def fault(self, facts: AnswerFacts) -> str:
        """Return why an answer is not as expected, in a sentence; empty if it is."""


class Equals(Assertion):
    """The whole answer is this: its JSON if the prompt wants JSON, else its text."""

    type: Literal["equals"]
    value: JsonValue

    def fault(self, facts: AnswerFacts) -> str:
        """Compare."""
        is_text = isinstance(self.value, str) and facts.value is None
        found = facts.text.strip() if is_text else facts.json()
        wanted = str(self.value).strip() if is_text else self.value
        if found is not _MISSING and is_same(found, wanted):
            return ""
        return f"It is {_shown(facts.text if found is _MISSING else found)}, not {_shown(self.value)}."


class _OfText(Assertion):
    field: str = ""
    """The field to look at, such as `title` or `items.0.name`; empty: the whole text."""

    def _text(self, facts: AnswerFacts) -> str | None:
        found = facts.at(self.field)
        if found is _MISSING:
            return None
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    def _where(self) -> str:
        return f"{self.field!r}" if self.field else "It"


class Contains(_OfText):
    """The text contains this."""

    type: Literal["contains"]
    value: str = Field(min_length=1)

    def fault(self, facts: AnswerFacts) -> str:
        """Look for it."""
        text = self._text(facts)
        if text is None:
            return f"There is no {self.field!r} in {_shown(facts.text)}."
        return "" if self.value in text else f"{self._where()} does not contain {_shown(self.value)}: {_shown(text)}."


class NotContains(_OfText):
    """The text does not contain this."""

    type: Literal["not_contains"]
    value: str = Field(min_length=1)

    def fault(self, facts: AnswerFacts) -> str:
        """Look for it."""
        text = self._text(facts) or ""
        return f"{self._where()} contains {_shown(self.value)}: {_shown(text)}." if self.value in text else ""


class Similar(_OfText):
    """The text is like this one: the share of words, in order, that both have is at least so high."""

    type: Literal["similar"]
    value: str = Field(min_length=1)
    at_least: float = Field(0.8, ge=0, le=1)

    def fault(self, facts: AnswerFacts) -> str:
        """Compare by words, whatever their case and the spaces between them."""
        text = self._text(facts)
        if text is None:
            return f"There is no {self.field!r} in {_shown(facts.text)}."
        wanted, found = (one.casefold().split()[:_COMPARED_MOST] for one in (self.value, text))
        ratio = likeness(wanted)(found)
        if ratio >= self.at_least:
            return ""
        return f"{self._where()} is {ratio:.0%} like {_shown(self.value)}, not {self.at_least:.0%}: {_shown(text)}."


def _is_pattern(source: str) -> str:
    try:
        pattern(source)
    except BadPattern as error:
        raise Misfit(f"is not a regular expression: {error}", "Patterns are RE2.") from error
    return source


class Regex(_OfText):
    """A regular expression (RE2) matches somewhere in the text."""

    type: Literal["regex"]
    pattern: Annotated[str, AfterValidator(_is_pattern)]

    def fault(self, facts: AnswerFacts) -> str:
        """Search."""
        text = self._text(facts)
        if text is None:
            return f"There is no {self.field!r} in {_shown(facts.text)}."
        if pattern(self.pattern).is_found_in(text):
            return ""
        return f"{self._where()} does not match {self.pattern!r}: {_shown(text)}."


class ValidJson(Assertion):
    """The text is JSON."""

    type: Literal["valid_json"]

    def fault(self, facts: AnswerFacts) -> str:
        """Parse it."""
        return f"It is not JSON: {_shown(facts.text)}." if facts.json() is _MISSING else ""


def _is_schema(schema: dict[str, Any]) -> dict[str, Any]:
    for path, sentence in schema_faults(schema):
        place = f" ({'.'.join(map(str, path))})" if path else ""
        raise Misfit(f"must be a JSON Schema{place}: {sentence}", 'Write one, such as {"type": "object"}.')
    return schema


class FitsSchema(Assertion):
    """The JSON in the text fits a JSON Schema."""

    type: Literal["json_schema"]
    schema_: Annotated[dict[str, Any], AfterValidator(_is_schema)] = Field(alias="schema")

    def fault(self, facts: AnswerFacts) -> str:
        """Return how the JSON in the text does not fit the schema, "" if it does."""
        value = facts.json()
        if value is _MISSING:
            return f"It is not JSON: {_shown(facts.text)}."
        return " ".join(faults(value, self.schema_))


class FieldEquals(Assertion):
    """A field of the JSON in the text has this value."""

    type: Literal["field_equals"]
    field: str = Field(min_length=1)
    value: JsonValue

    def fault(self, facts: AnswerFacts) -> str:
        """Compare."""
        found = facts.at(self.field)
        if found is _MISSING:
            return f"There is no {self.field!r} in {_shown(facts.text)}."
        return "" if is_same(found, self.value) else f"{self.field!r} is {_shown(found)}, not {_shown(self.value)}."


class MaxTokens(Assertion):
    """The answer has at most so many tokens."""

    type: Literal["max_tokens"]
    value: int = Field(ge=0)

    def fault(self, facts: AnswerFacts) -> str:
        """Compare."""
        many = facts.output_tokens
        return f"It has {many:,} tokens, more than {self.value:,}." if many > self.value else ""


class MaxCost(Assertion):
    """The call costs at most so many USD."""

    type: Literal["max_cost"]
    value: float = Field(ge=0)

    def fault(self, facts: AnswerFacts) -> str:
        """Compare."""
        if facts.cost_usd is None:
            return "Its cost is not known: the model has no price."
        return f"It costs ${facts.cost_usd:.6f}, more than ${self.value:.6f}." if facts.cost_usd > self.value else ""


class MaxSeconds(Assertion):
    """The model answers within so many seconds."""

    type: Literal["max_seconds"]
    value: float = Field(ge=0)

    def fault(self, facts: AnswerFacts) -> str:
        """Compare."""
        return f"It took {facts.seconds:.1f} s, more than {self.value:g} s." if facts.seconds > self.value else ""


def _says_something(criterion: str) -> str:
    if not without_blanks(criterion):
        raise Misfit("must not be blank", "Write what the text must meet.")
    return criterion


class Judge(_OfText):
    """A model finds that the text meets a criterion: an opinion, which may differ from yours."""

    type: Literal["judge"]
    criterion: Annotated[str, AfterValidator(_says_something)] = Field(min_length=1, max_length=2_000)
    connection: str = ""
    """The connection whose model judges; empty: the tested column's."""
    model: str = ""
    """Empty: the connection's own."""
    threshold: float = Field(0.7, ge=0, le=1)

    def fault(self, facts: AnswerFacts) -> str:
        """Ask. Raises what the question raises."""
        text = self._text(facts)
        if text is None:
            return f"There is no {self.field!r} in {_shown(facts.text)}."
        if facts.opinion is None:
            return "There is no model to judge it."
        given = facts.opinion(self, text)
        return "" if is_favourable(given) else opinion_words(given)


_OfTheAnswer = Equals | Contains | NotContains | Similar | Regex | ValidJson | FitsSchema | FieldEquals | MaxTokens
AnswerAssertion = Annotated[_OfTheAnswer, Field(discriminator="type")]
"""What a run can check of an answer itself: the limits of a run are its budget and its time limit."""
AnyAssertion = Annotated[_OfTheAnswer | MaxCost | MaxSeconds | Judge, Field(discriminator="type")]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}…"
