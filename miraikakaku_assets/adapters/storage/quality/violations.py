"""Rules as conditions of SQL: which rows of a batch break one.

They say the same as Great Expectations does of the rows in memory; a test compares the two on broken batches.
"""

from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.quality.suite import Kind, Suite, SuiteRule


def literal(value: str | float) -> str:
    """A value as SQL writes it."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def violation(rule: SuiteRule, universe: Universe) -> str:
    """The condition that the rows which break a rule fulfil; they are those of a table ``batch``."""
    match rule.kind:
        case Kind.UNIQUE:
            return _repeated(rule)
        case Kind.PRESENT:
            parts = [f"{column} IS NULL" for column in rule.columns]
        case Kind.BETWEEN:
            parts = [condition for column in rule.columns for condition in _outside(rule, column)]
        case Kind.ASCENDING:
            parts = [
                f"{lower} > {higher} OR ({lower} IS NULL) <> ({higher} IS NULL)"
                for lower, higher in rule.pairs
            ]
        case Kind.EQUAL:
            parts = [f"{first} IS DISTINCT FROM {second}" for first, second in rule.pairs]
        case Kind.IN_SET:
            known = ", ".join(map(literal, rule.values))
            parts = [f"{column} NOT IN ({known})" for column in rule.columns]
        case Kind.MATCHES:
            whole = literal(f"^(?:{rule.pattern_for(universe)})$")
            parts = [f"{column} !~ {whole}" for column in rule.columns]
    return " OR ".join(parts)


def _repeated(rule: SuiteRule) -> str:
    columns = ", ".join(rule.columns)
    return f"({columns}) IN (SELECT {columns} FROM batch GROUP BY {columns} HAVING count(*) > 1)"


def _outside(rule: SuiteRule, column: str) -> list[str]:
    bounds = []
    if rule.minimum is not None:
        bounds.append(f"{column} {'<=' if rule.is_strict else '<'} {literal(rule.minimum)}")
    if rule.maximum is not None:
        bounds.append(f"{column} > {literal(rule.maximum)}")
    return bounds


def listing(rows: str, suite: Suite, rule: SuiteRule, universe: Universe) -> str:
    """A statement that lists the rows of a batch that break a rule.

    Args:
        rows: SELECT that reads the batch.
        suite: Whose key sorts them.
        rule: Which.
        universe: Whose batch.
    """
    order = ", ".join(suite.key)
    return f"WITH batch AS ({rows})\nSELECT * FROM batch WHERE {violation(rule, universe)} ORDER BY {order};"


def counting(rows: str, suite: Suite, universe: Universe) -> str:
    """A statement that counts the rows of a batch, and those that break each rule, in the order of the suite."""
    counts = ", ".join(f"count(*) FILTER (WHERE {violation(rule, universe)})" for rule in suite.rules)
    return f"WITH batch AS ({rows})\nSELECT count(*), {counts} FROM batch"
