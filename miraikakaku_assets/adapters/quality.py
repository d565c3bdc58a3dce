"""Suites over stored rows with Great Expectations: a second pair of eyes that knows none of our code.

It runs once per suite over one batch, never once per symbol (0.06 s a call); the import alone takes 2.6 s.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import polars as pl
import polars.selectors as cs

from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.quality.suite import Kind, Suite, SuiteRule

_ROW = "row_of_batch"


class GreatExpectations:
    """Implements the port `SuiteRunner`."""

    def broken(self, suite: Suite, universe: Universe, rows: pl.DataFrame) -> Mapping[str, Sequence[int]]:
        """Rule → positions of the rows that break it; see `SuiteRunner`."""
        gx = _great_expectations()
        expectations = [
            expectation
            for rule in suite.rules
            for expectation in _expectations(rule, universe, gx.expectations)
        ]
        asked = gx.ExpectationSuite(name=suite.name, expectations=expectations)
        asset = _context().data_sources.add_or_update_pandas("memory").add_dataframe_asset(suite.name)
        batch = asset.add_batch_definition_whole_dataframe("batch").get_batch(
            {"dataframe": _pandas(suite, rows)}
        )
        report = batch.validate(asked, result_format=_EVERY_ROW)
        exceptional: dict[str, set[int]] = {rule.name: set() for rule in suite.rules}
        for result in report.results:  # in an order of their own; the rule travels in the expectation's meta
            rule = result.expectation_config.meta["rule"]
            exceptional[rule] |= _positions(result, rule, suite.name)
        return {rule: sorted(positions) for rule, positions in exceptional.items()}


_EVERY_ROW = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [_ROW],
    "return_unexpected_index_query": False,
    "partial_unexpected_count": 0,
    "include_unexpected_rows": False,
}


def _pandas(suite: Suite, rows: pl.DataFrame) -> Any:
    """The columns that are asked for, moments as UTC without a zone: pandas warns about comparisons of zoned ones."""
    numbered = rows.select(suite.columns).with_row_index(_ROW)
    return numbered.with_columns(cs.datetime(time_zone="*").dt.replace_time_zone(None)).to_pandas()


def _positions(result: Any, rule: str, suite: str) -> set[int]:
    if result.success:
        return set()
    listed = result.result.get("unexpected_index_list")
    if not listed:
        errors = [info.get("exception_message") for info in _exceptions(result.exception_info)]
        why = next((error for error in errors if error), "no row is named")
        raise WorkFellShortError(f"Rule {rule} of the suite {suite} cannot be evaluated: {why}")
    return {int(entry[_ROW]) for entry in listed}


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """One exception, or one per metric."""
    if "raised_exception" in info:
        return [info]
    return [entry for entry in info.values() if isinstance(entry, Mapping)]


def _expectations(rule: SuiteRule, universe: Universe, expect: Any) -> list[Any]:
    """What Great Expectations is asked for a rule."""
    meta = {"rule": rule.name}
    if rule.kind is Kind.UNIQUE and len(rule.columns) > 1:
        return [expect.ExpectCompoundColumnsToBeUnique(column_list=list(rule.columns), meta=meta)]
    if rule.kind in (Kind.ASCENDING, Kind.EQUAL):
        return [_of_pair(rule.kind, *pair, expect, meta) for pair in rule.pairs]
    asked, options = _of_column(rule, universe, expect)
    return [asked(column=column, meta=meta, **options) for column in rule.columns]


def _of_pair(kind: Kind, first: str, second: str, expect: Any, meta: Mapping[str, str]) -> Any:
    options = {"ignore_row_if": "both_values_are_missing", "meta": meta}
    if kind is Kind.EQUAL:
        return expect.ExpectColumnPairValuesToBeEqual(column_A=first, column_B=second, **options)
    return expect.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=second, column_B=first, or_equal=True, **options
    )


def _of_column(rule: SuiteRule, universe: Universe, expect: Any) -> tuple[Any, dict[str, Any]]:
    match rule.kind:
        case Kind.PRESENT:
            return expect.ExpectColumnValuesToNotBeNull, {}
        case Kind.BETWEEN:
            bounds = {"min_value": rule.minimum, "max_value": rule.maximum, "strict_min": rule.is_strict}
            return expect.ExpectColumnValuesToBeBetween, bounds
        case Kind.IN_SET:
            return expect.ExpectColumnValuesToBeInSet, {"value_set": list(rule.values)}
        case Kind.MATCHES:
            return expect.ExpectColumnValuesToMatchRegex, {"regex": f"^(?:{rule.pattern_for(universe)})$"}
        case _:
            return expect.ExpectColumnValuesToBeUnique, {}


@cache
def _context() -> Any:
    """One for the process: each makes a folder of its own. What it held last is forgotten with the next batch."""
    gx = _great_expectations()
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


@cache
def _great_expectations() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports modules Python 3.11 deprecates
        import great_expectations
    return great_expectations
