"""``GET /thywill/metrics``: the measures in the format of Prometheus, or of OpenMetrics."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from thywill.core.histogram import Histogram
from thywill.core.measures import Measure, Measures
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.monitoring.async_endpoint import AsyncEndpoint
from thywill.monitoring.watch import Watch

log = logging.getLogger(__name__)


class Snapshot(Collector):
    """The measures of one moment, in the form for prometheus_client."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def collect(self) -> Iterable[Metric]:
        for name, measure in self._measures.all.items():
            yield _family(name, measure)


class Metrics(AsyncEndpoint):
    """The endpoint ``/thywill/metrics``.

    Args:
        watch: the running server.
    """

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        # The package's own registry is shared by the whole process, but tests run several servers in one.
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        GCCollector(registry=self._process)

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answer with the measures, in the format that the request asks for."""
        accept = (request.header(b"accept") or b"").decode("latin-1")
        try:
            body, content_type = self.encode(await self._watch.measures(), accept)
        except Exception:
            log.exception("the metrics could not be read")
            reply.send(500, b"")
        else:
            head = f"Content-Type: {content_type}\r\nCache-Control: no-store\r\n"
            reply.send(200, body, head.encode())

    def encode(self, measures: Measures, accept: str = "") -> tuple[bytes, str]:
        """Return ``measures`` and the measures of the process as text, and the Content-Type of that text.

        Args:
            measures: the measures of the server.
            accept: the header Accept of the request, which chooses the format.
        """
        encode, content_type = choose_encoder(accept)
        self._process.register(taken := Snapshot(measures))
        try:
            return encode(self._process), content_type
        finally:
            self._process.unregister(taken)


def _family(name: str, measure: Measure) -> Metric:
    values = measure.values
    names = [label for label, _ in next(iter(values), ())]
    kinds = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "histogram": HistogramMetricFamily}
    family: Any = kinds[measure.kind](name, measure.text, labels=names)
    for labels, value in values.items():
        texts = [text for _, text in labels]
        if isinstance(value, Histogram):
            family.add_metric(texts, _buckets(value), value.sum)
        else:
            family.add_metric(texts, value)
    found: Metric = family
    return found


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in histogram.bounds), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))
