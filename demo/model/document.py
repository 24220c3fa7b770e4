"""How the demo model reads: it extracts the mail from a conversation and splits it into quotable pieces."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import Any

SUBJECT_LINE = re.compile(r"^[ \t>*_-]*(?:subject|betreff|objet|title)[ *_]*:[ *_]*(.*)$", re.IGNORECASE | re.MULTILINE)
HEAD_LINES = re.compile(r"\s*(?:(?:from|to|cc|date|sender):.*\n)*(?:(?:text|body|mail|message):)?", re.IGNORECASE)
REPLY_PREFIX = re.compile(r"^\s*(?:(?:re|fwd?|aw|wg|sv|tr)\s*:\s*)+", re.IGNORECASE)
# How mail programs begin a quotation or a signature.
QUOTE_OPENS = re.compile(
    r"^(?:(?:On|Am|Le)\b.{4,120}(?:wrote|schrieb|a écrit)\b.{0,90}:|-{2,} ?\w+ \w+ ?-{2,}|_{20,}|--)\s*$", re.IGNORECASE
)
# Words addressed to a program that reads the mail, not to its recipient.
TO_A_PROGRAM = re.compile(
    r"<\|\w+\|>|</?\s*(?:tool_call|function_call|tool|system|assistant|mail|email|document|untrusted)\b"
    r"|\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|polic|direction)"
    r"|^\s*(?:system(?: message| prompt)?|assistant)\s*:|\b(?:ai|assistant|language model)\b.{0,30}\b(?:must|should)"
    r"|\byou are now\b|\b(?:classify|label|mark|treat) this (?:mail|message|email)\b|\banswer only with\b",
    re.IGNORECASE | re.MULTILINE,
)
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[^\s\d])|(?<=[。！？؟])\s*")
CLOSING = re.compile(
    r"^(?:(?:best|kind|warm|many) )?(?:regards|wishes|thanks|best|cheers|sincerely)\W*$"
    r"|^(?:mit freundlichen|freundliche|viele) grüßen?\W*$|^(?:bien )?cordialement\W*$",
    re.IGNORECASE,
)
CODE_LINE = re.compile(r"^\s*at\s+\S+\(|^Traceback|^[\w.]+(?:Error|Exception)\b|^[\w.]+\.[A-Z]\w+: |^\s{2,}\S")
ITEM = re.compile(r"^(?:[-*•]|\d{1,2}[.)])\s+(?=\S)")
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
# What a program says about an answer that it cannot use.
REMARK = re.compile(
    r"(?i)\s*(?:that|your (?:last )?(?:answer|call|output)) (?:does|is|was) (?:not|no) (?:fit|valid|whole)\b"
)
# The first pages say what a mail is about.
READ_MOST = 20_000
# A paragraph up to this length is dropped if it addresses a program; a longer one only loses those sentences.
SHORT_PARAGRAPH = 400


@dataclass(frozen=True)
class PromptDocument:
    """The mail, issue or text that a conversation is about, and the instructions around it.

    `is_given`: the caller marked it with a "Subject:" line, so that none of it is the caller's own request.
    """

    subject: str
    text: str
    instructions: str = ""
    is_given: bool = False

    @cached_property
    def own_text(self) -> str:
        """The beginning of the text without quotations and orders to programs."""
        paragraphs = re.split(r"\n\s*\n", self.text[:READ_MOST])
        lines = "\n\n".join(map(_without_orders, paragraphs)).splitlines()
        before = takewhile(lambda line: not QUOTE_OPENS.match(line), lines)
        return "\n".join(line for line in before if not line.lstrip().startswith(">")).strip()

    @cached_property
    def title(self) -> str:
        """The subject without "Re:" and "Fwd:", or the first sentence."""
        first = next(iter(self.sentences), "" if self.is_given else self.own_text)
        return REPLY_PREFIX.sub("", self.subject).strip() or short(first, 80) or "(no subject)"

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The sentences outside lists, without greeting, signature and code."""
        prose = (line for line in self._lines if not ITEM.match(line))
        found = (" ".join(sentence.split()) for line in prose for sentence in SENTENCE_END.split(line))
        return tuple(sentence for sentence in found if len(sentence) > 2)

    @cached_property
    def items(self) -> tuple[str, ...]:
        """List items, with their bullets."""
        return tuple(line for line in self._lines if ITEM.match(line))

    @property
    def points(self) -> list[str]:
        """List items, without their bullets."""
        return [ITEM.sub("", item) for item in self.items]

    @cached_property
    def _lines(self) -> list[str]:
        """The lines without greeting, closing and code."""
        lines = self.own_text.splitlines()
        end = next((n for n, line in enumerate(lines) if n and CLOSING.match(line.strip())), len(lines))
        blocks = [block.splitlines() for block in re.split(r"\n\s*\n", "\n".join(lines[:end])) if block.strip()]
        first = int(len(blocks) > 1 and _is_no_sentence(blocks[0]))
        last = len(blocks) - int(len(blocks) > first + 1 and _is_no_sentence(blocks[-1]))
        return [line for block in blocks[first:last] for line in _unwrapped(block)]

    @cached_property
    def code(self) -> str:
        """The first block of program output (a log, a stack trace), at most 15 lines, or ""."""
        lines = [line if CODE_LINE.match(line) else "" for line in self.own_text.splitlines()]
        run = re.split(r"\n{2,}", "\n".join(lines).strip("\n"))[0]
        # Without backticks, which would end the code block around it in Markdown.
        return textwrap.dedent("\n".join(run.splitlines()[:15])).replace("`", "'")[:2000]


def document_of(messages: Sequence[Mapping[str, Any]]) -> PromptDocument:
    """Return the document that the user has sent last: the text from its "Subject:" line, or all of it."""
    user, later = request_of(messages)
    system = "\n".join([*(text_of(each) for each in messages if each.get("role") in {"system", "developer"}), later])
    found = SUBJECT_LINE.search(user)
    if found is None:
        return PromptDocument("", user.strip(), system)
    before, after = user[: found.start()], user[found.end() :]
    body = HEAD_LINES.sub("", after, count=1).strip()
    return PromptDocument(found.group(1).strip(), body, f"{system}\n{before}".strip(), is_given=True)


def request_of(messages: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the user's message with the document, and a later line about it, or ""; remarks on answers are neither."""
    users = [text_of(each) for each in messages if each.get("role") == "user"]
    said = [one for index, one in enumerate(users) if not (index and REMARK.match(one))] or [""]
    with_document = [one for one in said if SUBJECT_LINE.search(one) or "\n" in one.strip()]
    is_about_it = SUBJECT_LINE.search((with_document or [""])[-1]) and with_document[-1] != said[-1]
    return (with_document[-1], said[-1]) if is_about_it else (said[-1], "")


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a chat message, whose content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


@lru_cache(maxsize=2048)
def words_of(text: str) -> list[str]:
    """Split an identifier or a text into words in lower case: "needsAnswer_now" -> needs, answer, now."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")
    return [word.casefold() for word in WORD.findall(spaced)]


def short(text: str, limit: int) -> str:
    """Return at most `limit` characters, cut between words."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    cut = text[: max(1, limit - 1)]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut).rstrip(" ,;:") + "…"


def _without_orders(paragraph: str) -> str:
    """Drop what a paragraph says to a program: the sender neither reports nor asks that."""
    if not TO_A_PROGRAM.search(paragraph):
        return paragraph
    rest = (each for each in SENTENCE_END.split(paragraph) if not TO_A_PROGRAM.search(each))
    return "" if len(paragraph) < SHORT_PARAGRAPH else "\n".join(rest)


def _is_no_sentence(lines: Sequence[str]) -> bool:
    """Return whether these few words are a greeting, or a name with an affiliation."""
    few = len(WORD.findall(" ".join(lines))) <= 8
    return few and not any(re.search(r"^\s*[-*•]|\d|[.?…:。？؟]\s*$", line) for line in lines)


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """Join the lines of a paragraph without code; list items and lines with a label stay separate."""
    joined: list[str] = []
    for line in (each.strip() for each in lines if not CODE_LINE.match(each)):
        # "1. December" inside a sentence is not a list item.
        is_item = ITEM.match(line) and joined and (ITEM.match(joined[-1]) or joined[-1].endswith((".", ":", "!", "?")))
        if joined and not is_item and not re.match(r"[-*•] |[A-Z]\w+: ", line):
            joined[-1] += f" {line}"
        else:
            joined.append(line)
    return joined
