"""The part of fal's REST host that uploads begin with, under `/rest/storage`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from lyra_zoom.contract.storage import CdnToken, InitiatedUpload, InitiateUpload
from lyra_zoom.server.auth import Caller
from lyra_zoom.server.base_url import base_url
from lyra_zoom.server.lifecycles import lifecycle_of
from lyra_zoom.server.parts import parts_of
from lyra_zoom.server.schema import body_of, lifecycle_header
from lyra_zoom.server.storage_schema import OF_UPLOADS
from lyra_zoom.server.submission import read_object
from lyra_zoom.storage.files import NewFile, url_of_file

router = APIRouter(prefix="/rest/storage", tags=["files"], responses=OF_UPLOADS)

ABOUT_FILE = {
    "requestBody": body_of(InitiateUpload),
    "parameters": [lifecycle_header("X-Fal-Object-Lifecycle", "How long the file is kept.")],
}

StorageType = Annotated[
    str, Query(description="fal's name of the store; all are the same one here.")
]


async def described_file(request: Request) -> InitiateUpload:
    """The file that a body describes; FastAPI would read bodies before it looks at keys."""
    _, fields = await read_object(request)
    return InitiateUpload.model_validate(fields)


Described = Annotated[InitiateUpload, Depends(described_file)]


@router.post("/upload/initiate", summary="Ask where to upload a file", openapi_extra=ABOUT_FILE)
async def initiate(
    request: Request,
    key_id: Caller,
    file: Described,
    storage_type: StorageType = "fal-cdn-v3",
) -> InitiatedUpload:
    """Two addresses: `PUT` the bytes to the first, a secret; read them at the second."""
    return await _initiated(request, key_id, file)


@router.post(
    "/upload/initiate-multipart",
    summary="Ask where to upload a file in parts",
    openapi_extra=ABOUT_FILE,
)
async def initiate_multipart(
    request: Request,
    key_id: Caller,
    file: Described,
    storage_type: StorageType = "fal-cdn-v3",
) -> InitiatedUpload:
    """The same; parts go to `{upload_url}/{number}`, the end to `{upload_url}/complete`."""
    return await _initiated(request, key_id, file)


@router.post("/auth/token", summary="Ask for a token to upload with")
async def token(
    request: Request, key_id: Caller, storage_type: StorageType = "fal-cdn-v3"
) -> CdnToken:
    """A token for `/cdn`, good for an hour; its end has an offset, as fal's client needs it."""
    parts = parts_of(request)
    issued = await parts.threads.write(parts.uploads.tokens.issue, key_id, time.time())
    return CdnToken(
        token=issued.token,
        base_url=f"{base_url(request, parts.settings)}/cdn",
        expires_at=datetime.fromtimestamp(issued.expires_at, UTC).isoformat(),
    )


async def _initiated(request: Request, key_id: str, file: InitiateUpload) -> InitiatedUpload:
    parts = parts_of(request)
    new = NewFile(
        key_id=key_id,
        file_name=file.file_name,
        content_type=file.content_type,
        lifecycle=lifecycle_of(request),
    )
    upload = await parts.threads.write(parts.uploads.open, new, time.time())
    base = base_url(request, parts.settings)
    return InitiatedUpload(
        upload_url=f"{base}/cdn/uploads/{upload.upload_id}",
        file_url=url_of_file(base, upload.file_id, upload.file_name),
    )
