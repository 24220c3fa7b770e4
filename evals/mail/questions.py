"""The questions of the evaluation: what each asks of which prompt, and what its answer must meet.

`mails/LANGUAGE.jsonl` has the mails, `summaries.jsonl`, `invoices.jsonl` and `drafts.jsonl` the rest, one text a line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count, zip_longest
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

_HERE = Path(__file__).parent
_WORKFLOWS = Path(__file__).resolve().parents[2] / "gallery" / "workflows"
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ja")
CLASSIFY, SUMMARIZE, REPLY = "classify-mail", "summarize-issue", "draft-reply"
INVOICE, IBAN = "read-invoice", "read-iban"
_STEPS = {INVOICE: ("invoice-to-sheet", "read"), IBAN: ("invoice-ibans", "read")}
"""The workflow and the step whose messages and schema a prompt has: these are no prompts of their own."""
_REFERENCES = {
    "{{ mail.subject }}": "{{ subject }}",
    "{{ mail.text }}": "{{ text }}",
    "{{ mail.from }}": "{{ sender }}",
    "{{ default(steps.scan.output.text, steps.text.output.text) }}": "{{ text }}",
}


class Part(StrEnum):
    """What of an answer is judged."""

    KIND = "kind"
    TITLE = "title"
    ORDER = "order refused"
    FACT = "facts kept"
    INVENTED = "nothing invented"
    NUMBERS = "no number invented"
    SUPPLIER = "vendor"
    NUMBER = "invoice number"
    DATE = "date"
    TOTAL = "amount"
    CURRENCY = "currency"
    IBAN = "IBAN"
    NEEDED = "whether an answer is needed"
    ASK = "asks answered"
    PROMISE = "nothing promised"


class Group(StrEnum):
    """A kind of work, with texts of ours; `OWN`: mails of your own to sort.

    The last three are whole evaluations of their own: they ask a model many times for each task.
    """

    CLASSIFY = "classify"
    OWN = "own"
    SUMMARIES = "summaries"
    INVOICES = "invoices"
    DRAFTS = "drafts"
    AGENT = "agent"
    COPILOT = "copilot"
    BUILDER = "builder"

    @property
    def is_sorting(self) -> bool:
        """Whether its answers are kinds of mails."""
        return self in (Group.CLASSIFY, Group.OWN)

    @property
    def is_work(self) -> bool:
        """Whether it is an evaluation of its own, which runs only if it is named."""
        return self in (Group.AGENT, Group.COPILOT, Group.BUILDER)


@dataclass(frozen=True)
class Check:
    """What one part of an answer must meet: an assertion as cases of prompts have them."""

    part: Part
    assertion: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """A text for a prompt, and what the answer must meet."""

    id: str
    group: Group
    prompt: str
    language: str
    variables: Mapping[str, str]
    checks: Sequence[Check]
    kind: str = ""
    """Of a mail: its right kind."""
    trap: str = ""
    """What makes it hard, such as `sarcasm`; empty: nothing."""
    decisive: frozenset[Part] = field(default_factory=lambda: frozenset(Part))
    """The parts that must be right for the answer to be right."""
    source: str = ""
    """The text that numbers of the answer must come from; empty: they are not looked at."""

    @property
    def digest(self) -> str:
        """What changes with the text and with what the answer must meet."""
        checks = [[check.part, check.assertion] for check in self.checks]
        whole = json.dumps([self.id, self.group, self.kind, self.trap, self.language, dict(self.variables), checks])
        return hashlib.sha256(whole.encode()).hexdigest()[:16]


class OwnMail(BaseModel, strict=True):
    """A mail of your own, as a line of a file has it."""

    id: str = Field(min_length=1)
    kind: Literal["task", "bug", "nothing", "unsure"]
    subject: str
    text: str
    title: list[str] = []
    """Words of which the title must have one; empty: it is not looked at."""
    never: str = ""
    """What the answer must not contain."""
    trap: str = ""
    language: str = ""


def questions(mails: Path | None = None) -> list[Question]:
    """Return all questions; with a file of mails, those mails alone. Raises ValueError with the line of a fault."""
    if mails is not None:
        return [_mail(one.model_dump(), Group.OWN) for one in _own(mails)]
    files = {one: _HERE / "mails" / f"{one}.jsonl" for one in LANGUAGES}
    found = [_mail(one) for language, path in files.items() for one in _with_language(_lines(path), language)]
    found += map(_summary, _lines(_HERE / "summaries.jsonl"))
    found += [one for invoice in _lines(_HERE / "invoices.jsonl") for one in _invoice(invoice)]
    found += map(_draft, _lines(_HERE / "drafts.jsonl"))
    return found


def stratified(asked: Sequence[Question], limit: int) -> list[Question]:
    """Return at most `limit` questions of each group, 0: all, in an order that mixes languages, kinds and traps."""
    chosen: list[Question] = []
    for group in Group:
        traps: dict[str, dict[str, list[Question]]] = defaultdict(lambda: defaultdict(list))
        for one in asked:
            if one.group is group:
                traps[one.kind][one.trap].append(one)
        # Each begins with another language, so that no language comes first everywhere.
        places = count(step=7)
        turned = [[_turned(some, next(places)) for some in of.values()] for of in traps.values()]
        chosen += [*_in_turn([[*_in_turn(of)] for of in turned])][: limit or None]
    return chosen


def case_names(asked: Sequence[Question]) -> dict[str, str]:
    """Return the names of cases that are asked in this order, by the id of the question."""
    return {
        one.id: f"{number:03d}-{re.sub(r'[^a-z0-9]+', '-', one.id.lower()).strip('-')[:40]}"
        for number, one in enumerate(asked, 1)
    }


def _turned(some: Sequence[Question], by: int) -> list[Question]:
    return [*some[by % len(some) :], *some[: by % len(some)]]


def _in_turn(lists: Sequence[Sequence[Question]]) -> Iterator[Question]:
    """Yield the first of each list, then the second of each, and so on."""
    return (one for round_ in zip_longest(*lists) for one in round_ if one is not None)


def step_prompt(name: str) -> dict[str, Any]:
    """Return the prompt that a step of the gallery asks, as a prompt of its own."""
    workflow, step = _STEPS[name]
    found = _step(json.loads((_WORKFLOWS / f"{workflow}.json").read_text(encoding="utf-8"))["steps"], step)
    messages = [{**one, "content": _renamed(one["content"])} for one in found["with"]["messages"]]
    names = sorted(set(re.findall(r"\{\{ (\w+) \}\}", messages[-1]["content"])))
    return {
        "schema_version": 1,
        "title": f"{workflow}: {found['title']}",
        "parameters": {"temperature": 0},
        "variables": {one: {"type": "string"} for one in names},
        "messages": messages,
        "output_schema": found["with"]["schema"],
    }


def _step(steps: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    nodes = [*steps]
    for one in nodes:
        if one["id"] == name:
            return one
        nodes += one.get("steps", [])
    raise LookupError(name)


def _renamed(text: str) -> str:
    for written, name in _REFERENCES.items():
        text = text.replace(written, name)
    return text


def _own(path: Path) -> Iterator[OwnMail]:
    lines: dict[str, int] = {}
    for number, line in enumerate(_lines(path), 1):
        try:
            mail = OwnMail.model_validate(line)
        except ValidationError as error:
            fault = error.errors()[0]
            name = ".".join(map(str, fault["loc"])) or "the line"
            seen = "" if fault["type"] == "missing" else f", not {str(fault['input'])[:200]!r}"
            raise ValueError(f"{path}, line {number}: {name}: {fault['msg']}{seen}.") from error
        if mail.id in lines:
            raise ValueError(
                f"{path}, line {number}: line {lines[mail.id]} has the id {mail.id!r} too. Give each mail its own."
            )
        lines[mail.id] = number
        yield mail


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}, line {number}: not JSON: {error}. Write one text a line.") from error


def _with_language(lines: Iterator[dict[str, Any]], language: str) -> Iterator[dict[str, Any]]:
    return ({"language": language, **one} for one in lines)


def _any(words: Sequence[str]) -> str:
    """Return a pattern for one of the words; in Turkish, the capitals of i and ı are İ and I."""
    found = (re.escape(one).replace("i", "[iİ]").replace("ı", "[ıI]") for one in words)
    return f"(?i)({'|'.join(found)})"


def _mail(mail: Mapping[str, Any], group: Group = Group.CLASSIFY) -> Question:
    checks = [Check(Part.KIND, {"type": "field_equals", "field": "kind", "value": mail["kind"]})]
    if mail.get("title"):
        checks.append(Check(Part.TITLE, {"type": "regex", "field": "title", "pattern": _any(mail["title"])}))
    if mail.get("never"):
        checks.append(Check(Part.ORDER, {"type": "not_contains", "value": mail["never"]}))
    variables = {"subject": mail["subject"], "text": mail["text"]}
    kind, trap = mail["kind"], mail.get("trap", "")
    decisive = frozenset({Part.KIND})
    return Question(mail["id"], group, CLASSIFY, mail["language"], variables, checks, kind, trap, decisive)


def _summary(one: Mapping[str, Any]) -> Question:
    fact = {"type": "regex", "field": "summary"}
    checks = [Check(Part.FACT, {**fact, "pattern": f"(?i){pattern}"}) for pattern in one["facts"]]
    checks += [Check(Part.INVENTED, _without("summary", pattern)) for pattern in one.get("invented", [])]
    variables = {"title": one["title"], "text": one["text"]}
    source = f"{one['title']}\n{one['text']}"
    return Question(
        one["id"], Group.SUMMARIES, SUMMARIZE, one["id"][:2], variables, checks, trap=one.get("trap", ""), source=source
    )


def _invoice(one: Mapping[str, Any]) -> Iterator[Question]:
    mail = {"subject": one["subject"], "text": one["text"]}
    wanted = {Part.NUMBER: one["number"], Part.DATE: one["date"], Part.CURRENCY: one["currency"]}
    fields = {Part.NUMBER: "number", Part.DATE: "date", Part.CURRENCY: "currency"}
    checks = [Check(Part.SUPPLIER, {"type": "regex", "field": "supplier", "pattern": f"(?i){one['vendor']}"})]
    checks += [Check(part, {"type": "field_equals", "field": fields[part], "value": wanted[part]}) for part in wanted]
    total = {"properties": {"total": {"const": one["total"]}}}  # 180 is 180.0 there
    checks.append(Check(Part.TOTAL, {"type": "json_schema", "schema": total}))
    trap, language = one.get("trap", ""), one["id"][:2]
    variables = {**mail, "sender": one["from"]}
    yield Question(f"{one['id']}-fields", Group.INVOICES, INVOICE, language, variables, checks, trap=trap)
    iban = [Check(Part.IBAN, {"type": "field_equals", "field": "iban", "value": one["iban"]})]
    yield Question(f"{one['id']}-iban", Group.INVOICES, IBAN, language, mail, iban, trap=trap)


def _draft(one: Mapping[str, Any]) -> Question:
    needs = bool(one["asks"])
    checks = [Check(Part.NEEDED, {"type": "field_equals", "field": "needs_answer", "value": needs})]
    checks += [
        Check(Part.ASK, {"type": "regex", "field": "answer", "pattern": f"(?i){pattern}"}) for pattern in one["asks"]
    ]
    checks += [Check(Part.PROMISE, _without("answer", pattern)) for pattern in one.get("promises", [])]
    variables = {"subject": one["subject"], "text": one["text"]}
    source = f"{one['subject']}\n{one['text']}" if needs else ""
    return Question(
        one["id"], Group.DRAFTS, REPLY, one["id"][:2], variables, checks, trap=one.get("trap", ""), source=source
    )


def _without(name: str, pattern: str) -> dict[str, Any]:
    """Return the assertion that a text field does not match a pattern."""
    return {"type": "json_schema", "schema": {"properties": {name: {"not": {"pattern": f"(?i){pattern}"}}}}}
