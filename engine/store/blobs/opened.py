"""Open the blobs of a workspace, wherever its settings keep them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from clients.service import Extra
from engine.base.errors import InvalidFile
from engine.documents.shapes import Misfit
from engine.store.blobs.blobs import Blobs
from engine.store.blobs.disk import DiskBlobs
from engine.store.blobs.s3_place import S3Place

POSTGRES = "postgres"
EXTRAS = (Extra(POSTGRES, "psycopg", "psycopg"), Extra("s3", "obstore", "obstore"))
_OF_POSTGRES, _OF_S3 = EXTRAS
_PLACES = (
    "Write postgres, or the address of a bucket such as s3://bucket/prefix; without a value it is the folder logs/."
)


def require_place(place: str) -> None:
    """Raise Misfit for a value of `logs:` that names no place."""
    if place.startswith("s3:"):
        S3Place.of(place)
    elif place not in ("", POSTGRES):
        raise Misfit(f"{place!r} is not a place for logs", _PLACES)


def opened_blobs(place: str, folder: Path, environment: Mapping[str, str], database: str = "") -> Blobs:
    """Return the blobs of a place, which `require_place` accepts; "" is the folder.

    `environment` has the keys of a bucket; `database` is the address of the state, if PostgreSQL has it.
    Raises InvalidFile if something is missing for this place, StorageError.
    """
    if not place:
        return DiskBlobs(folder)
    if place == POSTGRES:
        return _in_postgres(database)
    _require(_OF_S3, place)
    from engine.store.blobs.s3 import S3Blobs

    return S3Blobs.at(S3Place.of(place), environment)


def _in_postgres(database: str) -> Blobs:
    if not database:
        raise InvalidFile(
            "config.yaml: `logs: postgres` needs a workspace whose state is in PostgreSQL.",
            remedy="Set `state`, or leave `logs` empty: the logs are then in the folder of this name.",
        )
    _require(_OF_POSTGRES, POSTGRES)
    from engine.store.blobs.postgres import PostgresBlobs

    return PostgresBlobs.at(database)


def _require(extra: Extra, place: str) -> None:
    if not extra.is_installed():
        raise InvalidFile(
            f"config.yaml: `logs: {place}` needs the package {extra.package}, which is not installed.",
            remedy=extra.install,
        )
