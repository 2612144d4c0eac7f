"""fal's file host over HTTP, under `/cdn`: whole uploads, uploads in parts, downloads.

The address of a file is public. The address of an upload that `/rest` gave out is a secret that
needs no key; uploads by fal's Python client show a token, or a key, instead.
"""

from __future__ import annotations

import time
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from lyra_zoom.contract.storage import CompleteMultipart, Part, StartedMultipart, UploadedFile
from lyra_zoom.server.auth import identify
from lyra_zoom.server.base_url import base_url
from lyra_zoom.server.downloads import answer_with
from lyra_zoom.server.lifecycles import lifecycle_of
from lyra_zoom.server.parts import Parts, parts_of
from lyra_zoom.server.problems import Refused, bad_request
from lyra_zoom.server.schema import body_of, lifecycle_header, text_header
from lyra_zoom.server.storage_schema import OF_DOWNLOADS, OF_UPLOADS
from lyra_zoom.storage.files import NewFile, StoredFile, url_of_file
from lyra_zoom.storage.uploads import MOST_PARTS, Upload

router = APIRouter(tags=["files"])

FILES = "/cdn/files"
UPLOAD = "/cdn/uploads/{upload_id}"
"""What `/rest` gives out: whoever has it may upload there, once."""

MULTIPART = f"{FILES}/b/{{file_id}}/{{name}}/multipart/{{upload_id}}"

LONGEST_LIST_BYTES = 2 * 2**20
"""Ten thousand parts with their etags, twice."""

PARTS_BODY = {"requestBody": body_of(CompleteMultipart)}
FILE_BODY = {
    "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}
}
ABOUT_FILE: dict[str, Any] = {
    "parameters": [
        text_header("X-Fal-File-Name", "What the file is called; may be percent-encoded."),
        lifecycle_header("X-Fal-Object-Lifecycle", "How long the file is kept."),
    ]
}

PartNumber = Annotated[int, Path(json_schema_extra={"minimum": 1, "maximum": MOST_PARTS})]


async def uploader(request: Request) -> str:
    """Whose upload this is: a token from `/rest/storage/auth/token`, or a key, says it."""
    parts = parts_of(request)
    authorization = request.headers.get("authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return await identify(parts, request, authorization)
    key_id = await parts.threads.read(parts.uploads.tokens.holder, token.strip(), time.time())
    if key_id is None:
        raise Refused(401, "invalid or expired token", headers={"WWW-Authenticate": "Bearer"})
    return key_id


async def named_parts(request: Request) -> CompleteMultipart:
    """The parts that a body names; it is short, though files may be sent to these addresses."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_LIST_BYTES:
            raise Refused(413, "the list of parts is too long")
    try:
        return CompleteMultipart.model_validate_json(bytes(body))
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise bad_request(f"{where or 'body'}: {error.errors()[0]['msg']}") from error


Uploader = Annotated[str, Depends(uploader)]
NamedParts = Annotated[CompleteMultipart, Depends(named_parts)]


@router.post(
    f"{FILES}/upload",
    summary="Upload a file",
    responses=OF_UPLOADS,
    openapi_extra=FILE_BODY | ABOUT_FILE,
)
async def upload_file(request: Request, key_id: Uploader) -> UploadedFile:
    """Keep the body as a file; `X-Fal-File-Name` names it."""
    parts = parts_of(request)
    new = _new_file(request, key_id)
    with parts.transfers.arriving(), parts.uploads.landing() as landing:
        await parts.transfers.receive(request, landing)
        file = await parts.transfers.run(parts.files.keep_landed, landing, new, time.time())
    return UploadedFile(access_url=_address(request, file))


@router.post(
    f"{FILES}/upload/multipart",
    summary="Begin to upload a file in parts",
    responses=OF_UPLOADS,
    openapi_extra=ABOUT_FILE,
)
async def start_multipart(request: Request, key_id: Uploader) -> StartedMultipart:
    """Expect a file whose parts come in any order, several at once if the client likes."""
    parts = parts_of(request)
    new = _new_file(request, key_id)
    upload = await parts.threads.write(parts.uploads.open, new, time.time())
    address = url_of_file(base_url(request, parts.settings), upload.file_id, upload.file_name)
    return StartedMultipart(access_url=address, uploadId=upload.upload_id)


@router.post(
    f"{MULTIPART}/complete",
    summary="Join the parts",
    responses=OF_UPLOADS,
    openapi_extra=PARTS_BODY,
)
async def complete(
    request: Request,
    key_id: Uploader,
    file_id: str,
    name: str,
    upload_id: str,
    named: NamedParts,
) -> UploadedFile:
    """Make the file readable once all of its parts are named, in any order."""
    upload = await _find(parts_of(request), upload_id, key_id, file_id)
    return UploadedFile(access_url=_address(request, await _join(request, upload, named)))


@router.put(
    f"{MULTIPART}/{{number}}",
    summary="Upload a part",
    responses=OF_UPLOADS,
    openapi_extra=FILE_BODY,
)
async def put_part(
    request: Request,
    key_id: Uploader,
    file_id: str,
    name: str,
    upload_id: str,
    number: PartNumber,
) -> Response:
    """Take one part; its `ETag` is to be named at the end."""
    upload = await _find(parts_of(request), upload_id, key_id, file_id)
    return await _receive_part(request, upload, number)


@router.put(
    UPLOAD,
    summary="Upload a file to an address from /rest",
    responses=OF_UPLOADS,
    openapi_extra=FILE_BODY,
)
async def put_file(request: Request, upload_id: str) -> Response:
    """Take the whole file; no key is needed."""
    parts = parts_of(request)
    upload = await _find(parts, upload_id)
    with parts.transfers.arriving(), parts.uploads.landing() as landing:
        await parts.transfers.receive(request, landing)
        file = await parts.transfers.run(parts.uploads.put, upload, landing, time.time())
    return JSONResponse({}, headers={"ETag": f'"{file.sha256}"'})


@router.post(
    f"{UPLOAD}/complete",
    summary="Join the parts at an address from /rest",
    responses=OF_UPLOADS,
    openapi_extra=PARTS_BODY,
)
async def complete_openly(request: Request, upload_id: str, named: NamedParts) -> UploadedFile:
    """Make the file readable once all of its parts are named; no key is needed."""
    upload = await _find(parts_of(request), upload_id)
    return UploadedFile(access_url=_address(request, await _join(request, upload, named)))


@router.put(
    f"{UPLOAD}/{{number}}",
    summary="Upload a part to an address from /rest",
    responses=OF_UPLOADS,
    openapi_extra=FILE_BODY,
)
async def put_part_openly(request: Request, upload_id: str, number: PartNumber) -> Response:
    """Take one part; no key is needed. Its number and etag are to be named at the end."""
    upload = await _find(parts_of(request), upload_id)
    return await _receive_part(request, upload, number)


@router.head(f"{FILES}/b/{{file_id}}/{{name}}", include_in_schema=False)
@router.get(
    f"{FILES}/b/{{file_id}}/{{name}}",
    summary="Read a file",
    response_class=Response,
    responses=OF_DOWNLOADS,
)
async def read_file(request: Request, file_id: str, name: str) -> Response:
    """The file, or a range of it; no key is needed unless its owner narrowed who may read."""
    parts = parts_of(request)
    reader = await _reader(parts, request)
    file = await parts.threads.read(parts.files.readable, file_id, reader, time.time())
    if file is None:
        raise Refused(404, "there is no such file, or no longer")
    return await answer_with(request, parts.files, file, parts.transfers)


async def _reader(parts: Parts, request: Request) -> str | None:
    """Whose key or token came along, if one did; a wrong one counts as none."""
    if "authorization" not in request.headers:
        return None
    try:
        return await uploader(request)
    except Refused:
        return None


async def _find(
    parts: Parts, upload_id: str, key_id: str | None = None, file_id: str | None = None
) -> Upload:
    upload = await parts.threads.read(parts.uploads.find, upload_id, time.time(), key_id)
    if file_id not in (None, upload.file_id):
        raise Refused(404, "there is no such upload")
    return upload


async def _receive_part(request: Request, upload: Upload, number: int) -> Response:
    """Both clients are told the etag: one reads the header, the other the body."""
    parts = parts_of(request)
    parts.uploads.refuse_part(upload, number)
    with parts.transfers.arriving(), parts.uploads.landing() as landing:
        await parts.transfers.receive(request, landing)
        part = await parts.transfers.run(parts.uploads.put_part, upload, number, landing)
    return JSONResponse(
        Part.model_dump(part, mode="json", by_alias=True), headers={"ETag": f'"{part.etag}"'}
    )


async def _join(request: Request, upload: Upload, named: CompleteMultipart) -> StoredFile:
    parts = parts_of(request)
    return await parts.transfers.run(parts.uploads.complete, upload, named.parts, time.time())


def _new_file(request: Request, key_id: str) -> NewFile:
    """What the headers say of a file."""
    return NewFile(
        key_id=key_id,
        file_name=_file_name(request),
        content_type=request.headers.get("content-type"),
        lifecycle=lifecycle_of(request),
    )


def _file_name(request: Request) -> str:
    """The name as it was sent: UTF-8, perhaps percent-encoded, since headers are neither."""
    raw = request.headers.get("x-fal-file-name", "")
    return unquote(raw.encode("latin-1").decode("utf-8", "replace"))


def _address(request: Request, file: StoredFile) -> str:
    parts = parts_of(request)
    return parts.files.url_of(file, base_url(request, parts.settings))
