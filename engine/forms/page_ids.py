"""The id in a page with a form: whatever is sent from one page is one submission, however often it arrives."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

LASTS = timedelta(days=3)
"""How long a page may stay open before it is sent."""
_PURPOSE = b"orchestra form page\0"
_FORM = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9]{10})\.([A-Za-z0-9_-]{22})")


def new_page_id(secret: bytes, form: str, now: datetime) -> str:
    """Return the id of a new page of a form, signed, so that nobody else makes any."""
    said = f"{secrets.token_urlsafe(16)}.{int(now.timestamp()):010d}"
    return f"{said}.{_signature(secret, form, said)}"


def submission_of(secret: bytes, form: str, page_id: str, now: datetime) -> str | None:
    """Return the id of the submission that a page makes; None if it is not a page of this form, or too old."""
    found = _FORM.fullmatch(page_id)
    if found is None:
        return None
    said = f"{found[1]}.{found[2]}"
    if not hmac.compare_digest(_signature(secret, form, said), found[3]):
        return None
    made_at = datetime.fromtimestamp(int(found[2]), now.tzinfo)
    # Another process of the workspace may have made the page, on a machine whose clock is ahead.
    return found[1] if made_at <= now + timedelta(minutes=5) and now < made_at + LASTS else None


def _signature(secret: bytes, form: str, said: str) -> str:
    digest = hmac.new(secret, _PURPOSE + f"{form} {said}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode("ascii").rstrip("=")
