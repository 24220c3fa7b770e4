"""What a write would do, as a plan or a question to a person records it, and how it differs from what is there."""

from __future__ import annotations

from engine.documents.line_differences import unified
from engine.plugins.step import Preview
from engine.record.types.step import PreviewRecord


def recorded(preview: Preview) -> PreviewRecord:
    """Return a preview as it is recorded."""
    return {
        "title": preview.title,
        "text": preview.text,
        "before": preview.before,
        "object": preview.object,
        "version": preview.version,
    }


def difference(before: str | None, after: str) -> str | None:
    """Return a unified diff of two texts; None if there is nothing to compare, or nothing differs."""
    if before is None or before == after:
        return None
    return "\n".join(unified(before.splitlines(), after.splitlines(), "now", "planned"))


def shown(preview: Preview) -> str:
    """Return what a write would do: the difference on its object, or what it sends or removes as it is."""
    return difference(preview.before, preview.text) or preview.text


def changes(then: Preview, now: Preview) -> str:
    """Return what is different about the object and what the write would do to it, for people."""
    lines = list(unified(_lines(then), _lines(now), "approved", "now"))
    if not lines:
        lines = [f"version {then.version!r}", f"version {now.version!r}"]
    return "\n".join(lines)


def _lines(preview: Preview) -> list[str]:
    shown = [preview.title, *(preview.before or "").splitlines()]
    return shown if preview.before == preview.text else [*shown, *preview.text.splitlines()]
