"""Errors as runs keep them: storable, in a sentence, and without what nobody should read."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from clients.errors import RateLimited, Unavailable
from engine.base.errors import ExpressionError, InvalidInput
from engine.record.failure import failure

KEYS = (
    "type message file step field value remedy retryable outcome http_status retry_after_seconds".split()
)  # docs/files.md: Run


class Fields(BaseModel):
    limit: int
    token: SecretStr = SecretStr("hush")


def wrong(**values: object) -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        Fields.model_validate(values)
    return raised.value


@pytest.mark.parametrize(
    ("error", "kind", "said", "outcome"),
    [
        pytest.param(Unavailable("half \ud800 of it"), "Unavailable", "half \ufffd of it", "unknown", id="surrogate"),
        pytest.param(RateLimited("429", retry_after_seconds=float("inf")), "RateLimited", "429", "not_done", id="inf"),
        pytest.param(InvalidInput("x" * 9000), "InvalidInput", "x" * 2000, "not_done", id="long"),
        pytest.param(ExpressionError("no", field="with.a"), "ExpressionError", "no", "not_done", id="expression"),
        pytest.param(ValueError("a secret path /home/me"), "InternalError", "The step broke down (ValueError).",
                     "unknown", id="not-foreseen"),
    ],
)  # fmt: skip
def test_an_error_becomes_a_document(error: Exception, kind: str, said: str, outcome: str) -> None:
    document = failure(error, step="a", workflow="work")
    assert list(document) == KEYS
    assert (document["file"], document["step"]) == ("workflows/work.json", "a")
    assert (document["type"], document["message"], document["outcome"]) == (kind, said, outcome)
    json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def test_a_field_that_does_not_fit_is_named_with_its_value() -> None:
    document = failure(wrong(limit="many" * 100))
    assert (document["type"], document["field"], document["value"]) == (
        "InvalidInput",
        "with.limit",
        ("many" * 100)[:200],
    )
    assert document["message"].startswith("'limit' must be a whole number, not 'manymany")
    assert "valid" not in document["message"]


def test_no_document_holds_a_secret() -> None:
    assert "hush" not in str(failure(wrong(limit=[1], token=5)))
    assert "/home/me" not in str(failure(ValueError("a secret path /home/me")))
