"""Port of the real market data that forecasts are judged on."""

from collections.abc import Sequence
from typing import Protocol

import polars as pl

from miraikakaku_assets.application.ports.prices import PriceSource
from miraikakaku_assets.domain.market.instruments import Universe


class EvaluationDatasets(Protocol):
    """Files that exchanges, vendors and their users have written; none of them is ever changed."""

    def lists(self, universe: Universe) -> Sequence[str]:
        """What the exchanges published of a universe, oldest first, as `MasterSource.fetch` reads it.

        Raises:
            ConfigurationError: There is none, of a universe that needs one.
        """

    def bars(self, universe: Universe) -> PriceSource:
        """The daily bars of a universe.

        Raises:
            ConfigurationError: There is no such file, or more than one.
        """

    def metal(self) -> pl.DataFrame:
        """LME copper, cash and three months, USD per tonne: ``symbol``, ``session``, ``close``, sorted.

        Raises:
            ConfigurationError: There is no such file, or more than one.
            InputFileError: It is not such a table.
        """

    def history(self) -> pl.DataFrame:
        """Tokyo 2013–2018, adjusted for splits and dividends, as `wall_street`; survivors of 2022 only.

        Raises:
            ConfigurationError: There is no such file, or more than one.
            InputFileError: It is not such a table.
        """

    def wall_street(self) -> pl.DataFrame:
        """The S&P 500's issues, adjusted: ``symbol``, ``session``, the prices and ``volume``, sorted.

        Raises:
            ConfigurationError: There is no such file, or more than one.
            InputFileError: It is not such a table.
        """

    def dollar(self) -> pl.DataFrame:
        """USD/JPY, daily, columns as `wall_street`.

        Raises:
            ConfigurationError: There is no such file, or more than one.
            InputFileError: It is not such a table.
        """

    def comex(self) -> pl.DataFrame:
        """COMEX copper, nearest contract month, US dollars a pound; columns as `wall_street`.

        Raises:
            ConfigurationError: There is no such file, or more than one.
            InputFileError: It is not such a table.
        """

    def currencies(self) -> pl.DataFrame:
        """The exchange_rate set: a row per day, a column per currency, in the order of the file.

        Raises:
            ConfigurationError: There is no such file.
            InputFileError: It is not such a table.
        """
