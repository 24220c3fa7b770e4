"""Signs deliveries as each service does, written apart from the code that checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

KEY = "a key that nobody guesses"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True)
class Sent:
    """A request to a webhook."""

    body: bytes
    headers: Mapping[str, str]

    def having(self, **changes: str | None) -> Sent:
        """The same with other headers: `_` for `-`, None to leave one out."""
        headers = {name.lower(): one for name, one in self.headers.items()}
        for name, one in changes.items():
            headers.pop(name.replace("_", "-"), None)
            if one is not None:
                headers[name.replace("_", "-")] = one
        return replace(self, headers=headers)


def _hex(text: bytes, key: str = KEY) -> str:
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()


def github(body: bytes, now: int, id_: str, key: str = KEY) -> Mapping[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + _hex(body, key), "X-GitHub-Delivery": id_, "X-GitHub-Event": "issues"}


def stripe(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    return {"Stripe-Signature": f"t={now},v1={'0' * 64},v1={_hex(f'{now}.'.encode() + body)},v0=old"}


def slack(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    signature = "v0=" + _hex(f"v0:{now}:".encode() + body)
    return {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": str(now)}


def shopify(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    digest = hmac.new(KEY.encode(), body, hashlib.sha256).digest()
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(), "X-Shopify-Webhook-Id": id_}


def gitlab(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    return {"X-Gitlab-Token": KEY, "Idempotency-Key": id_}


def notion(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    return {"X-Notion-Signature": "sha256=" + _hex(body)}


def linear(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    return {"Linear-Signature": _hex(body), "Linear-Delivery": id_}


def meta(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + _hex(body)}


def standard_webhooks(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    key = base64.b64decode(WHSEC.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id_}.{now}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(b'0' * 32).decode()} v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": id_, "webhook-timestamp": str(now), "webhook-signature": signature}


def token(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {KEY}", "X-Delivery": id_}


def own(body: bytes, now: int, id_: str) -> Mapping[str, str]:
    digest = hmac.new(KEY.encode(), f"{now}|".encode() + body, hashlib.sha512).digest()
    return {"X-Sign": base64.b64encode(digest).decode(), "X-Time": str(now), "X-Delivery": id_}


SIGN: Mapping[str, Callable[[bytes, int, str], Mapping[str, str]]] = {
    one.__name__: one
    for one in (github, stripe, slack, shopify, gitlab, notion, linear, meta, standard_webhooks, token, own)
}
SIGNATURES = {
    "github": "x_hub_signature_256",
    "stripe": "stripe_signature",
    "slack": "x_slack_signature",
    "shopify": "x_shopify_hmac_sha256",
    "gitlab": "x_gitlab_token",
    "notion": "x_notion_signature",
    "linear": "linear_signature",
    "meta": "x_hub_signature_256",
    "standard_webhooks": "webhook_signature",
    "token": "authorization",
    "own": "x_sign",
}
TIMED = ("stripe", "slack", "linear", "standard_webhooks", "own")
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "token": {"id_header": "X-Delivery"},
    "own": {
        "signature_header": "X-Sign",
        "algorithm": "sha512",
        "encoding": "base64",
        "timestamp_header": "X-Time",
        "signed_text": "{timestamp}|{body}",
        "id_header": "X-Delivery",
    },
    "meta": {"id_field": "id"},
}
"""More fields of the trigger, by the value of `verify`."""


def sent(service: str, now: int, id_: str = "delivery-1", **members: Any) -> Sent:
    """A delivery as the service sends it."""
    document = {"id": id_, "event_id": id_, "webhookTimestamp": now * 1000, "title": "Order", **members}
    body = json.dumps(document).encode()
    return Sent(body, {"Content-Type": "application/json", **SIGN[service](body, now, id_)})


def key_of(service: str) -> str:
    """The key of a service."""
    return WHSEC if service == "standard_webhooks" else KEY
