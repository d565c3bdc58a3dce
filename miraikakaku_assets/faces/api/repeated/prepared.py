"""Questions that come again and again: what a route has made of a target's parameters is kept, its answer is made anew.

A status is asked for every second by everybody who waits for a job, a list by every page that shows one. Finding the
route and checking its parameters takes longer than the answer, and comes to the same for the same target.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Request, Response

from miraikakaku_assets.faces.api.answers import Body, send, send_compressed
from miraikakaku_assets.faces.api.guard import App, Receive, Scope, Send

Make = Callable[[], Awaitable[Body]]
"""Makes the answer to a target from what is stored now."""
_MOST_TARGETS = 1024
_MOST_BYTES = 512  # of a target that is kept
_KEEP = "keep_prepared"


class Prepared:
    """ASGI middleware: asks the route itself only once for each target that it has prepared.

    Args:
        app: What answers everything else, and whatever cannot be answered here.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._makes: OrderedDict[tuple[str, bytes], Make] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send_on: Send) -> None:
        """Answers from what is prepared, or lets the request pass."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send_on)
            return
        target = (scope["path"], scope["query_string"])
        answer = await self._answer(target, Request(scope))
        if answer is not None:
            await answer(scope, receive, send_on)
            return
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state[_KEEP] = lambda make: self._keep(target, make)
        await self._app(scope, receive, send_on)

    async def _answer(self, target: tuple[str, bytes], request: Request) -> Response | None:
        make = self._makes.get(target)
        if make is None:
            return None
        try:
            body = await make()
        except Exception:  # noqa: BLE001 - the route is asked, meets the same and says it as it always does
            self._makes.pop(target, None)
            return None
        return await send_compressed(body, request)

    def _keep(self, target: tuple[str, bytes], make: Make) -> None:
        if len(target[0]) + len(target[1]) > _MOST_BYTES:
            return
        self._makes[target] = make
        while len(self._makes) > _MOST_TARGETS:
            self._makes.popitem(last=False)


async def prepared(request: Request, make: Make) -> Response:
    """The answer of a route whose target alone decides which one it is; the next for this target is made without it."""
    body = await make()
    keep = request.scope["state"].get(_KEEP)
    if keep is not None:
        keep(make)
    return send(body, request)
