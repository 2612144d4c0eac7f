"""What nobody expected becomes an answer like any other, and a trace in the log."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lyra_zoom.contract.queue import ErrorType
from lyra_zoom.server.problems import problem_answer

logger = logging.getLogger(__name__)


class Mistakes:
    """Answers 500 for every error that the app does not translate.

    Starlette would answer outside of all that is around the app: unmeasured, unreadable for
    pages of other origins, without protection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; an answer that had begun ends with its connection."""
        has_begun = False

        async def send_on(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception:
            if has_begun or scope["type"] != "http":
                raise
            logger.exception("a request met a mistake of ours method=%s", scope["method"])
            detail = "Something went wrong on this server."
            answer = problem_answer(ErrorType.INTERNAL_ERROR, detail)
            await answer(scope, receive, send)
