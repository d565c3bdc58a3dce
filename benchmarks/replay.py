"""A month of USD/JPY through the five-minute schedule, with kills and a webhook outage; then everything is counted.

``python -m benchmarks.replay --days 31 --kills 5 ARCHIVE`` replays real five-minute bars of an archive: every tick
of the schedule ``fx_cycle`` is evaluated at its moment, its run executed, its notifications sent to a local webhook.
The process that does it is killed (SIGKILL) at random moments, and goes on with the next tick; the webhook is down
for some hours. At the end every bar of the archive must be there once, every derived bar, indicator and signal must
equal, bit for bit, those of one analysis of all bars at once, and every signal must have been notified: once where
nothing was killed, at least once in any case. Exits 0 when all of it holds.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import replay_checks
from benchmarks.fetch_site import UNLIMITED, Exchange, Site
from benchmarks.webhook import Webhook, webhook
from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.process import running_process

SYMBOL = "USDJPY=X"
_TICK = timedelta(minutes=5)
_LONGEST_OUTAGE = timedelta(hours=6)
_FIRST_DAY = date(2022, 1, 1)


@dataclass(frozen=True)
class Plan:
    """What is replayed.

    Attributes:
        archive: Folder with Parquet files of daily (symbol, date, …) and 5-minute bars (symbol, timestamp, …).
        begins: First tick (UTC).
        days: How long.
        kills: How often the process is killed.
        outage: Whether the webhook is down from the middle on: for a quarter of the time, six hours at most.
        seed: Of the moments of the kills.
    """

    archive: Path
    begins: datetime
    days: float = 31.0
    kills: int = 5
    outage: bool = True
    seed: int = 7

    def ticks(self) -> list[datetime]:
        """Every five minutes."""
        count = int(timedelta(days=self.days) / _TICK)
        return [self.begins + number * _TICK for number in range(count)]

    def down(self, moment: datetime) -> bool:
        """Whether the webhook is down at a moment."""
        if not self.outage:
            return False
        whole = timedelta(days=self.days)
        since = moment - (self.begins + whole / 2)
        return timedelta(0) <= since < min(whole / 4, _LONGEST_OUTAGE)


@dataclass
class Replay:
    """What has happened.

    Attributes:
        ticks: Ticks that were lived through.
        runs: Runs that ended well.
        failed: Runs that did not.
        skipped: Why ticks led to no run, and how many.
        killed: Ticks in which the process was killed.
        delivered: Different messages that arrived at the webhook.
        pictures: Messages that came with a picture.
        refused: Requests that met the outage.
        checks: What was compared, in words.
        problems: What must not be; empty when all of it holds.
        seconds: How long it took.
    """

    ticks: int = 0
    runs: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    killed: list[str] = field(default_factory=list)
    delivered: int = 0
    pictures: int = 0
    refused: int = 0
    checks: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def replay(plan: Plan, console: Console) -> Replay:
    """Replays in temporary folders, and checks."""
    done = Replay()
    config = SimulatorConfig(archive_dir=plan.archive, now=plan.begins)
    with running_process(config) as base, webhook() as hook, _home(base, hook) as site:
        began = time.monotonic()
        _live(plan, site, base, hook, done, console)
        done.seconds = time.monotonic() - began
        hook.set_down(False)
        last = plan.ticks()[-1]
        replay_checks.deliver_rest(site, last + timedelta(hours=2))
        replay_checks.check(site, plan.archive, last, hook, done)
    return done


@contextmanager
def _home(base: str, hook: Webhook) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        Path(folder).chmod(0o755)  # as root the server runs as another user
        site = Site(
            Path(folder),
            {
                **UNLIMITED,
                **Exchange(base).variables(),
                "MIRAIKAKAKU_HOME": str(Path(folder) / "home"),
                "FX_PAIRS": SYMBOL,
                "HISTORY_START": "2023-01-01",
                "DISCORD_WEBHOOK_URL": hook.url,
                "WORKER_TIMEOUT": "5",
            },
        )
        try:
            yield site
        finally:
            embedded.stop(site.home)


def _live(plan: Plan, site: Site, base: str, hook: Webhook, done: Replay, console: Console) -> None:
    """Starts the process again after every kill, with the tick after the one it was killed in."""
    chance = random.Random(plan.seed)  # noqa: S311 - no secret
    ticks = plan.ticks()
    deaths = sorted(chance.sample(range(1, len(ticks) - 1), min(plan.kills, len(ticks) - 2)))
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("replaying", total=len(ticks))
        while done.ticks < len(ticks):
            first = done.ticks
            # A process lives through one tick at least: the moment of its death may have passed with its predecessor.
            dies = max(deaths.pop(0), first + 1) if deaths else None
            for line in _attempt(site, base, ticks[first:], None if dies is None else dies - first, chance):
                report = json.loads(line)
                tick = datetime.fromisoformat(report["tick"])
                hook.set_down(plan.down(tick))
                done.ticks += 1
                done.runs += report.get("succeeded") is True
                done.failed += report.get("succeeded") is False
                done.skipped.update([report["skipped"]] if "skipped" in report else [])
                progress.update(task, completed=done.ticks)
            if done.ticks < len(ticks):  # it was killed in the tick after the last it told of
                if dies is None or done.ticks < dies:
                    raise RuntimeError(f"the replay broke off at {ticks[done.ticks]}; see its errors above")
                done.killed.append(f"{ticks[done.ticks]:%m-%d %H:%M}")
                done.ticks += 1


def _attempt(
    site: Site, base: str, ticks: list[datetime], dies: int | None, chance: random.Random
) -> Iterator[str]:
    """Lines of a process that is killed somewhere in the tick with that number."""
    order = {
        "exchange": base,
        "schedule": "fx_cycle",
        "ticks": [tick.isoformat() for tick in ticks],
    }
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.replay_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **site.variables},
    ) as process:
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        for number, line in enumerate(process.stdout, start=1):
            yield line
            if dies is not None and number == dies:
                time.sleep(chance.uniform(0.0, 0.4))  # a tick takes about so long
                process.kill()
                yield from process.stdout  # ticks that had ended by then
                return


def prepared(data: Path, folder: Path) -> Path:
    """An archive of the real USD/JPY bars of ``shared/data``: MetaTrader's 5-minute bars and Yahoo's daily ones."""
    names = ["day", "time", "open", "high", "low", "close", "volume"]
    raw = pl.read_csv(
        next((data / "fx").glob("usdjpy_5m_mt4_*.csv")),
        has_header=False,
        new_columns=names,
        schema_overrides={"day": pl.String, "time": pl.String},
    )
    # The server's clock is Eastern European time; the stamps of the hour that is there twice are its second one.
    stamp = (pl.col("day") + " " + pl.col("time")).str.to_datetime("%Y.%m.%d %H:%M")
    zoned = stamp.dt.replace_time_zone("Europe/Helsinki", ambiguous="latest", non_existent="null")
    five = raw.select(
        pl.lit(SYMBOL).alias("symbol"),
        zoned.dt.convert_time_zone("UTC").alias("timestamp"),
        *("open", "high", "low", "close"),
        pl.lit(0.0).alias("volume"),
    ).drop_nulls("timestamp")
    daily = pl.read_csv(data / "fx" / "yahoo_JPY=X_daily_1996_2026.csv")
    daily = daily.rename({name: name.lower() for name in daily.columns}).select(
        pl.lit(SYMBOL).alias("symbol"),
        pl.col("date").str.slice(0, 10).str.to_date(),
        *("open", "high", "low", "close"),
        pl.lit(0.0).alias("volume"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    five.write_parquet(folder / "five_minutes.parquet")
    daily.drop_nulls().filter(pl.col("date") >= _FIRST_DAY).write_parquet(folder / "daily.parquet")
    return folder


def main() -> None:
    """Replays, prints what happened, exits 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of real market data, as described in its README")
    parser.add_argument(
        "--begins", default="2025-02-23T21:00:00+00:00", help="first tick, ISO 8601 with offset"
    )
    parser.add_argument("--days", type=float, default=31.0)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--no-outage", action="store_true", help="keep the webhook up all the time")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    begins = datetime.fromisoformat(options.begins).astimezone(UTC)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="replay-archive-") as folder:
        archive = prepared(options.data, Path(folder) / "archive")
        plan = Plan(archive, begins, options.days, options.kills, not options.no_outage, options.seed)
        done = replay(plan, console)
    show(done, console)
    sys.exit(1 if done.problems else 0)


def show(done: Replay, console: Console) -> None:
    """Prints a replay as a table."""
    table = Table(title="USD/JPY replayed", box=None, show_header=False, pad_edge=False)
    for what, value in (
        ("ticks", f"{done.ticks:,}"),
        *((f"{count:,} without a run", why) for why, count in done.skipped.items()),
        ("runs", f"{done.runs:,} succeeded, {done.failed:,} failed"),
        ("killed at", ", ".join(done.killed) or "never"),
        *done.checks.items(),
        ("seconds", f"{done.seconds:.0f}, {done.seconds / max(done.runs, 1):.2f} a run"),
    ):
        table.add_row(what, value)
    console.print(table)
    for problem in done.problems:
        console.print(f"[bold red]wrong:[/] {problem}", soft_wrap=True)
    if not done.problems:
        console.print("[green]all of it holds[/]")


if __name__ == "__main__":
    main()
