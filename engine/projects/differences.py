"""How two contents of a file differ, as a unified diff; also where they are large, or no text."""

from __future__ import annotations

from engine.documents import line_differences


def unified(path: str, before: bytes, after: bytes) -> str:
    """Return a unified diff; that of a file that is not text says only that it differs."""
    if b"\0" in before + after:
        return f"Binary files a/{path} and b/{path} differ"
    try:
        old, new = before.decode(), after.decode()
    except UnicodeDecodeError:
        return f"Binary files a/{path} and b/{path} differ"
    return "\n".join(line_differences.unified(_split(old), _split(new), f"a/{path}", f"b/{path}"))


def _split(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]
