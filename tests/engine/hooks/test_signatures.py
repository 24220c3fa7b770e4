"""The examples that services publish of their signatures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.hooks.signatures import SCHEMES, DeliveryRefused, Received

_SLACK = (
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121"
    ".803a0bc887a14d10d2c447fce8b6703c"
)
PUBLISHED = {
    # docs.github.com: Testing the webhook payload validation
    "github": (
        "It's a Secret to Everybody",
        "Hello, World!",
        {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        0,
    ),
    # docs.slack.dev: Verifying requests from Slack, with its example of a slash command
    "slack": (
        "8f742231b10e8888abcd99yyyzzz85a5",
        _SLACK,
        {
            "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            "x-slack-request-timestamp": "1531420618",
        },
        1531420618,
    ),
    # github.com/standard-webhooks: the example of its libraries
    "standard_webhooks": (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        '{"test": 2432232314}',
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        1614265330,
    ),
}


@pytest.mark.parametrize("service", PUBLISHED)
def test_what_a_service_publishes_as_signed_is_accepted_and_nothing_beside_it(service: str) -> None:
    key, body, headers, seconds = PUBLISHED[service]
    scheme, now = SCHEMES[service], datetime.fromtimestamp(seconds, UTC)
    scheme.check(Received(headers, {}, body.encode()), key, now)
    for odd_body, odd_key in ((body + " ", key), (body, "whsec_AAAA")):
        with pytest.raises(DeliveryRefused):
            scheme.check(Received(headers, {}, odd_body.encode()), odd_key, now)
    if scheme.has_time:
        for away in (-301, 301):
            with pytest.raises(DeliveryRefused) as refused:
                scheme.check(Received(headers, {}, body.encode()), key, now + timedelta(seconds=away))
            assert refused.value.verdict == "late"
