"""Prometheus' text exposition, by its own client library."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from miraikakaku_assets.application.ports.operations.metrics import MetricFamily


def exposition(families: Iterable[MetricFamily]) -> str:
    """The text that Prometheus scrapes, or node_exporter's textfile collector reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Stored(tuple(families)))
    return generate_latest(registry).decode()


class _Stored(Collector):
    """Hands over what is stored; nothing is counted in this process."""

    def __init__(self, families: Sequence[MetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Every family as the library has it."""
        for family in self._families:
            metric = GaugeMetricFamily(family.name, family.documentation, labels=family.labels)
            for labels, value in sorted(family.values.items()):
                metric.add_metric(labels, value)
            yield metric
