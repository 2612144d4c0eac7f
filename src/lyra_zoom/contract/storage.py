"""What clients send and receive when they upload files, and how long files live."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class InitiateUpload(BaseModel):
    """A file that a client is about to upload."""

    model_config = ConfigDict(frozen=True)

    file_name: str = Field(default="file", max_length=4096)
    content_type: str = Field(default="application/octet-stream", max_length=255)


class InitiatedUpload(BaseModel):
    """Where to put the bytes, and where they can be read afterwards."""

    model_config = ConfigDict(frozen=True)

    upload_url: str
    file_url: str


class CdnToken(BaseModel):
    """A short-lived permission to upload; `expires_at` carries its offset, never `Z`."""

    model_config = ConfigDict(frozen=True)

    token: str
    token_type: Literal["Bearer"] = "Bearer"
    base_url: str
    expires_at: str


class UploadedFile(BaseModel):
    """Where an uploaded file can be read."""

    model_config = ConfigDict(frozen=True)

    access_url: str


class StartedMultipart(BaseModel):
    """A file that will arrive in parts."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    access_url: str
    upload_id: str = Field(alias="uploadId")


class Part(BaseModel):
    """One part of a file, as the server acknowledged it."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    part_number: Annotated[int, Field(alias="partNumber", ge=1, le=10_000)]
    etag: str = Field(max_length=200)


class CompleteMultipart(BaseModel):
    """The parts that make up the file, in any order."""

    model_config = ConfigDict(frozen=True)

    parts: tuple[Part, ...] = Field(min_length=1, max_length=10_000)


class AclRule(BaseModel):
    """What one user may do with a file."""

    model_config = ConfigDict(frozen=True)

    user: str
    decision: Literal["allow", "forbid", "hide"]


class Acl(BaseModel):
    """Who may read a file: `hide` answers as if it did not exist, `forbid` says no."""

    model_config = ConfigDict(frozen=True)

    default: Literal["allow", "forbid", "hide"] = "allow"
    rules: tuple[AclRule, ...] = ()


class Lifecycle(BaseModel):
    """How long a file is kept and who may read it; null keeps it for ever."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    expiration_duration_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = (
        None
    )
    initial_acl: Acl | None = None
