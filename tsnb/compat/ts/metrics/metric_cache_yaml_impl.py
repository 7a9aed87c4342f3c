"""``ts.metrics.metric_cache_yaml_impl``."""

from __future__ import annotations

from tsnb.handlers.metrics_files import MetricsCacheYamlImpl

__all__ = ["MetricsCacheYamlImpl"]
