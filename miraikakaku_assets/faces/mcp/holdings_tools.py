"""Tools about what is listed and what is stored: symbols, coverage, gaps."""

from collections import Counter
from typing import Annotated, Any

from pydantic import Field

from miraikakaku_assets.domain.market.universes import UNIVERSES, universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.mcp.answers import Answer
from miraikakaku_assets.faces.mcp.tool import Arguments, Asked, Rows, Symbol, Text, Tool, UniverseName, search

_EVERY_ISSUE = 20_000


class SearchArguments(Arguments):
    """Of `search_symbols`."""

    query: Annotated[str, Field(description="part of the name, or how the code begins", max_length=100)]
    universe: UniverseName | None = None
    limit: Rows = 20


class UniverseArguments(Arguments):
    """Of tools that are asked about a universe."""

    universe: UniverseName = "jp"


class GapArguments(UniverseArguments):
    """Of `gaps`."""

    sessions: Annotated[int, Field(ge=1, le=250, description="newest completed sessions")] = 5
    cause: Text | None = None
    symbol: Symbol | None = None


async def _search_symbols(wanted: SearchArguments, asked: Asked) -> Answer:
    rows: list[dict[str, Any]] = []
    total = 0
    for name in [wanted.universe] if wanted.universe else UNIVERSES:
        count, issues = await search(asked, name, wanted.query, wanted.limit, only_active=False)
        total += count
        rows += [
            {
                "symbol": issue["yahoo_symbol"],
                "name": issue["stock_name"],
                "universe": name,
                "market": issue["market_category"],
                "sector": issue["sector"],
                "type": issue["security_type"],
                "listed": issue["is_active"],
            }
            for issue in issues
        ]
    head: dict[str, Any] = {"query": wanted.query, "matches": total}
    if not rows:
        head["hint"] = (
            "No issue has this in its name or at the beginning of its code. Tokyo's names are Japanese: "
            "try トヨタ, or a code like 7203"
        )
    return Answer(head, rows[: wanted.limit], "symbols", file_name="symbols")


async def _coverage(wanted: UniverseArguments, asked: Asked) -> Answer:
    segments = await asked.read(asked.use.stores.status.newest_coverage, universe(wanted.universe))
    if not segments:
        hint = (
            f"no check yet; `gaps` looks now, `miraikakaku validate --universe {wanted.universe}` keeps one"
        )
        return Answer({"universe": wanted.universe, "hint": hint})
    whole = segments[0]
    head = {
        "universe": wanted.universe,
        "as_of": whole["checked_at"],
        "sessions": [whole["window_start"], whole["window_end"]],
        "timeframe": "1d",
        "denominator": whole["denominator"],
        "threshold": whole["threshold"],
    }
    names = {
        "segment": "segment",
        "coverage": "coverage",
        "stored_bars": "stored",
        "expected_bars": "expected",
        "instruments": "issues",
        "complete_instruments": "complete",
        "empty_instruments": "empty",
    }
    rows = [{shown: segment[name] for name, shown in names.items()} for segment in segments]
    return Answer(head, rows, "segments", file_name=f"coverage-{wanted.universe}")


async def _gaps(wanted: GapArguments, asked: Asked) -> Answer:
    from miraikakaku_assets.application.reading.missing_bars import missing_bars
    from miraikakaku_assets.domain.coverage.causes import CAUSES
    from miraikakaku_assets.domain.market.sessions import sessions_between

    market = universe(wanted.universe)
    findings = await asked.read(
        missing_bars, market, wanted.sessions, asked.use.stores.coverage, asked.use.clock
    )
    _, issues = await search(asked, market.name, None, _EVERY_ISSUE)
    about = {issue["yahoo_symbol"]: issue for issue in issues}
    rows = []
    for (symbol,), gaps in findings.gaps.group_by("symbol", maintain_order=True):
        issue = about.get(str(symbol), {})
        for cause in gaps["cause"].unique(maintain_order=True):
            ranges = gaps.filter(gaps["cause"] == cause)
            rows.append(
                {
                    "symbol": symbol,
                    "name": issue.get("stock_name"),
                    "market": issue.get("market_category"),
                    "cause": cause,
                    "missing": ranges["missing_bars"].sum(),
                    "first": ranges["first_session"].min(),
                    "last": ranges["last_session"].max(),
                }
            )
    whole = findings.whole
    lacking = len({row["symbol"] for row in rows})
    by_cause = Counter(row["cause"] for row in rows)
    chosen = [
        row
        for row in rows
        if (wanted.cause is None or row["cause"] == wanted.cause)
        and (
            wanted.symbol is None
            or wanted.symbol in {row["symbol"], about.get(row["symbol"], {}).get("stock_code")}
        )
    ]
    chosen.sort(key=lambda row: (-row["missing"], row["symbol"]))
    head = {
        "universe": market.name,
        "as_of": findings.checked_at,
        "timeframe": "1d",
        "sessions": sessions_between(market.calendar, findings.first, findings.last),
        "denominator": findings.denominator,
        "answer": (
            f"{lacking:,} of {whole.instruments:,} issues lack {whole.expected - whole.stored:,} of "
            f"{whole.expected:,} bars that are due"
        ),
        "coverage": None if whole.coverage is None else percent(whole.coverage),
        "causes": {
            cause: {"issues": by_cause[cause], "bars": bars, "means": CAUSES[cause]}
            for cause, bars in whole.causes.items()
        },
    }
    return Answer(head, chosen, "gaps", file_name=f"gaps-{market.name}")


TOOLS = (
    Tool(
        "search_symbols",
        "Finds instruments by name (Tokyo: Japanese) or code.",
        SearchArguments,
        _search_symbols,
    ),
    Tool(
        "coverage",
        "Newest coverage check of daily bars, whole universe first, then market segments; shares with denominators.",
        UniverseArguments,
        _coverage,
    ),
    Tool(
        "gaps",
        "Which issues lack daily bars of the newest sessions, and why: judged now, a cause for every missing bar.",
        GapArguments,
        _gaps,
    ),
)
