"""The base score of CVSS 3.0 and 3.1, from the vector that advisories carry, and the level that it stands for.

The weights and the formula are those of FIRST's specification (CVSS v3.1, chapter 7). Vectors of other versions have no
score here: version 4 needs the tables of its macro vectors.
"""

from collections.abc import Mapping

from miraikakaku_assets.domain.security.finding import Level

_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {
    "U": {"N": 0.85, "L": 0.62, "H": 0.27},  # the scope stays
    "C": {"N": 0.85, "L": 0.68, "H": 0.5},  # the scope changes
}
_STEPS = ((9.0, Level.CRITICAL), (7.0, Level.HIGH), (4.0, Level.MEDIUM), (0.0, Level.LOW))


def base_score(vector: str) -> float | None:
    """The base score, 0 to 10; None of a vector that is no complete one of version 3."""
    version, *metrics = vector.strip().split("/")
    if version not in {"CVSS:3.0", "CVSS:3.1"}:
        return None
    given = dict(metric.split(":", 1) for metric in metrics if ":" in metric)
    try:
        weight = {name: weights[given[name]] for name, weights in _WEIGHTS.items()}
        scope = given["S"]
        privileges = _PRIVILEGES[scope][given["PR"]]
    except KeyError:
        return None
    impact_base = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    changed = scope == "C"
    impact = (
        7.52 * (impact_base - 0.029) - 3.25 * (impact_base - 0.02) ** 15 if changed else 6.42 * impact_base
    )
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    return _rounded_up(min((impact + exploitability) * (1.08 if changed else 1.0), 10.0))


def level_of(score: float) -> Level:
    """The level of a base score."""
    return next(level for least, level in _STEPS if score >= least)


def _rounded_up(score: float) -> float:
    """To one decimal, as the specification's appendix A does it: without the last digits of floating point."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
