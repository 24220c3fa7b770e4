"""How services sign what they deliver, and whether a delivery is signed with the key that was agreed.

Each scheme follows the description of its service: docs.github.com (Validating webhook deliveries), docs.stripe.com
(Verify webhook signatures manually), docs.slack.dev (Verifying requests from Slack), shopify.dev (Verify a webhook),
docs.gitlab.com (Webhooks), developers.notion.com (Webhooks), linear.app/developers/webhooks, developers.facebook.com
(Webhooks) and standardwebhooks.com.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

from msgspec import Struct

from engine.base.clock import moment_of

Algorithm = Literal["sha256", "sha1", "sha512"]
Encoding = Literal["hex", "base64"]
Verdict = Literal[
    "accepted",
    "again",
    "duplicate",
    "challenge",
    "left_out",
    "signature",
    "late",
    "no_key",
    "too_large",
    "type",
    "body",
]
"""What became of a delivery. `again`: a person has sent it again; `left_out`: it is of an event that does not count."""
_PLACE = re.compile(r"\{(body|timestamp|id)\}")
_MOST_SIGNATURES = 20
_SHORTEST_KEY = 16
"""Bytes of a key of Standard Webhooks, which asks for 24 to 64."""
_MILLISECONDS_FROM = 10**11
"""A larger number of a time is in milliseconds: as seconds, it would be after the year 5000."""


class Received(Struct, frozen=True):
    """A request as it came; the names of headers are in lower case."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header, empty if it is missing."""
        return self.headers.get(name.lower(), "")

    @property
    def media_type(self) -> str:
        """The type of the body, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def field(self, path: str) -> str:
        """Return a text or number of a JSON body or a form by its path, `event.id`; empty if it is missing."""
        found: Any = self._document()
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""

    def _document(self) -> Any:
        try:
            if self.media_type == "application/x-www-form-urlencoded":
                return dict(parse_qsl(self.body.decode("utf-8", "replace"), max_num_fields=1000))
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class DeliveryRefused(Exception):
    """A delivery that starts no run."""

    def __init__(self, verdict: Verdict, message: str) -> None:
        super().__init__(message)
        self.verdict, self.message = verdict, message


class SignatureScheme(Struct, frozen=True):
    """How a service proves that a delivery is its own, and what tells one delivery from another."""

    header: str = ""
    """Where the signature is, or the token."""
    is_token: bool = False
    """The header has the key itself."""
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    """What stands before a signature."""
    separator: str = ""
    """What stands between the parts of the header, where it has several."""
    signed: str = "{body}"
    """The text that is signed."""
    timestamp_header: str = ""
    timestamp_prefix: str = ""
    """What stands before the time, where it is a part of the header with the signature."""
    timestamp_field: str = ""
    """The member of the body with the time."""
    window_seconds: int = 300
    """How far the time may be from ours, where there is one."""
    id_header: str = ""
    id_field: str = ""
    is_key_base64: bool = False
    is_answered_empty: bool = False
    """People see what it is answered, so that nothing is said."""

    @property
    def is_signed(self) -> bool:
        """Whether it needs a key."""
        return bool(self.header)

    @property
    def has_time(self) -> bool:
        """Whether a delivery says when it was sent, so that an old one can be refused."""
        return bool(self.timestamp_header or self.timestamp_prefix or self.timestamp_field)

    def delivery_id(self, received: Received) -> str:
        """Return what the service calls the delivery; empty if it does not say."""
        return (self.id_header and received.header(self.id_header)) or (
            (self.id_field and received.field(self.id_field)) or ""
        )

    def check(self, received: Received, key: str, now: datetime) -> None:
        """Raise DeliveryRefused unless the delivery is signed with the key, and its time is near ours."""
        if not self.is_signed:
            return
        parts = self._parts(received.header(self.header))
        given = [part.removeprefix(self.prefix) for part in parts if part.startswith(self.prefix)]
        if not given:
            raise DeliveryRefused(
                "signature", f"The header {self.header} has no {'token' if self.is_token else 'signature'}."
            )
        expected = key if self.is_token else self._signature(received, key, parts)
        if not _is_one_of(expected, given, is_hex=not self.is_token and self.encoding == "hex"):
            raise DeliveryRefused("signature", f"What the header {self.header} says does not fit the key.")
        if self.has_time:
            self._check_time(self._timestamp(received, parts), now)

    def _parts(self, text: str) -> Sequence[str]:
        parts = text.split(self.separator) if self.separator else [text]
        return [part.strip() for part in parts[:_MOST_SIGNATURES] if part.strip()]

    def _timestamp(self, received: Received, parts: Sequence[str]) -> str:
        if self.timestamp_prefix:
            found = (part.removeprefix(self.timestamp_prefix) for part in parts)
            return next((one for one, part in zip(found, parts, strict=True) if one != part), "")
        if self.timestamp_field:
            return received.field(self.timestamp_field)
        return received.header(self.timestamp_header)

    def _signature(self, received: Received, key: str, parts: Sequence[str]) -> str:
        timestamp = self._timestamp(received, parts) if self.has_time else ""
        texts = {"timestamp": timestamp, "id": received.header(self.id_header) if self.id_header else ""}
        signed = b"".join(
            text.encode() if not name else received.body if name == "body" else texts[name].encode("latin-1", "replace")
            for text, name in _pieces(self.signed)
        )
        digest = hmac.new(self._key(key), signed, getattr(hashlib, self.algorithm)).digest()
        return digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode("ascii")

    def _key(self, key: str) -> bytes:
        if not self.is_key_base64:
            return key.encode()
        try:
            found = base64.b64decode(key.removeprefix("whsec_"), validate=True)
            if len(found) < _SHORTEST_KEY:
                raise ValueError
            return found
        except (binascii.Error, ValueError):
            raise DeliveryRefused(
                "no_key", "The key is not what Standard Webhooks describes: whsec_ and base64."
            ) from None

    def _check_time(self, text: str, now: datetime) -> None:
        try:
            sent_at = _seconds(text)
        except ValueError:
            raise DeliveryRefused("late", f"{text[:60]!r} is not a time.") from None
        away = abs(now.timestamp() - sent_at)
        if away > self.window_seconds:
            raise DeliveryRefused(
                "late", f"It was signed {away:.0f} seconds from now, and {self.window_seconds} are allowed."
            )


def _pieces(signed: str) -> Iterator[tuple[str, str]]:
    """Yield (text, "") and ("", name of a place) in their order."""
    for number, piece in enumerate(_PLACE.split(signed)):
        yield ("", piece) if number % 2 else (piece, "")


def _is_one_of(expected: str, given: Sequence[str], *, is_hex: bool) -> bool:
    """Compare with each in constant time, all of them."""
    texts = [one.lower() if is_hex else one for one in given]
    return sum(hmac.compare_digest(expected.encode(), one.encode("utf-8", "replace")) for one in texts) > 0


def _seconds(text: str) -> float:
    """Return a time as seconds since 1970. Raises ValueError."""
    if text.isascii() and text.isdigit() and len(text) <= 16:
        number = int(text)
        return number / 1000 if number >= _MILLISECONDS_FROM else float(number)
    moment = moment_of(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.timestamp()


SCHEMES: Mapping[str, SignatureScheme] = {
    "none": SignatureScheme(),
    "github": SignatureScheme(header="X-Hub-Signature-256", prefix="sha256=", id_header="X-GitHub-Delivery"),
    "stripe": SignatureScheme(
        header="Stripe-Signature",
        separator=",",
        prefix="v1=",
        timestamp_prefix="t=",
        signed="{timestamp}.{body}",
        id_field="id",
    ),
    "slack": SignatureScheme(
        header="X-Slack-Signature",
        prefix="v0=",
        timestamp_header="X-Slack-Request-Timestamp",
        signed="v0:{timestamp}:{body}",
        id_field="event_id",
        is_answered_empty=True,
    ),
    "shopify": SignatureScheme(header="X-Shopify-Hmac-Sha256", encoding="base64", id_header="X-Shopify-Webhook-Id"),
    "gitlab": SignatureScheme(header="X-Gitlab-Token", is_token=True, id_header="Idempotency-Key"),
    "notion": SignatureScheme(header="X-Notion-Signature", prefix="sha256=", id_field="id"),
    "linear": SignatureScheme(
        header="Linear-Signature", timestamp_field="webhookTimestamp", window_seconds=60, id_header="Linear-Delivery"
    ),
    "meta": SignatureScheme(header="X-Hub-Signature-256", prefix="sha256="),
    "standard_webhooks": SignatureScheme(
        header="webhook-signature",
        separator=" ",
        prefix="v1,",
        encoding="base64",
        timestamp_header="webhook-timestamp",
        signed="{id}.{timestamp}.{body}",
        id_header="webhook-id",
        is_key_base64=True,
    ),
}
"""By the value of `verify`; `token` and `own` are made from the fields of the trigger."""
