"""What a simulator is started with."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from miraikakaku_assets.domain.errors import ConfigurationError

MOST_SYMBOLS = 64_000
"""Issues of one country. Tokyo has codes for fewer, see `listings`."""
MOST_YEARS = 8
"""The simulated world begins in 2016."""


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """Everything that decides what a simulator answers.

    Two simulators with equal configurations and a fixed ``now`` answer byte for byte the same.

    Attributes:
        seed: Decides every price, listing and fault. The same seed gives the same bars on any start day.
        symbols: Issues in the JPX list on the day the simulator starts.
        us_symbols: Issues in the US directories on the day the simulator starts, well-known ones first.
        archive_dir: Folder of real bars to serve instead of a synthetic market.
        master_file: Workbook to serve as the JPX list, byte for byte, instead of a generated one.
        faults: Fault specs in force at the start, e.g. ``429=0.02`` or ``404@7203.T``.
        now: Fixed clock of the simulated exchanges, time zone aware; ``None`` follows the real clock.
        latency: Seconds every chart answer is held back.
        history_years: Calendar years of history before the clock at the start.
        alpha_vantage_key: The API key that Alpha Vantage's list wants; any other is refused.
        timeout_seconds: Seconds an answer hit by the ``timeout`` fault is held before it is given up.

    Raises:
        ConfigurationError: A value cannot be used; the message names it and what is allowed.
    """

    seed: int = 7
    symbols: int = 400
    us_symbols: int = 120
    archive_dir: Path | None = None
    master_file: Path | None = None
    faults: tuple[str, ...] = ()
    now: datetime | None = None
    latency: float = 0.0
    history_years: int = 3
    timeout_seconds: float = 60.0
    alpha_vantage_key: str = "SIMULATED"

    def __post_init__(self) -> None:
        """Refuse values that would only fail later, in the middle of a request."""
        most = f"at most {MOST_SYMBOLS}"
        self._require(1 <= self.symbols <= MOST_SYMBOLS, "symbols", self.symbols, f"at least 1 and {most}")
        self._require(0 <= self.us_symbols <= MOST_SYMBOLS, "us_symbols", self.us_symbols, most)
        self._require(self.latency >= 0, "latency", self.latency, "0 or more seconds")
        self._require(
            1 <= self.history_years <= MOST_YEARS,
            "history_years",
            self.history_years,
            f"1 to {MOST_YEARS} years",
        )
        self._require(
            self.timeout_seconds > 0, "timeout_seconds", self.timeout_seconds, "more than 0 seconds"
        )
        aware = self.now is None or self.now.utcoffset() is not None
        self._require(aware, "now", self.now, "an instant with a time zone")
        if self.archive_dir is not None:
            self._require(self.archive_dir.is_dir(), "archive_dir", self.archive_dir, "an existing folder")
        if self.master_file is not None:
            self._require(self.master_file.is_file(), "master_file", self.master_file, "an existing file")

    def as_options(self) -> str:
        """Return the market as options of `miraikakaku simulate`, in characters that a header may carry."""
        if self.archive_dir is not None:
            return f"--archive {quote(str(self.archive_dir))}"
        return f"--seed {self.seed} --symbols {self.symbols} --us-symbols {self.us_symbols}"

    @staticmethod
    def _require(holds: bool, name: str, value: object, allowed: str) -> None:  # noqa: FBT001
        if not holds:
            raise ConfigurationError(f"simulator: {name}={value} cannot be used; allowed is {allowed}.")
