"""What the demo model writes: quoted sentences, a draft with a gap to fill in, a digest of commits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from demo.model.cues import strengths, weigh
from demo.model.document import Document, short, words_of

KINDS = (
    ("New", r"feat|add|introduce|new|support|allow|implement|create"),
    ("Fixed", r"fix|bug|repair|correct|prevent|avoid|handle|revert"),
    ("Faster", r"perf|speed|cache|faster|optimi[sz]e"),
    ("Upkeep", r"chore|refactor|build|ci|bump|update|upgrade|rename|remove|move|clean|drop|docs?|tests?|document"),
)

# For each language of a draft: its common words, the opening, the introduction to the questions, the closing.
PHRASES = (
    ("the and is we you to of", "Hello,\n\nthank you for your mail.", "You ask:", "[your answer]\n\nKind regards"),
    (
        "der die das und ist wir sie für",
        "Guten Tag,\n\nvielen Dank für Ihre Nachricht.",
        "Sie fragen:",
        "[Ihre Antwort]\n\nFreundliche Grüße",
    ),
)


def summary(document: Document) -> str:
    """Return the one to three most telling sentences in their original order."""
    return short(" ".join(map(_finished, telling(document, 3))) or document.title, 420)


def report(document: Document) -> str:
    """Return a summary in Markdown; for a problem also the steps listed and the program output."""
    if _concept(document) != "problem":
        return summary(document)
    said = " ".join(map(_finished, telling(document, 3))) or document.title
    code = f"```\n{document.code}\n```" if document.code else ""
    return "\n\n".join(filter(None, [said, "\n".join(document.items), code]))


def points(document: Document) -> str:
    """Return the title and the telling sentences as a list."""
    listed = "\n".join(f"- {short(each, 240)}" for each in telling(document, 5))
    return f"**{document.title}**\n\n{listed}" if document.subject and listed else listed or document.title


def telling(document: Document, count: int) -> list[str]:
    """Return the `count` sentences with the most cues and words of the subject, in text order."""
    subject = {word for word in words_of(document.title) if len(word) > 3}
    concept = _concept(document)
    sentences = document.sentences or document.items

    def weight(index: int) -> int:
        is_heading = len(sentences[index]) < 30 and sentences[index].endswith(":")
        early = 2 if index == 0 else 1 if index < 3 else 0
        cues = weigh(concept, sentences[index]) + len(subject & set(words_of(sentences[index])))
        return -9 if is_heading else cues + early

    ranked = sorted(range(len(sentences)), key=lambda index: (-weight(index), index))
    return [sentences[index] for index in sorted(ranked[:count])]


def draft(document: Document, asked: Sequence[str]) -> str:
    """Return a draft for a person to finish: it states only what the mail says, and promises nothing."""
    said = words_of(document.own_text)
    _, opening, asking, end = max(PHRASES, key=lambda each: sum(word in each[0].split() for word in said))
    quoted = "\n".join([asking, *(f"> {each}" for each in asked)])
    return "\n\n".join([opening, *([quoted] if asked else []), end])


def commits_in(text: str) -> list[Mapping[str, Any]]:
    """Return the commits in a text's JSON array of objects with `sha` and `message`."""
    start, end = text.find("["), text.rfind("]")
    try:
        entries = json.loads(text[start : end + 1]) if 0 <= start < end else []
    except (ValueError, RecursionError):
        return []
    return [each for each in entries if isinstance(each, dict) and {"sha", "message"} <= each.keys()]


def digest(commits: Sequence[Mapping[str, Any]]) -> str:
    """Return Markdown: the number of commits, then their subjects by kind, verbatim."""
    authors = sorted({str(each["author"]) for each in commits if each.get("author")})
    parts = [f"{len(commits)} commit{'' if len(commits) == 1 else 's'}{' by ' * bool(authors)}{', '.join(authors)}."]
    for title in [*(title for title, _ in KINDS), "Other"]:
        lines = [_entry(each) for each in commits if _kind_of(str(each["message"])) == title]
        parts += [f"## {title}\n\n" + "\n".join(lines)] if lines else []
    return "\n\n".join(parts)


def _kind_of(subject: str) -> str:
    """Return the group of a commit by the first word of its subject ("fix(web): ..." and "Fixes ..." alike)."""
    word = next(iter(words_of(subject)), "")
    return next((title for title, verbs in KINDS if re.fullmatch(rf"(?:{verbs})(?:s|es|d|ed|ing)?", word)), "Other")


def _entry(commit: Mapping[str, Any]) -> str:
    subject, sha = short(str(commit["message"]).partition("\n")[0], 160), str(commit["sha"])[:7]
    return f"- {subject} ([{sha}]({commit['url']}))" if commit.get("url") else f"- {subject} ({sha})"


def _concept(document: Document) -> str:
    """Return the concept that makes a sentence telling."""
    scores = strengths(document)
    return max(("problem", "request", "quiet"), key=lambda concept: scores[concept])


def _finished(sentence: str) -> str:
    """Return a sentence with a capital first and an end mark; a colon before something left out becomes a full stop."""
    whole = f"{sentence[0].upper()}{sentence[1:]}".rstrip(":")
    return whole if whole[-1:] in ".!?。！？؟…»" else f"{whole}."
