"""Which kind an alert is of, by its key."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from miraikakaku_assets.application.alerting.alert_rule import AlertKind
from miraikakaku_assets.application.ports.alert_states import Response
from miraikakaku_assets.domain.alerting.inhibition import KeyTemplate, Root, root_of

_UNKNOWN = Response(None, 1)


class KindsByKey:
    """Finds the kind of an alert.

    Args:
        kinds: All kinds; several of one key are taken together.
    """

    def __init__(self, kinds: Iterable[AlertKind]) -> None:
        self._templates: dict[str, list[tuple[KeyTemplate, list[AlertKind]]]] = defaultdict(list)
        of_key = defaultdict[str, list[AlertKind]](list)
        for kind in kinds:
            of_key[kind.key].append(kind)
        for key, same in of_key.items():
            self._templates[key.partition("/")[0]].append((KeyTemplate(key), same))

    @property
    def that_inhibit(self) -> frozenset[str]:
        """First parts of the keys of kinds that explain others."""
        return frozenset(
            first
            for first, templates in self._templates.items()
            for _, kinds in templates
            if any(kind.inhibits for kind in kinds)
        )

    def of(self, key: str) -> Sequence[AlertKind]:
        """The kinds of a key; none of one that no rule raises any more."""
        return self._found(key)[0]

    def response(self, key: str) -> Response:
        """How soon somebody should look at an alert."""
        kinds = self.of(key)
        if not kinds:
            return _UNKNOWN
        soonest = [kind.respond_within for kind in kinds if kind.respond_within is not None]
        return Response(min(soonest, default=None), max(kind.escalates_from for kind in kinds))

    def remedy(self, key: str) -> str:
        """What to do about an alert; empty where nothing is known."""
        return next((kind.remedy for kind in self.of(key) if kind.remedy), "")

    def root(self, number: int, key: str) -> Root | None:
        """A standing alert as the root of others; None if it explains none."""
        kinds, labels = self._found(key)
        patterns = list(dict.fromkeys(pattern for kind in kinds for pattern in kind.inhibits))
        return root_of(number, key, labels, patterns) if patterns else None

    def _found(self, key: str) -> tuple[Sequence[AlertKind], dict[str, str]]:
        for template, kinds in self._templates.get(key.partition("/")[0], ()):
            labels = template.labels(key)
            if labels is not None:
                return kinds, dict(labels)
        return (), {}


@cache
def all_kinds() -> KindsByKey:
    """Every kind there is."""
    from miraikakaku_assets.application.alerting.rules import ALERTS

    return KindsByKey(ALERTS)
