"""Messages of the engine in the language of the reader.

The engine keeps and returns its messages in English, with their values in them: the sentence of a run, errors,
remedies. The catalogue has them as templates, such as `There is no file {0}.`, which it reads from the code of the
engine (`tests/catalogue.py`). A message without a translation is shown in English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate, product
from typing import NamedTuple

from dashboard.base.language import ENGLISH, N_, language, number, script_texts, t, tc, tn
from engine.record.outcomes import CORRECTED, NOTHING

MESSAGE = "message"
"""The context of messages in a catalogue."""
NOUNS = (
    "answer", "appointment", "archive", "ask", "attachment", "block", "branch", "chart", "chat", "close", "comment",
    "commit", "contact", "create", "customer", "delete", "document", "draft", "email", "entry", "event", "file",
    "finish", "folder", "form", "forward", "invitation", "invoice", "issue", "item", "label", "line", "link",
    "mail", "meeting", "message", "move", "newsletter", "note", "notify", "number", "order", "page", "part",
    "person", "post", "product", "pull request", "put", "question", "record", "release", "remind", "reminder",
    "reopen", "reply", "report", "repository", "result", "row", "run", "save", "send", "submission", "summary",
    "table", "task", "test", "text", "thread", "ticket", "topic", "update", "upload", "user",
)  # fmt: skip
"""What steps and the items of loops are usually called; the engine counts runs and writes by these names."""
_HEADS = (
    N_("Cancelled"),
    N_("Done"),
    N_("Failed"),
    N_("First"),
    N_("Interrupted"),
    N_("Not started yet"),
    N_("Plan"),
    N_("Running"),
    N_("Waiting"),
)
"""What the sentence of a run, or of several things that are alike, may begin with, before a colon."""
_ENDINGS = (
    N_("already done"),
    N_("cancelled"),
    N_("done"),
    N_("failed"),
    N_("kept"),
    N_("left as it was"),
    N_("left as they were"),
    N_("left out"),
    N_("more done"),
    N_("new"),
    N_("not approved in time"),
    N_("not finished"),
    N_("rejected by a person"),
    N_("running"),
    N_("unsure"),
    N_("updated"),
    N_("waiting"),
)
"""What is said after a number: 2 failed."""
_LONGEST = 2_000
_MOST_SENTENCES = 12
_DEEPEST = 4
_PLACEHOLDER = re.compile(r"\{\d+\}")
_REFUSED = {"rejected by ": N_("rejected by {name}"), "stopped by ": N_("stopped by {name}")}
_COUNT = re.compile(
    rf"[0-9]+(?:,[0-9]{{3}})* (?:(?:[a-z]+ )*(?:{'|'.join(_REFUSED)})(?!a person)[^\s,]*[^\s,.]|[a-z]+(?: [a-z]+)*)"
)
_BESIDES = N_(", besides the writes of ")
_BETWEEN = (N_(" or "), N_(" and "))
_COUNTS = re.compile(rf"#(?:(?:, |: | \(|{_BESIDES})#|\))*\.?")
"""Numbers with what they count, each as `#`: "25 mails: 9 tasks, 1 failed." or "12 writes (9 tasks, 3 labelled)."."""
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=\S)")


_ENDS = 3
"""How many letters at the beginning and the end of a template it is found by."""
_QUOTES = ('"', "'")
_SHARE = re.compile(r"([0-9]+(?:,[0-9]{3})*) of ([0-9].*)")
"""A part of what is counted: "2 of 5 mails"."""
_CORRECTION = re.compile(r'Corrects ((?:"[^"]*"|[^":])+): (\w+ is .+)\.')
"""Which answer a run corrects, and what is right: its step "of" the item, and each value after "is"."""
_IS = re.compile(r"((?:^|, )\w+) is ")
_STEP_TYPE = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")
_MEANS = re.compile(r"('\w+') means: (.+)\.")
_OF_A_VALUE = re.compile(r"('\w+'|Entry \d+(?: of '\w+')?|This) ((?:must|takes) .+), not (.+)\.")
"""What is wrong with a value: which one, what it must be, and what it is."""


class _Template(NamedTuple):
    pieces: Sequence[str]
    """The text before, between and after its values."""
    translation: str
    letters: int
    """How many letters are its own."""
    longest: str
    """The longest piece: most texts do not have it."""


class _Templates(NamedTuple):
    whole: Mapping[str, str]
    """The translations of texts without values."""
    filled: Mapping[tuple[str, str], Sequence[_Template]]
    """The others by their first and their last letters, "" where a value stands there."""


def translated(text: str) -> str:
    """Return a message of the engine in the language of the reader, in English where the catalogue does not have it."""
    return text if language() == ENGLISH or len(text) > _LONGEST else _translated(language(), text, 0)


def outcome(words: str) -> str:
    """Return what became of an item, "task" or "only labelled", in the language of the reader."""
    if language() == ENGLISH:
        return words
    if words.startswith(CORRECTED):
        stays = words.removeprefix(CORRECTED)
        return t("corrected: {what}", what=t("nothing") if stays == NOTHING else outcome(stays))
    return ", ".join(_count(f"1 {one}").partition(" ")[2] for one in words.split(", ")) if words else ""


@lru_cache(maxsize=4096)
def _translated(spoken: str, text: str, depth: int) -> str:
    """Return the translation of sentences; `depth` counts the values in values."""
    if depth > _DEEPEST:
        return text
    sentences = _SENTENCE_END.split(text, _MOST_SENTENCES)
    found = []
    while sentences:
        for end in range(len(sentences), 0, -1):
            said = _whole(" ".join(sentences[:end]), depth)
            if said is not None or end == 1:
                found.append(sentences[0] if said is None else said)
                del sentences[:end]
                break
    return " ".join(found)


def _whole(text: str, depth: int) -> str | None:
    """Return the translation of one message; None if it is not known."""
    whole = _templates(language()).whole
    bare = text.removesuffix(".")
    if text not in whole and bare in whole:
        return f"{whole[bare]}{text[len(bare) :]}"
    return (
        whole.get(text)
        or _counts(text)
        or _plural(text)
        or _of_a_value(text, depth)
        or _corrected(text)
        or _templated(text, depth)
        or _share(text)
        or _described(text, depth)
        or _headed(text, depth)
        or _joined(text)
    )


def _headed(text: str, depth: int) -> str | None:
    """Return the translation of "Failed: …", of what is said of a quoted title or an amount, and of a status alone."""
    head, colon, rest = text.partition(": ")
    if colon and head in _HEADS:
        return f"{t(head)}: {_translated(language(), rest, depth + 1)}"
    if colon and len(head) > 1 and head[0] == head[-1] and head[0] in _QUOTES:
        return f"{head}: {_translated(language(), rest, depth + 1)}"
    amount, comma, basis = text.removesuffix(".").rpartition(", ")
    if comma and (said := _known(basis, depth + 1)):  # "$0.02, by the last run."
        return f"{amount}, {said}{text[len(amount) + len(comma) + len(basis) :]}"
    bare = text.removesuffix(".")
    return f"{t(bare)}{text[len(bare) :]}" if bare in _HEADS or bare in _ENDINGS else None


def _share(text: str) -> str | None:
    found = _SHARE.fullmatch(text)
    whole = None if found is None else _counts(found[2])
    if found is None or whole is None:
        return None
    return t("{count} of {whole}", count=number(int(found[1].replace(",", ""))), whole=whole)


def _of_a_value(text: str, depth: int) -> str | None:
    """Return the translation of "'limit' must be at least 1, not 0."."""
    found = _OF_A_VALUE.fullmatch(text)
    wanted = None if found is None else _known(found[2], depth + 1)
    if found is None or wanted is None:
        return None
    value, seen = (_translated(language(), one, depth + 1) for one in (found[1], found[3]))
    return t("{value} {wanted}, not {seen}.", value=value, wanted=wanted, seen=seen)


def _corrected(text: str) -> str | None:
    """Return the translation of 'Corrects Classify of "Invoice": kind is task.'."""
    found = _CORRECTION.fullmatch(text)
    if found is None or _SENTENCE_END.search(found[2]):
        return None
    place, values = found[1].replace(' of "', f'{t(" of ")}"'), _IS.sub(rf"\1{t(' is ')}", found[2])
    return t("Corrects {place}: {values}.", place=place, values=values)


def _joined(text: str) -> str | None:
    """Return the translation of known texts that are joined: "a list or null"."""
    whole = _templates(language()).whole
    for word in _BETWEEN:
        parts = [whole.get(part, "") for part in text.split(word)]
        if len(parts) > 1 and all(parts):
            return t(word).join(parts)
    return None


def _described(text: str, depth: int) -> str | None:
    """Return the translation of what is said of a step: "Mails: reads Gmail, gmail.search_messages"."""
    title, colon, words = text.partition(": ")
    if (said := _listed(text, depth)) is not None:
        return said
    said = _listed(words, depth) if colon else None
    return None if said is None else f"{title}: {said}"


def _listed(text: str, depth: int) -> str | None:
    """Return the translation of words with commas between them, the first of them known; values may have commas."""
    bare, found, is_known = text.removesuffix("."), list[str](), False
    for part in bare.split(", ") if text[:1].islower() else ():
        said = _known(part, depth + 1) or _action(part)
        is_known = is_known or said is not None
        if said is not None or _STEP_TYPE.fullmatch(part):
            found.append(said or part)
        elif found:
            found[-1] += f", {part}"
        else:
            return None
    return f"{', '.join(found)}{text[len(bare) :]}" if is_known else None


def _action(text: str) -> str | None:
    """Return the translation of what a step does or a trigger waits for, with fields: "open an issue (GitHub"."""
    words, bracket, fields = text.partition(" (")
    if not bracket or " " not in words:
        return None
    title = f"{words[:1].upper()}{words[1:]}"
    said = _templates(language()).whole.get(words) or t(title)
    return None if said == title else f"{said} ({fields}"


def _plural(text: str) -> str | None:
    forms = script_texts("nouns").get(text)
    if forms is None or text != _noun(forms[1]):
        return None
    return _noun(tn(forms[0], forms[1], 2))


def _noun(counted: str) -> str:
    return counted.partition(" ")[2]


def _counts(text: str) -> str | None:
    if _COUNTS.fullmatch(_COUNT.sub("#", text)) is None or "#" in text:
        return None
    before, between, after = text.partition(_BESIDES)
    return "".join(_COUNT.sub(lambda one: _count(one.group()), part) for part in (before, t(between), after))


def _count(text: str) -> str:
    """Return the translation of "9 tasks", "9 only labelled" or "2 replies rejected by a person"."""
    digits, _, words = text.partition(" ")
    count = int(digits.replace(",", ""))
    for by, said in _REFUSED.items():
        before, is_refused, who = words.partition(by)
        if is_refused and who != "a person":
            what = _count(f"{digits} {before.rstrip()}") if before else number(count)
            return f"{what} {t(said, name=who)}"
    if words in _ENDINGS:
        return f"{number(count)} {t(words)}"
    for ending in ("", *_ENDINGS):
        forms = script_texts("nouns").get(words.removesuffix(ending).rstrip())
        if forms is not None and words.endswith(ending):
            return f"{tn(forms[0], forms[1], count)} {t(ending)}".rstrip()
    done = [tc("done", one) for one in words.removeprefix("only ").split(" and ")]
    said = t("{first} and {second}", first=", ".join(done[:-1]), second=done[-1]) if len(done) > 1 else done[0]
    return f"{number(count)} {t('only {done}', done=said) if words.startswith('only ') else said}"


def _known(text: str, depth: int) -> str | None:
    """Return the translation of a part of a sentence."""
    return _templates(language()).whole.get(text) or _templated(text, depth)


def _templated(text: str, depth: int) -> str | None:
    """Return the translation by the template that fits and has most letters of its own."""
    if means := _MEANS.fullmatch(text):  # the title of a field, which the panel shows
        text = f"{means[1]} means: {t(means[2])}."
    filled = _templates(language()).filled
    best, given = None, []
    for ends in product((text[:_ENDS], ""), (text[-_ENDS:], "")):
        for one in filled.get(ends, ()):
            if one.longest not in text or (best is not None and best.letters >= one.letters):
                continue
            values = _values(one.pieces, text)
            if values is not None and not any(map(_SENTENCE_END.search, values)):
                best, given = one, values
    if best is None:
        return None
    return best.translation.format(
        *(one if is_code else _value(one, depth + 1) for one, is_code in zip(given, _in_code(best.pieces), strict=True))
    )


def _in_code(pieces: Sequence[str]) -> Sequence[bool]:
    """Return, of each value, whether it is a part of what stands between backticks."""
    before = accumulate(piece.count("`") for piece in pieces[:-1])
    return [count % 2 == 1 for count in before]


def _value(text: str, depth: int) -> str:
    """Return the translation of a value with the spaces around it."""
    bare = text.strip()
    return text.replace(bare, _translated(language(), bare, depth), 1) if bare else text


def _values(pieces: Sequence[str], text: str) -> list[str] | None:
    """Return the values in a text that has these pieces in this order, each as short as can be; None if it has not."""
    first, *others = pieces
    if not others:
        return [] if text == first else None
    if not text.startswith(first) or not text.endswith(others[-1]):
        return None
    values, at = [], len(first)
    for piece in others[:-1]:
        end = text.find(piece, at)
        if end < 0:
            return None
        values.append(text[at:end])
        at = end + len(piece)
    end = len(text) - len(others[-1])
    return [*values, text[at:end]] if end >= at else None


@cache
def _templates(spoken: str) -> _Templates:
    whole: dict[str, str] = {}
    filled: dict[tuple[str, str], list[_Template]] = {}
    for text, said in script_texts("messages").items():
        pieces = [one.replace("{{", "{").replace("}}", "}") for one in _PLACEHOLDER.split(text.strip())]
        translation = str(said).strip()
        if len(pieces) == 1:
            whole[pieces[0]] = translation.format()
        else:
            start, end = pieces[0][:_ENDS], pieces[-1][-_ENDS:]
            ends = (start if len(start) == _ENDS else "", end if len(end) == _ENDS else "")
            filled.setdefault(ends, []).append(
                _Template(pieces, translation, sum(map(len, pieces)), max(pieces, key=len))
            )
    return _Templates(whole, filled)
