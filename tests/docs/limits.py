"""The table of limits, read from the modules that keep them."""

from __future__ import annotations

from lyra_zoom.contract.zoom import PROMPT_MAX_CHARACTERS
from lyra_zoom.jobs import job, leases
from lyra_zoom.server import callers, limits, serve_http, submission, transfers
from lyra_zoom.settings import Settings
from lyra_zoom.storage import fetch, outbound, pinned, tokens, uploads
from lyra_zoom.worker import engine_process

SETTINGS = Settings()
MIB, KIB, DAY_S, HOUR_S = 2**20, 2**10, 86_400, 3_600

ROWS: tuple[tuple[str, str], ...] = (
    ("body of a request", f"{SETTINGS.max_body_mb} MiB (`LYRA_ZOOM_MAX_BODY_MB`)"),
    ("uploaded file", f"{SETTINGS.max_upload_mb} MiB (`LYRA_ZOOM_MAX_UPLOAD_MB`)"),
    (
        "headers of a request",
        f"{limits.MOST_HEADERS} lines, {limits.MOST_HEADER_BYTES // KIB} KiB",
    ),
    ("path and query of an address", f"{limits.LONGEST_TARGET // KIB} KiB"),
    ("pause within a body", f"{limits.SILENCE_S:g} s"),
    (
        "time for the body of a request",
        f"{limits.WHOLE_BODY_S:g} s; uploads have none",
    ),
    ("open connections of one API process", f"{serve_http.MOST_CONNECTIONS}"),
    ("files arriving at one API process at once", f"{transfers.MOST_ARRIVING}"),
    ("unfinished uploads of one key", f"{uploads.MOST_OPEN}"),
    ("time to finish an upload", f"{uploads.OPEN_FOR_S / HOUR_S:g} h"),
    ("life of an upload token", f"{tokens.TOKEN_LIFE_S / HOUR_S:g} h"),
    (
        "wrong keys from one address",
        f"{callers.GUESSES} in {callers.WINDOW_S:g} s, then 429; valid keys always pass",
    ),
    ("prompt", f"{PROMPT_MAX_CHARACTERS} characters"),
    ("`Idempotency-Key`", f"{submission.LONGEST_IDEMPOTENCY_KEY} characters"),
    (
        "start deadline of a request",
        f"more than {submission.SHORTEST_TIMEOUT_S:g} s, "
        f"at most {submission.LONGEST_TIMEOUT_S / DAY_S:g} days",
    ),
    ("photograph behind an address", f"{fetch.LARGEST_FILE_BYTES // MIB} MiB, decoded"),
    (
        "fetching it",
        f"{pinned.CONNECT_TIMEOUT_S:g} s to connect, {fetch.DEADLINE_S:g} s in all, "
        f"{fetch.MOST_REDIRECTS} redirects",
    ),
    ("one webhook attempt", f"{outbound.WEBHOOK_TIMEOUT_S:g} s"),
    ("runs of a request whose workers die", f"{job.ATTEMPTS}"),
    ("silence of a worker before another takes over", f"{leases.DEAD_AFTER_S:g} s"),
    (
        "silence of an engine before it is stopped",
        f"{engine_process.SILENCE_S:g} s, {engine_process.WARM_UP_S:g} s until it is warm",
    ),
    (
        "finished requests and files are kept",
        f"{SETTINGS.keep_days:g} days (`LYRA_ZOOM_KEEP_DAYS`), unless a file says otherwise",
    ),
)


def limit_table() -> str:
    """Every limit of the service, as the code has it."""
    rows = [f"| {what} | {limit} |" for what, limit in ROWS]
    return "\n".join(["| what | limit |", "| --- | --- |", *rows])
