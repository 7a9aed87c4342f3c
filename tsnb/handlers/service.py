"""A handler that is loaded in this process, without a server: what tests of handlers do with TorchServe's model loader.

::

    service = ModelLoaderFactory.get_model_loader().load("net", "folder", "handler.py", gpu_id=None, batch_size=1)
    assert service._entry_point([{"body": "1 2"}], service.context) == ["3"]
"""

from __future__ import annotations

import inspect
import json
import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from tsnb.archive.manifest import TORCHSERVE_VERSION
from tsnb.handlers.context import Context, RequestProcessor
from tsnb.handlers.finding import EntryPoint, find, wrapped
from tsnb.handlers.helpers import get_yaml_config


class Service:
    """An entry point and its context."""

    def __init__(
        self,
        model_name: str,
        model_dir: str,
        manifest: dict[str, Any] | None,
        entry_point: EntryPoint,
        gpu: int | None,
        batch_size: int | None,
        limit_max_image_pixels: bool = True,
        metrics_cache: Any = None,
    ) -> None:
        config_file = (manifest or {}).get("model", {}).get("configFile")
        self._context = Context(
            model_name,
            model_dir,
            manifest,
            batch_size,
            gpu,
            TORCHSERVE_VERSION,
            limit_max_image_pixels,
            metrics_cache,
            get_yaml_config(os.path.join(model_dir, config_file)) if config_file else {},
        )
        self._entry_point = entry_point

    @property
    def context(self) -> Context:
        """What the handler gets with every batch."""
        return self._context

    @staticmethod
    def retrieve_data_for_inference(
        batch: Iterable[Mapping[str, Any]] | None,
    ) -> tuple[list[RequestProcessor], list[dict[str, Any]], dict[int, str]]:
        """Requests as TorchServe's worker receives them: their headers, what ``handle`` gets, and their ids.

        Raises ValueError for None.
        """
        if batch is None:
            raise ValueError("Received invalid inputs: None is no batch")
        rows = list(batch)
        headers = [RequestProcessor(_headers(row)) for row in rows]
        data = [{each["name"]: each["value"] for each in row["parameters"]} for row in rows]
        return headers, data, {index: row["requestId"].decode() for index, row in enumerate(rows)}


def _headers(row: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {each["name"]: {"content-type": each["contentType"]} for each in row["parameters"]}
    return parameters | {each["name"].decode(): each["value"].decode() for each in row.get("headers") or ()}


class ModelLoader:
    """What loads models."""

    def load(
        self,
        model_name: str,
        model_dir: str,
        handler: str | None = None,
        gpu_id: int | None = None,
        batch_size: int | None = None,
        envelope: str | None = None,
        limit_max_image_pixels: bool | None = True,
    ) -> Any:
        """Load a model from its folder."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it loads: override load")


class TsModelLoader(ModelLoader):
    """Loads a handler as a worker does."""

    def load(
        self,
        model_name: str,
        model_dir: str,
        handler: str | None = None,
        gpu_id: int | None = None,
        batch_size: int | None = None,
        envelope: str | None = None,
        limit_max_image_pixels: bool | None = True,
        metrics_cache: Any = None,
    ) -> Service:
        """Find the handler in the folder, on the path or among the default ones; make and initialise it.

        Raises ImportError, ValueError where none is found, and whatever it raises itself.
        """
        if metrics_cache is not None:
            metrics_cache.set_request_ids(str(uuid.uuid4()))
        found = find(handler or "", model_dir)
        instance: Any = found() if inspect.isclass(found) else None
        entry: EntryPoint = found if instance is None else instance.handle
        service = Service(
            model_name,
            model_dir,
            _manifest(model_dir),
            wrapped(entry, envelope) if envelope else entry,
            gpu_id,
            batch_size,
            bool(limit_max_image_pixels),
            metrics_cache,
        )
        if instance is None:
            entry(None, service.context)
        else:
            instance.initialize(service.context)
        return service


def _manifest(model_dir: str) -> dict[str, Any] | None:
    path = os.path.join(model_dir, "MAR-INF", "MANIFEST.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


class ModelLoaderFactory:
    """Where scripts get their loader from."""

    @staticmethod
    def get_model_loader() -> TsModelLoader:
        """The loader that there is."""
        return TsModelLoader()
