"""The text that Prometheus reads, read as Prometheus does."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from hecate.report_metrics.exposition import Exposition


def read(exposition: Exposition) -> dict[str, list[tuple[str, dict[str, str], float]]]:
    """Return the samples of each family."""
    families = text_string_to_metric_families(exposition.text().decode())
    return {
        family.name: [(sample.name, dict(sample.labels), sample.value) for sample in family.samples]
        for family in families
    }


def test_counters_and_gauges() -> None:
    """With labels, and without."""
    exposition = Exposition()
    exposition.family("calls_total", "counter", "Calls.", [({"model": "a"}, 3), ({"model": "b"}, 4.5)])
    exposition.gauge("open_calls", "Now.", 0)
    exposition.counter("lost_total", "Lost.", 1e15)
    assert read(exposition) == {
        "calls": [("calls_total", {"model": "a"}, 3), ("calls_total", {"model": "b"}, 4.5)],
        "open_calls": [("open_calls", {}, 0)],
        "lost": [("lost_total", {}, 1e15)],
    }


def test_a_histogram_adds_its_buckets_up() -> None:
    """Each bucket counts what is at most its bound; the last one counts all."""
    exposition = Exposition()
    exposition.histograms("seconds", "How long.", [({"model": "a"}, (0.1, 1.0), [1, 2, 3], 7.25)])
    assert read(exposition)["seconds"] == [
        ("seconds_bucket", {"model": "a", "le": "0.1"}, 1),
        ("seconds_bucket", {"model": "a", "le": "1"}, 3),
        ("seconds_bucket", {"model": "a", "le": "+Inf"}, 6),
        ("seconds_sum", {"model": "a"}, 7.25),
        ("seconds_count", {"model": "a"}, 6),
    ]


def test_any_name_can_be_a_label() -> None:
    """Quotes, backslashes and line ends included: models are named by clients."""
    names = ['say "hi"', "back\\slash", "two\nlines", "naïve-模型", "C:\\new"]
    exposition = Exposition()
    exposition.family("calls_total", "counter", "Calls.", [({"model": name}, 1) for name in names])
    assert [labels["model"] for _, labels, _ in read(exposition)["calls"]] == names


def test_a_family_may_have_no_samples() -> None:
    """As long as nothing has happened."""
    exposition = Exposition()
    exposition.family("calls_total", "counter", "Calls.", [])
    exposition.histograms("seconds", "How long.", [])
    assert read(exposition) == {"calls": [], "seconds": []}
