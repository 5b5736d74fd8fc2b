"""The metrics as Prometheus's own parser reads them."""

from __future__ import annotations

import urllib.request

from conftest import Served
from prometheus_client.parser import text_string_to_metric_families


def test_every_metric_is_read(served: Served) -> None:
    with urllib.request.urlopen(served.site + "metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "each is told once"
    for family in families:
        assert family.type in ("counter", "gauge") and family.documentation, family.name
        assert family.samples, family.name
    samples = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}
    # What dashboards made for memcached_exporter ask for.
    for name in (
        "memcached_up",
        "memcached_uptime_seconds",
        "memcached_current_bytes",
        "memcached_limit_bytes",
        "memcached_current_items",
        "memcached_items_total",
        "memcached_items_evicted_total",
        "memcached_items_reclaimed_total",
        "memcached_current_connections",
        "memcached_max_connections",
        "memcached_connections_total",
        "memcached_read_bytes_total",
        "memcached_written_bytes_total",
        "memcached_process_user_cpu_seconds_total",
    ):
        # The parser gives counters their end where the exporter has left it off.
        assert (name,) in samples or (f"{name}_total",) in samples, name
    assert samples["memcached_limit_bytes",] == 8 << 20
    assert samples["memcached_items_evicted_total",] > 0
    assert samples["memcached_commands_total", "get", "hit"] > samples["memcached_commands_total", "get", "miss"] > 0
    assert samples["memcached_commands_total", "get", "hit"] <= samples["nearcached_get_hits_total",]
    assert samples["memcached_version", "1.6.45"] == 1
    assert 0 < samples["nearcached_items_bytes",] <= samples["nearcached_memory_limit_bytes",]
