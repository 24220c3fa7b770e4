"""How the demo model reads: it extracts the mail from a conversation and splits it into quotable pieces."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
# The first pages say what a mail is about.
READ_MOST = 20_000
# A paragraph up to this length is dropped if it addresses a program; of a longer one only those sentences.
SHORT_PARAGRAPH = 400


@dataclass(frozen=True)
class Document:
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
        return "\n".join(_unquoted("\n\n".join(map(_without_orders, paragraphs)))).strip()

    @cached_property
    def topic(self) -> str:
        """The subject; "" if it belongs to an earlier mail."""
        return "" if REPLY_PREFIX.match(self.subject) else self.subject

    @cached_property
    def title(self) -> str:
        """The subject without "Re:" and "Fwd:", else the first sentence."""
        nothing = "(no subject)" if self.is_given or not self.own_text else short(self.own_text, 80)
        return REPLY_PREFIX.sub("", self.subject).strip() or next((short(one, 80) for one in self.sentences), nothing)

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

    @cached_property
    def _lines(self) -> tuple[str, ...]:
        return tuple(line for block in _body(self.own_text) for line in _unwrapped(block))

    @cached_property
    def code(self) -> str:
        """The first block of program output (a log, a stack trace), at most 15 lines; "" if none."""
        lines = [line if CODE_LINE.match(line) else "" for line in self.own_text.splitlines()]
        run = re.split(r"\n{2,}", "\n".join(lines).strip("\n"))[0]
        return textwrap.dedent("\n".join(run.splitlines()[:15])).replace("`", "'")[:2000]

    @cached_property
    def word_count(self) -> int:
        """The number of words in the mail itself."""
        return len(WORD.findall(self.own_text))


def document_of(messages: Sequence[Mapping[str, Any]]) -> Document:
    """Return the document in the last user message: the text from its "Subject:" line, or all of it."""
    user = next((text_of(each) for each in reversed(messages) if each.get("role") == "user"), "")
    system = "\n".join(text_of(each) for each in messages if each.get("role") in {"system", "developer"})
    found = SUBJECT_LINE.search(user)
    if found is None:
        return Document("", user.strip(), system)
    before, after = user[: found.start()], user[found.end() :]
    body = HEAD_LINES.sub("", after, count=1).strip()
    return Document(found.group(1).strip(), body, f"{system}\n{before}".strip(), is_given=True)


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a chat message, whose content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


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
    if len(paragraph) < SHORT_PARAGRAPH:
        return ""
    return "\n".join(each for each in SENTENCE_END.split(paragraph) if not TO_A_PROGRAM.search(each))


def _unquoted(text: str) -> Iterator[str]:
    """Yield the lines up to the first quotation or signature."""
    for line in text.splitlines():
        if QUOTE_OPENS.match(line):
            return
        if not line.lstrip().startswith(">"):
            yield line


def _body(text: str) -> list[list[str]]:
    """Return the paragraphs as lists of lines, without greeting, closing and code."""
    lines = text.splitlines()
    lines = lines[: next((n for n, line in enumerate(lines) if n and CLOSING.match(line.strip())), len(lines))]
    blocks = [block.splitlines() for block in re.split(r"\n\s*\n", "\n".join(lines)) if block.strip()]
    if len(blocks) > 1 and len(blocks[0]) == 1 and _is_no_sentence(blocks[0]):
        blocks = blocks[1:]
    if len(blocks) > 1 and _is_no_sentence(blocks[-1]):
        blocks = blocks[:-1]
    return [[line for line in block if not CODE_LINE.match(line)] for block in blocks]


def _is_no_sentence(lines: Sequence[str]) -> bool:
    """Return whether these few words are a greeting, or a name with an affiliation."""
    few = len(WORD.findall(" ".join(lines))) <= 8
    return few and not any(re.search(r"^\s*[-*•]|\d|[.?…:。？؟]\s*$", line) for line in lines)


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """Join the lines of a paragraph; list items and lines with a label stay separate."""
    joined: list[str] = []
    for line in map(str.strip, lines):
        # "1. December" inside a sentence is not a list item.
        is_item = ITEM.match(line) and joined and (ITEM.match(joined[-1]) or joined[-1].endswith((".", ":", "!", "?")))
        if joined and not is_item and not re.match(r"[-*•] |[A-Z]\w+: ", line):
            joined[-1] += f" {line}"
        else:
            joined.append(line)
    return joined
