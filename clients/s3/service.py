"""The declaration of S3, and the settings of its connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import ReadRequest
from clients.service import AccountKey, Service, Setting


class S3Settings(BaseModel):
    """Settings of a bucket under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    secret_access_key: SecretStr = Field(SecretStr(""), description="The secret access key.")
    access_key_id: str = Field("", description="The access key's id.")
    region: str = Field("us-east-1", description="The region of the bucket; most other servers take any.")
    base_url: BaseUrl = Field("", description="The address of the bucket.")


S3 = Service(
    name="s3",
    title="S3",
    icon="cloud_circle",
    offered_as="S3 (Amazon, MinIO and others)",
    error_name="The S3 server",
    settings=S3Settings,
    kind="drive",
    key=AccountKey(
        setting="secret_access_key",
        variable="AWS_SECRET_ACCESS_KEY",
        place="AWS console, IAM, Users, Security credentials, Access keys",
        url="https://console.aws.amazon.com/iam/home#/users",
        label="Secret access key",
        rights="`s3:ListBucket`, `s3:GetObject`, `s3:PutObject`, `s3:DeleteObject`, `s3:AbortMultipartUpload`.",
    ),
    beside_key=(
        Setting("base_url", "S3_URL", "Address of the bucket", "https://BUCKET.s3.eu-central-1.amazonaws.com"),
        Setting("access_key_id", "AWS_ACCESS_KEY_ID", "Access key id"),
        Setting("region", "AWS_REGION", "Region", "us-east-1"),
    ),
    reads=(ReadRequest("GET", "/**"), ReadRequest("HEAD", "/**")),
    pickers={"drive-folder": "folders"},
    link="File",
)
