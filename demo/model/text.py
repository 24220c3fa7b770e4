"""How the demo model reads: it takes the document out of a conversation and cuts it into what is worth quoting."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from demo.model.language import language_of

SUBJECT_LINE = re.compile(
    r"^[ \t>*_-]*(?:subject|betreff|objet|asunto|oggetto|title|件名|тема)[ *_]*[:：][ *_]*(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
HEAD_LINE = re.compile(r"^(?:from|to|cc|date|sender)\s*:", re.IGNORECASE)
BODY_LABEL = re.compile(r"^(?:text|body|mail|message)\s*:\s*", re.IGNORECASE)
REPLY_PREFIX = re.compile(r"^\s*(?:(?:re|fwd?|aw|wg|sv|vs|tr|rv|antw)\s*(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE)
NO_SUBJECT = re.compile(r"^[(<\[]?\s*(?:no subject|kein betreff|sans objet|none|null)\s*[)>\]]?$", re.IGNORECASE)
# How mail programs open a quotation: "On ... wrote:", "Am ... schrieb ...:", "Le ... a écrit :", Outlook's rule.
QUOTE_OPENS = re.compile(
    r"^(?:(?:on|am|le|el|il)\b.{4,120}(?:wrote|schrieb|a écrit|escribió|ha scritto)\b.{0,90}[:：]"
    r"|-{2,}\s*(?:original message|ursprüngliche nachricht|message d'origine|forwarded message).{0,20}"
    r"|_{20,})\s*$",
    re.IGNORECASE,
)
# Words that are said to a program that reads the mail, not to the person it was sent to.
TO_A_PROGRAM = re.compile(
    r"<\|\w+\|>|</?\s*(?:tool_call|function_call|tool|system|assistant|mail|email|document|untrusted)\b"
    r"|\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|polic|direction)"
    r"|^\s*(?:system(?: message| prompt)?|assistant|important note for the ai.*?)\s*[:：]"
    r"|\b(?:ai|language model|llm|assistant)\b.{0,30}\b(?:must|should|instruction)|\byou are now\b"
    r"|\b(?:classify|label|mark|treat) this (?:mail|message|email)\b|\banswer only with\b",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[^\s\d])|(?<=[。！？؟])\s*")
GREETING = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|morning|guten (?:tag|morgen)|hallo|liebe[rs]?|"
    r"sehr geehrte|bonjour|bonsoir|chère?s?|hola|buenos días|estimad[oa]s?|ciao|buongiorno|gentile|"
    r"здравствуйте|добрый день|уважаем\w*|السلام عليكم|مرحبا)\b[^.?!]{0,50}[,!:،.]?$"
    r"|^(?:お世話になって|.{1,12}(?:御中|様)$)",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"^(?:(?:best|kind|warm|many)? ?(?:regards|wishes)|best|cheers|sincerely|thanks|thank you|many thanks|"
    r"mit freundlichen grüßen|freundliche grüße|viele grüße|(?:bien )?cordialement|saludos|cordiali saluti|"
    r"с уважением|مع خالص الشكر|よろしくお願い(?:いた)?します)\W*(?:[,!.،]|\w+)?\W*$",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"^\s*\d{1,2}[.)]\s+(\S.*)$")
# What a mail is about stands in its first pages.
READ_MOST = 20_000
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
CODE_LINE = re.compile(
    r"^\s*at\s+\S+\(|^\s*File \".*\", line \d+|^Traceback|^\s*[\w.]*(?:Error|Exception|Fault)\b\S*:"
    r"|^[\w.]+\.[A-Z]\w+: |^\s{2,}\S"
)


@dataclass(frozen=True)
class Document:
    """The mail, issue or text that a conversation is about, and the words around it.

    `is_given`: the caller marked it off with a "Subject:" line, so that none of it is the caller's own request.
    """

    subject: str
    text: str
    instructions: str = ""
    is_given: bool = False

    @cached_property
    def own_text(self) -> str:
        """The beginning of the text without quotations and orders to programs."""
        text = self.text[:READ_MOST]
        own = "\n".join(_own_lines(text)).strip()
        return own if len(WORD.findall(own)) >= 3 else _without_orders(text).strip()

    @cached_property
    def title(self) -> str:
        """The subject without "Re:" and "Fwd:", else the first sentence."""
        subject = REPLY_PREFIX.sub("", self.subject).strip()
        if subject and not NO_SUBJECT.match(subject):
            return subject
        nothing = "(no subject)" if self.is_given or not self.own_text else short(self.own_text, 80)
        return next((short(each, 80) for each in self.sentences), nothing)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """What is said, sentence by sentence; greetings, closings and code are left out."""
        return tuple(_sentences(self.own_text))

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """The numbered lines of the text, without their numbers."""
        lines = [line for block in _blocks(self.own_text) for line in _unwrapped(_spoken(block))]
        return tuple(match.group(1) for line in lines if (match := NUMBERED.match(line)))

    @cached_property
    def code(self) -> str:
        """The first run of lines that a program wrote (a log, a stack trace), at most 15 of them; "" for none."""
        lines = [line if CODE_LINE.match(line) else "" for line in self.own_text.splitlines()]
        run = re.split(r"\n{3,}", "\n".join(lines).strip("\n"))[0]
        kept = [line for line in run.splitlines() if line.strip()][:15]
        return textwrap.dedent("\n".join(kept)).replace("`", "'")[:2000]

    @cached_property
    def language(self) -> str:
        """ISO 639-1 code of the likely language; "en" when nothing says otherwise."""
        return language_of(f"{self.subject}\n{self.own_text}")

    @cached_property
    def word_count(self) -> int:
        """Words, where a run of six characters without spaces counts as three (Japanese, Chinese)."""
        words = WORD.findall(self.own_text)
        return sum(1 if word.isascii() or len(word) < 6 else max(1, len(word) // 3) for word in words)


def document_of(messages: Sequence[Mapping[str, Any]]) -> Document:
    """The document in the last user message: what follows its "Subject:" line, or all of it."""
    user = next((text_of(each) for each in reversed(messages) if each.get("role") == "user"), "")
    system = "\n".join(text_of(each) for each in messages if each.get("role") in {"system", "developer"})
    found = SUBJECT_LINE.search(user)
    if found is None:
        return Document("", user.strip(), system)
    before, after = user[: found.start()], user[found.end() :]
    head, body = _split_head(after)
    instructions = f"{system}\n{before}\n{head}".strip()
    return Document(found.group(1).strip(), body.strip(), instructions, is_given=True)


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a chat message, whose content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def _split_head(text: str) -> tuple[str, str]:
    """Header-like lines directly below the subject ("From: ..."), and the rest."""
    lines = text.lstrip("\n").split("\n")
    count = 0
    while count < len(lines) and HEAD_LINE.match(lines[count]):
        count += 1
    if count < len(lines) and (label := BODY_LABEL.match(lines[count])):
        lines[count] = lines[count][label.end() :]
    return "\n".join(lines[:count]), "\n".join(lines[count:])


def _own_lines(text: str) -> Iterable[str]:
    for line in _without_orders(text).splitlines():
        if QUOTE_OPENS.match(line.strip()) or line.rstrip() == "--":
            return
        if not line.lstrip().startswith(">"):
            yield line


def _without_orders(text: str) -> str:
    """The text without the paragraphs that speak to a program: they are nothing the sender reports or asks."""
    return "\n\n".join(_without_orders_in_paragraph(each) for each in re.split(r"\n\s*\n", text))


def _without_orders_in_paragraph(paragraph: str) -> str:
    """Nothing of a short paragraph that holds such words; of a long one, all but the sentences that do."""
    if not TO_A_PROGRAM.search(paragraph):
        return paragraph
    if len(paragraph) < 400:
        return ""
    return "\n".join(each for each in SENTENCE_END.split(paragraph) if not TO_A_PROGRAM.search(each))


def _sentences(text: str) -> Iterable[str]:
    for block in _blocks(text):
        for line in _unwrapped(_spoken(block)):
            for sentence in SENTENCE_END.split(line):
                if len(sentence.strip()) > 2 and not GREETING.match(sentence.strip()):
                    yield " ".join(sentence.split())


def _blocks(text: str) -> list[list[str]]:
    """The paragraphs as lists of lines, without a signature at the end."""
    blocks = [block.splitlines() for block in re.split(r"\n\s*\n", text) if block.strip()]
    return blocks[:-1] if len(blocks) > 1 and _is_signature(blocks[-1]) else blocks


def _is_signature(lines: Sequence[str]) -> bool:
    """Whether a last paragraph is only a name and where it belongs: a few short words, no sentence."""
    whole = " ".join(lines)
    return len(WORD.findall(whole)) <= 6 and not re.search(r"[.!?…。！？؟:]\s*$|\d", whole)


def _spoken(block: Sequence[str]) -> list[str]:
    """The lines of a paragraph without code, without a greeting above and from a closing on."""
    lines = [re.sub(r"^#{1,6}\s+", "", line) for line in block if not CODE_LINE.match(line)]
    if lines and GREETING.match(lines[0].strip()):
        lines = lines[1:]
    ends = next((index for index, line in enumerate(lines) if CLOSING.match(line.strip())), len(lines))
    return lines[:ends]


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """Paragraph lines joined; list items stay on their own."""
    joined: list[str] = []
    for line in lines:
        if joined and not _begins_item(line, joined[-1]):
            # Japanese and Chinese lines join without a space.
            gap = "" if ord(joined[-1][-1]) > 0x2E80 else " "
            joined[-1] += gap + line.strip()
        else:
            joined.append(line.strip())
    return joined


def _begins_item(line: str, before: str) -> bool:
    """Whether a line starts a list item or a labelled line; "1. December" in the middle of a sentence does not."""
    if re.match(r"^\s*[-*•]\s|^[A-Z]\w+: ", line):
        return True
    after_item = re.match(r"^\d+[.)]\s", before)
    return bool(re.match(r"^\s*\d+[.)]\s", line) and (after_item or before.endswith((":", ".", "!", "?", "："))))


def short(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    cut = text[: max(1, limit - 1)]
    head = cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut
    return head.rstrip(" ,;:") + "…"
