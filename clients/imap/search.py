"""Search criteria for a mailbox, written for IMAP's SEARCH (RFC 3501 6.4.4)."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta

from msgspec import Struct, structs

from clients.errors import InvalidRequest
from clients.mail_server.providers import SERVICE

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class SearchCriteria(Struct, frozen=True):
    """Criteria; empty ones match everything. `since` and `before` are dates, or times with an offset."""

    folder: str = ""
    text: str = ""
    sender: str = ""
    to: str = ""
    subject: str = ""
    since: str = ""
    before: str = ""
    unread: bool = False
    flagged: bool = False
    criteria: str = ""

    def written(self) -> str:
        """Return the SEARCH criteria. Raises InvalidRequest if a value cannot be searched for."""
        keys = [("TEXT", self.text), ("FROM", self.sender), ("TO", self.to), ("SUBJECT", self.subject)]
        parts = [f"{key} {quoted(value)}" for key, value in keys if value.strip()]
        # The server compares dates in its own time zone, so one more day is requested and the times are compared here.
        if self.since:
            parts.append(f"SINCE {_day(moment(self.since) - timedelta(days=1))}")
        if self.before:
            parts.append(f"BEFORE {_day(moment(self.before) + timedelta(days=2))}")
        parts += [key for key, is_wanted in (("UNSEEN", self.unread), ("FLAGGED", self.flagged)) if is_wanted]
        criteria = _checked(self.criteria.strip())
        parts += [f"({criteria})"] if criteria else []
        # Mail programs hide mails marked as deleted; they are found only on request.
        parts += [] if "DELETED" in criteria.upper() else ["UNDELETED"]
        return " ".join(parts)

    def by_letters(self) -> tuple[SearchCriteria, dict[str, str]]:
        """Return the criteria without the words that are not ASCII, and these words by the name of their field."""
        words = {name: str(getattr(self, name)) for name in ("text", "sender", "to", "subject")}
        other = {name: word for name, word in words.items() if not word.isascii()}
        return structs.replace(self, **dict.fromkeys(other, "")), other

    def fits(self, arrived_at: datetime | None) -> bool:
        """Return whether a mail arrived within the times."""
        if arrived_at is None:
            return True
        is_late_enough = not self.since or arrived_at >= moment(self.since)
        return is_late_enough and (not self.before or arrived_at < moment(self.before))


def quoted(value: str) -> str:
    """Quote a string for IMAP. Raises InvalidRequest if it has more than one line."""
    escaped = _checked(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _checked(value: str) -> str:
    """Reject line ends and literals, which would inject a command."""
    if any(ord(sign) < 32 for sign in value) or value.endswith("}"):
        raise InvalidRequest(f"{value[:100]!r} cannot be searched for.", service=SERVICE)
    return value


def moment(text: str) -> datetime:
    """Parse a date (it begins in UTC) or a time with an offset. Raises InvalidRequest."""
    try:
        found = datetime.fromisoformat(text.strip())
        if not MINYEAR < found.year < MAXYEAR:  # the day before or after would not exist
            raise ValueError(found)
    except ValueError:
        raise InvalidRequest(
            f"{text[:50]!r} is not a date.", service=SERVICE, remedy="Write 2026-11-20, or 2026-11-20T08:00:00Z."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _day(at: datetime) -> str:
    day: date = at.astimezone(UTC).date()
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"
