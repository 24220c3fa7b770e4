"""What the demo model writes: quoted sentences, answers from passages, drafts with a gap, digests of commits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from demo.model.concepts import CONCEPTS, asked_in, needs_answer, strengths
from demo.model.document import SENTENCE_END, TO_A_PROGRAM, PromptDocument, short, words_of

KINDS = {
    "New": r"feat|add|introduce|new|support|allow|implement|create",
    "Fixed": r"fix|bug|repair|correct|prevent|avoid|handle|revert",
    "Faster": r"perf|speed|cache|faster|optimi[sz]e",
    "Upkeep": r"chore|refactor|build|ci|bump|update|upgrade|rename|remove|move|clean|drop|docs?|tests?|document",
    "Other": ".*",
}
"""The headings of a digest: the first word of a commit's message chooses one."""
PHRASES = {
    "the and is we you to of": "Hello,\n\nthank you for your mail.\n\nYou ask:{}\n\n[your answer]\n\nKind regards",
    "der die das und ist wir sie für": "Guten Tag,\n\nvielen Dank für Ihre Nachricht.\n\nSie fragen:{}\n\n"
    "[Ihre Antwort]\n\nFreundliche Grüße",
}
"""The drafts by language, which is recognized by its common words."""

PASSAGE = re.compile(r"^\[(\d+)\] ([^\n]*)\n(.*?)(?=\n\n\[\d+\] |\n\nQuestion: )", re.MULTILINE | re.DOTALL)
COMMON = frozenset(
    "a an and are at can do does for from have how i in is it my of on or the there this to was what when where which"
    " who why will with you der die das ein eine und ist sind wie wann wo was wer ich zu im in".split()
)
_EVERY_MAIL = re.compile(r"\bdraft an answer to every mail\b", re.IGNORECASE)
_WISH = re.compile(r"^<what_to_say>(\s*\S.*?)</what_to_say>", re.MULTILINE | re.DOTALL)
"""What a draft should say, where the instructions tell."""
FEWEST_SHARED = 2
"""How many words a sentence and its heading must share with the question."""


def summary(document: PromptDocument) -> str:
    """Return the one to three most telling sentences in their original order."""
    return short(_told(document), 420)


def report(document: PromptDocument) -> str:
    """Return a summary in Markdown; for a problem also the steps listed and the program output."""
    parts = [_told(document), "\n".join(document.items), f"```\n{document.code}\n```" if document.code else ""]
    return "\n\n".join(filter(None, parts)) if _concept(document) == "problem" else summary(document)


def points(document: PromptDocument) -> str:
    """Return the title and the telling sentences as a list."""
    listed = "\n".join(f"- {short(each, 240)}" for each in telling(document, 5))
    return f"**{document.title}**\n\n{listed}" if document.subject and listed else listed or document.title


def telling(document: PromptDocument, count: int) -> list[str]:
    """Return the `count` sentences with the most cues and words of the subject, in text order."""
    subject = {word for word in words_of(document.title) if len(word) > 3}
    concept = CONCEPTS[_concept(document)]

    def weight(place: tuple[int, str]) -> int:
        index, sentence = place
        is_heading = len(sentence) < 30 and sentence.endswith(":")
        early = 2 if index == 0 else 1 if index < 3 else 0
        return -9 if is_heading else early + concept.weigh(sentence) + len(subject & {*words_of(sentence)})

    ranked = sorted(enumerate(document.sentences or document.items), key=weight, reverse=True)
    return [sentence for _, sentence in sorted(ranked[:count])]


def is_drafted(document: PromptDocument) -> bool:
    """Return whether the document gets a draft: the instructions want one of every mail, or it asks something."""
    return bool(_EVERY_MAIL.search(document.instructions)) or needs_answer(document)


def draft(document: PromptDocument) -> str:
    """Return a draft: it states only what the mail and the instructions say, and leaves a gap if these say nothing."""
    wish = _WISH.search(document.instructions)
    said = words_of(document.own_text)
    phrases = PHRASES[max(PHRASES, key=lambda words: sum(word in words.split() for word in said))]
    asked = "".join(f"\n> {each}" for each in asked_in(document))
    parts = [each.format(asked) for each in phrases.split("\n\n") if asked or "{}" not in each]
    if wish:
        parts = [wish[1].strip() if each.startswith("[") else each for each in parts]
    return "\n\n".join(parts)


def digest(text: str) -> str:
    """Return the commits in a text's JSON array, if any, as Markdown: their number, then their subjects by kind."""
    try:
        entries = json.loads(text[text.find("[") : text.rfind("]") + 1])
    except (ValueError, RecursionError):
        return ""
    commits = [each for each in entries if isinstance(each, dict) and {"sha", "message"} <= each.keys()]
    if not commits:
        return ""
    authors = ", ".join(sorted({str(each["author"]) for each in commits if each.get("author")}))
    parts = [f"{len(commits)} commit{'' if len(commits) == 1 else 's'}{' by ' if authors else ''}{authors}."]
    lines: dict[str, list[str]] = {title: [] for title in KINDS}
    for commit in commits:
        subject, sha = short(str(commit["message"]).partition("\n")[0], 160), str(commit["sha"])[:7]
        word = next(iter(words_of(subject)), "")  # "fix(web): ..." and "Fixes ..." alike
        kind = next(title for title, verbs in KINDS.items() if re.fullmatch(rf"(?:{verbs})(?:s|es|d|ed|ing)?", word))
        lines[kind].append(f"- {subject} ([{sha}]({commit['url']}))" if commit.get("url") else f"- {subject} ({sha})")
    return "\n\n".join([*parts, *(f"## {title}\n\n" + "\n".join(each) for title, each in lines.items() if each)])


def answer_from_passages(text: str, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return {answer, answered, passages}; None if the text asks no question about passages."""
    _, _, question = text.partition("\n\nQuestion: ")
    if not question or not (schema.get("properties") or {}).keys() >= {"answer", "answered", "passages"}:
        return None
    wanted = set(words_of(question)) - COMMON
    sentences = [
        (len(wanted & {*words_of(heading), *words_of(one)}), len(wanted & {*words_of(one)}), -int(number), one.strip())
        for number, heading, passage in PASSAGE.findall(text)
        for one in SENTENCE_END.split(passage)
        if one.strip() and not TO_A_PROGRAM.search(one)
    ]
    shared, _, number, sentence = max(sentences, default=(0, 0, 0, ""))
    if shared < min(FEWEST_SHARED, max(1, len(wanted))):
        return {"answer": "The passages do not say.", "answered": False, "passages": []}
    return {"answer": sentence, "answered": True, "passages": [-number]}


def _told(document: PromptDocument) -> str:
    """Return the telling sentences, each with a capital first and an end mark; what a colon announces is left out."""
    each = [f"{sentence[0].upper()}{sentence[1:]}".rstrip(":") for sentence in telling(document, 3)]
    return " ".join(one if one[-1:] in ".!?。！？؟…»" else f"{one}." for one in each) or document.title


def _concept(document: PromptDocument) -> str:
    """Return the concept that makes a sentence telling."""
    scores = strengths(document)
    return max(("problem", "request", "quiet"), key=lambda concept: scores.get(concept, 0))
