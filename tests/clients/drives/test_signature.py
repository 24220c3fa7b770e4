"""The signature of S3, against the examples that AWS publishes.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from clients.s3.signature import EMPTY_SHA256, S3SigningCredentials, address, signed

BY = S3SigningCredentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
AT = datetime(2013, 5, 24, tzinfo=UTC)
BUCKET = "https://examplebucket.s3.amazonaws.com"
_PUT = {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}


@pytest.mark.parametrize(
    ("method", "key", "query", "headers", "content", "signature"),
    [
        pytest.param(
            "GET",
            "test.txt",
            {},
            {"Range": "bytes=0-9"},
            b"",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            id="get an object",
        ),
        pytest.param(
            "PUT",
            "test$file.text",
            {},
            _PUT,
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            id="put an object",
        ),
        pytest.param(
            "GET",
            "",
            {"lifecycle": ""},
            {},
            b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            id="a query without a value",
        ),
        pytest.param(
            "GET",
            "",
            {"prefix": "J", "max-keys": "2"},
            {},
            b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            id="a list",
        ),
    ],
)
def test_it_is_that_of_the_published_example(
    method: str, key: str, query: dict[str, str], headers: dict[str, str], content: bytes, signature: str
) -> None:
    url = address(BUCKET, key, query)
    given = signed(BY, method, url, headers, hashlib.sha256(content).hexdigest(), AT)
    assert given["authorization"].endswith(f"Signature={signature}")
    assert f"Credential={BY.access_key_id}/20130524/us-east-1/s3/aws4_request" in given["authorization"]


def test_the_secret_is_not_shown() -> None:
    assert BY.secret_access_key not in repr(BY)
    assert hashlib.sha256(b"").hexdigest() == EMPTY_SHA256
