"""Summaries of the demo model: the most telling sentences of a text, and commits grouped by what they do."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demo.model.evidence import STACK_LINE, strengths, weigh
from demo.model.text import Document, short

BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.*\S)")
COMMIT_LINE = re.compile(
    r"^\s*(?:[-*•]\s+|\d+[.)]\s+)?(?:commit\s+)?[`\[(]*(?P<sha>[0-9a-f]{7,40})[`\])]*[\s:,–-]+(?P<subject>\S.*)$"
)
KINDS = (
    ("New", r"feat|add|introduce|new|support|allow|implement|create|ship"),
    ("Fixed", r"fix|bug|repair|correct|prevent|avoid|handle|revert|hotfix"),
    ("Faster", r"perf|speed|cache|faster|optimi[sz]e"),
    ("Tests and documentation", r"docs?|test|tests|document|explain|readme|changelog|typo"),
    ("Upkeep", r"chore|refactor|build|ci|bump|update|upgrade|rename|remove|move|clean|drop|release|style"),
)


@dataclass(frozen=True)
class Commit:
    """One commit as it stands in a prompt."""

    sha: str
    subject: str
    author: str = ""
    url: str = ""


def summary(document: Document, limit: int = 420) -> str:
    """The one to three most telling sentences in their own order, and the decisive line of a stack trace."""
    said: list[str] = []
    trace = _decisive_line(document)
    for sentence in telling(document, 3):
        said.append(_finished(sentence))
        if trace and sentence.endswith((":", "：")):
            said[-1] = f"{sentence[0].upper()}{sentence[1:]} {trace}"
            trace = ""
    text = " ".join(said)
    if trace and trace not in text:
        text = f"{text} {trace}".strip()
    return short(text or document.title, limit)


def report(document: Document) -> str:
    """A summary in Markdown; of a problem also the steps that show it and what the program wrote."""
    if _topic(document) != "problem" or not (document.steps or document.code):
        return summary(document)
    told = [each for each in telling(document, 3 + len(document.steps)) if not _is_step(each, document)]
    parts = [" ".join(_finished(each) for each in told[:3]) or document.title]
    if document.steps:
        parts.append("\n".join(f"{number}. {step}" for number, step in enumerate(document.steps, 1)))
    if document.code:
        parts.append(f"```\n{document.code}\n```")
    return "\n\n".join(parts)


def _is_step(sentence: str, document: Document) -> bool:
    return any(sentence in step for step in document.steps)


def _finished(sentence: str) -> str:
    """A sentence with a capital first and an end; a colon that announced something left out becomes a full stop."""
    whole = f"{sentence[0].upper()}{sentence[1:]}".rstrip(":：")
    return whole if whole[-1:] in ".!?。！？؟…»" else f"{whole}."


def telling(document: Document, count: int) -> list[str]:
    """The `count` sentences with the most evidence, figures and subject words, in the order of the text."""
    subject = {word for word in document.title.casefold().split() if len(word) > 3}
    topic = _topic(document)
    sentences = tuple(each for each in document.sentences if not _is_heading(each)) or document.sentences

    def weight(index: int) -> float:
        sentence = sentences[index]
        overlap = sum(1 for word in sentence.casefold().split() if word.strip(".,:;!?") in subject)
        figures = min(2, len(re.findall(r"\d+", sentence)))
        early = 2.0 if index == 0 else 1.0 if index < 3 else 0.0
        fragment = -3.0 if len(sentence) < 25 and not (topic and weigh(topic, sentence)) else 0.0
        return (weigh(topic, sentence) if topic else 0) + overlap + figures * 0.7 + early + fragment

    ranked = sorted(range(len(sentences)), key=lambda index: (-weight(index), index))
    return [sentences[index] for index in sorted(ranked[:count])]


def summary_in_points(document: Document) -> str:
    """A short Markdown summary: the title and the telling sentences as a list."""
    points = "\n".join(f"- {short(each, 240)}" for each in telling(document, 5))
    return f"**{document.title}**\n\n{points}" if document.subject and points else points or document.title


def commits_in(text: str) -> list[Commit]:
    """The commits listed in a text: a JSON array of objects, or lines that begin with a hash."""
    if found := _json_commits(text):
        return found
    lines = [match for line in text.splitlines() if (match := COMMIT_LINE.match(line))]
    return [Commit(each["sha"][:7], each["subject"].strip()) for each in lines]


def digest(commits: Sequence[Commit]) -> str:
    """Markdown: how many commits, then their subjects by kind, word for word."""
    authors = sorted({each.author for each in commits if each.author})
    by = f" by {', '.join(authors)}" if authors else ""
    parts = [f"{len(commits)} commit{'' if len(commits) == 1 else 's'}{by}."]
    for title, _ in (*KINDS, ("Other", "")):
        lines = [_entry(each) for each in commits if kind_of(each.subject) == title]
        if lines:
            parts.append(f"## {title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def kind_of(subject: str) -> str:
    """The group of a commit by the first word of its subject ("fix(web): ..." and "Fix ..." alike)."""
    first = re.match(r"\W*([a-zA-Z]+)", subject)
    word = first.group(1).casefold() if first else ""
    for title, verbs in KINDS:
        if re.fullmatch(rf"(?:{verbs})(?:s|es|d|ed|ing)?", word):
            return title
    return "Other"


def _entry(commit: Commit) -> str:
    subject = short(commit.subject, 160)
    reference = f"[{commit.sha}]({commit.url})" if commit.url else commit.sha
    return f"- {subject} ({reference})" if commit.sha else f"- {subject}"


def _json_commits(text: str) -> list[Commit]:
    start, end = text.find("["), text.rfind("]")
    try:
        entries = json.loads(text[start : end + 1]) if 0 <= start < end else []
    except ValueError:
        return []
    objects = [each for each in entries if isinstance(each, dict)]
    return [commit for each in objects if (commit := _commit_of(each)).subject]


def _commit_of(entry: dict[str, Any]) -> Commit:
    """A commit from GitHub's own form, or from a flat one."""
    raw = entry.get("commit")
    inner: dict[str, Any] = raw if isinstance(raw, dict) else entry
    message = str(inner.get("message") or inner.get("subject") or inner.get("title") or "")
    author = inner.get("author") or entry.get("author") or ""
    name = author.get("name") or author.get("login") or "" if isinstance(author, dict) else author
    url = str(entry.get("html_url") or entry.get("url") or "")
    return Commit(str(entry.get("sha") or "")[:7], (message.splitlines() or [""])[0], str(name), url)


def _is_heading(sentence: str) -> bool:
    """Whether it only announces a list ("Steps to reproduce:"), or is nothing but links."""
    announces = sentence.endswith((":", "：")) and len(sentence) < 30
    return announces or bool(re.fullmatch(r"\W*(?:\[[^\]]*\]\([^)]*\)\W*)+", sentence))


def _topic(document: Document) -> str:
    """The evidence that makes a sentence telling; of mail that wants nothing, none does."""
    scores = strengths(document)
    best = max(("problem", "request", "quiet"), key=lambda concept: scores[concept])
    return best if best != "quiet" else ""


def _decisive_line(document: Document) -> str:
    """The last line that names an error, for a text with a stack trace."""
    lines = [line.strip() for line in document.own_text.splitlines() if STACK_LINE.search(line)]
    named = [line for line in lines if not re.match(r"at\s|File ", line)]
    return short(named[-1], 160) if named else ""
