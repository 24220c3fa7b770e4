"""Subject and text of an `.eml` file for the tests of the demo model, read as a person would."""

from __future__ import annotations

from pathlib import Path

from demo.gmail.mime import MimeMail

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "demo" / "gmail" / "mails"
NEW = ROOT / "demo" / "gmail" / "new_mails"


def prompt(path: Path) -> str:
    """The user message that the shipped prompts make of a mail."""
    mail = MimeMail.parse(path.read_bytes())
    return f"Subject: {mail.header('Subject')}\n\n{mail.text}"
