"""Dates and numbers as people write them in mails, read by the demo model."""

from __future__ import annotations

import re

DATE = re.compile(r"\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b")
DATE_TIME = re.compile(DATE.pattern + r"[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
LONG_DATE = re.compile(rf"\b(0?[1-9]|[12]\d|3[01])\.? ({'|'.join(MONTHS)}),? (\d{{4}})\b", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.,-])-?\d+(?:[.,]\d+)*(?![\w-])")


def first_date(text: str) -> str | None:
    """The first whole date in a text as yyyy-mm-dd; a day without its year is none."""
    if match := DATE.search(text):
        return match.group()
    if match := LONG_DATE.search(text):
        day, month, year = match.groups()
        return f"{year}-{MONTHS.index(month.casefold()) + 1:02d}-{int(day):02d}"
    return None


def number_of(text: str) -> float | None:
    """A figure as written in English or on the continent: 1,234.50 and 1.234,50 alike; None if it is neither."""
    if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        text = text.replace(",", "")
    elif re.fullmatch(r"-?\d{1,3}(?:\.\d{3})+(?:,\d+)?", text):
        text = text.replace(".", "").replace(",", ".")
    text = text.replace(",", ".")
    return float(text) if re.fullmatch(r"-?\d+(?:\.\d+)?", text) else None
