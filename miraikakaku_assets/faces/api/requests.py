"""What routes share: parts of the application, options, and answers that another process reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Concatenate, ParamSpec, cast

from fastapi import Query, Request, Response
from pydantic import StringConstraints

from miraikakaku_assets.application.ports.serving import NamedInstrument
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe, universe
from miraikakaku_assets.faces.api.answers import Body, invalid, not_found, send
from miraikakaku_assets.faces.api.keys import Key
from miraikakaku_assets.faces.api.launches import Launches
from miraikakaku_assets.faces.api.progress import ProgressHub
from miraikakaku_assets.faces.api.reader import Reader
from miraikakaku_assets.faces.api.repeated.page_keeper import PageKeeper

P = ParamSpec("P")
Pattern = Annotated[str, StringConstraints(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=20_000, description="件数の上限")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="読み飛ばす件数")]
UniverseName = Annotated[str, Query(description="ユニバース", examples=["jp"], max_length=16)]


@dataclass(frozen=True)
class Parts:
    """What the routes of one application work with.

    Attributes:
        ports: The installation.
        hub: Who watches jobs.
        launches: What is launched behind the answers.
        reader: Reads tables in a process of its own.
        pages: Of the stock masters, as of their newest update.
    """

    ports: Ports
    hub: ProgressHub
    launches: Launches
    reader: Reader
    responder: Reader
    pages: PageKeeper


def parts(request: Request) -> Parts:
    """The parts of the application that a request came to."""
    return cast("Parts", request.app.state.parts)


def key_of(request: Request) -> Key:
    """Whose request it is."""
    return cast("Key", request.scope["state"]["key"])


def universe_of(name: str) -> Universe:
    """The universe of a name.

    Raises:
        ApiError: There is none.
    """
    if name not in UNIVERSES:
        raise invalid(f"'universe' は {'、'.join(UNIVERSES)} のいずれかを指定してください")
    return universe(name)


async def instrument_of(request: Request, name: str) -> NamedInstrument:
    """The instrument that a client names.

    Raises:
        ApiError: There is none.
    """
    instrument = await parts(request).ports.serving.master_lists.instrument(name)
    if instrument is None or instrument.universe not in UNIVERSES:
        raise not_found("指定された銘柄が見つかりません")
    return instrument


async def answer(
    request: Request, work: Callable[Concatenate[Ports, P], Body], *args: P.args, **kwargs: P.kwargs
) -> Response:
    """The body that the process which reads tables makes, or that the client has it already."""
    return send(await parts(request).reader.read(work, *args, **kwargs), request)


def in_postgres(text: str | None) -> str | None:
    """A text without the character NUL, which PostgreSQL does not store; None for nothing."""
    return text.replace("\0", "").strip() or None if text else None
