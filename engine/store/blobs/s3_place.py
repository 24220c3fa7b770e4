"""Addresses of buckets: `s3://bucket/prefix?endpoint=https://host:9000&region=eu-central-1`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from engine.documents.shapes import Misfit

_REMEDY = "Write such as s3://bucket/prefix or s3://bucket?endpoint=https://minio.example.org&region=eu-central-1."
_KEYS_REMEDY = "Put AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY into .env."


class S3Place(Struct, frozen=True):
    """A bucket, the prefix of all names in it, and the service that has it, if the address names one."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    """`https://host[:port]` of a service other than AWS."""
    region: str = ""

    @classmethod
    def of(cls, address: str) -> S3Place:
        """Return the place of an address. Raises Misfit."""
        parts = urlsplit(address)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        unknown = options.keys() - {"endpoint", "region"}
        if parts.scheme != "s3" or not parts.netloc or parts.fragment:
            raise Misfit(f"{address!r} is not the address of a bucket", _REMEDY)
        if "@" in parts.netloc:
            raise Misfit("the address of a bucket has no keys", _KEYS_REMEDY)
        if unknown:
            raise Misfit(f"a bucket has no option {min(unknown)!r}", _REMEDY)
        if not options.get("endpoint", "https://").startswith(("https://", "http://")):
            raise Misfit(f"the endpoint {options['endpoint']!r} is not the address of a server", _REMEDY)
        return cls(parts.netloc, parts.path.strip("/"), options.get("endpoint", ""), options.get("region", ""))

    def completed(self, environment: Mapping[str, str]) -> S3Place:
        """Return this place with the endpoint and region of the variables of AWS, where the address has none."""
        endpoint = self.endpoint or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
        region = self.region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
        return S3Place(self.bucket, self.prefix, endpoint, region)

    def __str__(self) -> str:
        return "/".join(filter(None, (f"s3://{self.bucket}", self.prefix)))
