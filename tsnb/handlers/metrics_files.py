"""A metrics cache that reads its metrics from a file: what handlers' own tests make (spec 3.3, 3.6)."""

from __future__ import annotations

from typing import Any

import yaml

from tsnb.handlers.metrics import Metrics, MetricsCacheKeyError, MetricTypes


class MetricsCacheIOError(OSError):
    """The file cannot be read."""


class MetricsCachePyYamlError(yaml.YAMLError):
    """The file is not valid YAML."""


class GeneralMetricsCacheError(Exception):
    """Something else is wrong with a metrics cache."""


class MetricsCacheYamlImpl(Metrics):
    """The metrics of a ``metrics.yaml``. In a worker ``context.metrics`` has them already."""

    def __init__(self, config_file_path: str) -> None:
        super().__init__("")
        self.config_file_path = config_file_path
        self._file = self._read()

    def _read(self) -> Any:
        try:
            with open(self.config_file_path, encoding="utf-8") as file:
                return yaml.safe_load(file)
        except OSError as error:
            raise MetricsCacheIOError(f"{self.config_file_path}: {error.strerror}") from error
        except yaml.YAMLError as error:
            raise MetricsCachePyYamlError(f"{self.config_file_path}: {error}") from error

    def initialize_cache(self) -> None:
        """Make the metrics under ``model_metrics``. Raises :class:`MetricsCacheKeyError` where that is missing."""
        section = self._file.get("model_metrics") if isinstance(self._file, dict) else None
        if not isinstance(section, dict):
            raise MetricsCacheKeyError(f"{self.config_file_path} has no model_metrics")
        for kind in MetricTypes:
            for entry in section.get(kind.value) or ():
                if not entry.get("name") or not entry.get("unit"):
                    raise MetricsCacheKeyError(f"{self.config_file_path}: a {kind.value} lacks name or unit: {entry}")
                self.define([(entry["name"], entry["unit"], kind.value, tuple(entry.get("dimensions") or ()))])

    def cache_keys(self) -> list[str]:
        """Kind and name of every metric."""
        return [f"{kind}:{name}" for kind, metrics in self.cache.items() for name in metrics]
