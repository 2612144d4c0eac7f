"""Every table of ours, written once; the queue engine has its own beside them.

Times are seconds since 1970 (UTC). A `key_id` is the API key that something belongs to.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

NEWEST_REVISION = "0001"
"""Of the migrations; tables of another one are brought there before anything else."""

request = sa.Table(
    "request",
    metadata,
    sa.Column("request_id", sa.String(36), primary_key=True),
    sa.Column("key_id", sa.String(64), nullable=False),
    sa.Column("endpoint", sa.String(64), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),  # smaller is sooner
    sa.Column("accepted_at", sa.Double, nullable=False),
    sa.Column("start_timeout_s", sa.Double),
    sa.Column("max_attempts", sa.Integer, nullable=False),
    sa.Column("base_url", sa.Text, nullable=False),  # how the caller reaches this server
    sa.Column("webhook_url", sa.Text),
    sa.Column("lifecycle", sa.Text),  # JSON, of the files it makes
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("started_at", sa.Double),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ended_at", sa.Double),
    sa.Column("outcome", sa.String(16)),  # succeeded, failed, cancelled
    sa.Column("answer_status", sa.Integer),  # the HTTP status of the result
    sa.Column("answer", sa.Text),  # its JSON body
    sa.Column("error", sa.Text),
    sa.Column("error_type", sa.String(64)),
    sa.Column("inference_s", sa.Double),
    sa.UniqueConstraint("key_id", "idempotency_key", name="uq_request_idempotency"),
)

_WAITING = sa.and_(request.c.started_at.is_(None), request.c.outcome.is_(None))
sa.Index(
    "ix_request_waiting",
    request.c.priority,
    request.c.accepted_at,
    request.c.request_id,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
sa.Index("ix_request_ended", request.c.ended_at)
sa.Index(
    "ix_request_open",
    request.c.started_at,
    sqlite_where=request.c.outcome.is_(None),
    postgresql_where=request.c.outcome.is_(None),
)

request_input = sa.Table(  # apart, because it may hold a whole photograph as a data URI
    "request_input",
    metadata,
    sa.Column("request_id", sa.String(36), primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),  # JSON, as it came
)

request_event = sa.Table(
    "request_event",
    metadata,
    sa.Column("request_id", sa.String(36), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 0, 1, 2 ... within the request
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("level", sa.String(8), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)

worker_lease = sa.Table(
    "worker_lease",
    metadata,
    sa.Column("executor_id", sa.String(128), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("engine", sa.String(64), nullable=False),
    sa.Column("ready", sa.Boolean, nullable=False),
    sa.Column("problem", sa.Text),  # one sentence on why it is not ready
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("beat_at", sa.Double, nullable=False),
)

api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("key_id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("secret_hash", sa.String(64), nullable=False),  # hex of SHA-256
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("revoked_at", sa.Double),
)

signing_key = sa.Table(
    "signing_key",
    metadata,
    sa.Column("kid", sa.String(64), primary_key=True),
    sa.Column("private_key", sa.LargeBinary, nullable=False),  # Ed25519, 32 bytes
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("retired_at", sa.Double),
)

webhook_delivery = sa.Table(
    "webhook_delivery",
    metadata,
    sa.Column("request_id", sa.String(36), primary_key=True),
    sa.Column("key_id", sa.String(64), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # the same bytes at every attempt
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_attempt_at", sa.Double),
    sa.Column("last_problem", sa.Text),
    sa.Column("delivered_at", sa.Double),
    sa.Column("gave_up_at", sa.Double),
)

stored_file = sa.Table(
    "stored_file",
    metadata,
    sa.Column("file_id", sa.String(64), primary_key=True),  # unguessable, part of the URL
    sa.Column("key_id", sa.String(64), nullable=False),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("acl", sa.Text),  # JSON of the lifecycle's initial_acl
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double),
)
sa.Index("ix_stored_file_expires", stored_file.c.expires_at)

upload = sa.Table(
    "upload",
    metadata,
    sa.Column(
        "upload_id", sa.String(64), primary_key=True
    ),  # unguessable: it is the permission
    sa.Column("file_id", sa.String(64), nullable=False, unique=True),
    sa.Column("key_id", sa.String(64), nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("lifecycle", sa.Text),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Column("completed_at", sa.Double),
)

upload_part = sa.Table(
    "upload_part",
    metadata,
    sa.Column("upload_id", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("etag", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
)

cdn_token = sa.Table(
    "cdn_token",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),  # hex of SHA-256
    sa.Column("key_id", sa.String(64), nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
)
