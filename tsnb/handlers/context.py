"""What a handler knows about the request and the server (spec 6.2)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from tsnb.handlers.metrics import Metrics


class RequestProcessor:
    """The headers of one request, and the status and headers of its answer."""

    def __init__(self, request_header: dict[str, Any]) -> None:
        self._request_header = request_header
        self._response_header: dict[str, str] = {}
        self._status_code = 200
        self._reason_phrase: str | None = None

    def get_request_property(self, key: str) -> Any:
        """A request header: in exactly this case, else in any case; None if absent."""
        if key in self._request_header:
            return self._request_header[key]
        wanted = key.lower()
        for name, value in self._request_header.items():
            if name.lower() == wanted and isinstance(value, str):
                return value
        return None

    def get_request_properties(self) -> dict[str, Any]:
        """All request headers, and ``{"content-type": …}`` under the name of each parameter."""
        return self._request_header

    def report_status(self, code: int, reason_phrase: str | None = None) -> None:
        """Answer with this status."""
        self._status_code = code
        self._reason_phrase = reason_phrase

    def get_response_status_code(self) -> int:
        """The status of the answer so far."""
        return self._status_code

    def get_response_status_phrase(self) -> str | None:
        """The reason phrase of the answer so far."""
        return self._reason_phrase

    def add_response_property(self, key: str, value: str) -> None:
        """Set a response header."""
        self._response_header[key] = value

    def get_response_header(self, key: str) -> str | None:
        """A response header that was set before, or None."""
        return self._response_header.get(key)

    def get_response_headers(self) -> dict[str, str]:
        """All response headers that were set."""
        return self._response_header


class Context:
    """One per worker: the model's facts for its lifetime, the requests of the batch that runs.

    Handlers may add attributes of their own. ``request_ids`` and
    ``request_processor`` are replaced for every batch. Two attributes are
    tsnb's: ``notes`` (lines for the owner about how the model was loaded) and
    ``stream`` (sends a part of an answer; None outside a server).
    """

    def __init__(
        self,
        model_name: str,
        model_dir: str,
        manifest: dict[str, Any] | None,
        batch_size: int | None,
        gpu: int | None,
        mms_version: str,
        limit_max_image_pixels: bool = True,
        metrics: Any = None,
        model_yaml_config: dict[str, Any] | None = None,
    ) -> None:
        self.model_name = model_name
        self.manifest = manifest
        self._system_properties = {
            "model_dir": model_dir,
            "gpu_id": gpu,
            "batch_size": batch_size,
            "server_name": "MMS",
            "server_version": mms_version,
            "limit_max_image_pixels": limit_max_image_pixels,
        }
        self.request_ids: dict[int, str] | None = None
        self._processors: list[RequestProcessor] | None = None
        self._make_processors: Callable[[], list[RequestProcessor]] | None = None
        self.metrics = metrics if metrics is not None else Metrics(model_name)
        self.model_yaml_config = model_yaml_config or {}
        self.stopping_criteria: Any = None
        self.cl_socket: Any = None
        self.notes: list[str] = []
        self.stream: Callable[[list[Any]], None] | None = None
        self.header_key_sequence_id = os.environ.get("TS_REQUEST_SEQUENCE_ID", "ts_request_sequence_id")
        self.header_key_sequence_start = os.environ.get("TS_REQUEST_SEQUENCE_START", "ts_request_sequence_start")
        self.header_key_sequence_end = os.environ.get("TS_REQUEST_SEQUENCE_END", "ts_request_sequence_end")

    def open_batch(self, ids: Sequence[str], processors: Callable[[], list[RequestProcessor]]) -> None:
        """These requests run from now on. ``processors`` makes what a handler may never look at."""
        self.request_ids = dict(enumerate(ids))
        self.metrics.set_request_ids(self.request_ids)
        self._processors, self._make_processors = None, processors

    @property
    def untouched(self) -> bool:
        """Whether nobody has asked for the headers of a request, or set those of an answer."""
        return self._processors is None

    @property
    def request_processor(self) -> list[RequestProcessor] | None:
        """Headers and statuses of the batch that runs, request by request; None while none does."""
        if self._processors is None and self._make_processors is not None:
            self._processors = self._make_processors()
        return self._processors

    @request_processor.setter
    def request_processor(self, rows: list[RequestProcessor] | None) -> None:
        self._processors = rows

    @property
    def _request_processor(self) -> list[RequestProcessor] | None:
        """The name under which older handlers reach for ``request_processor``."""
        return self.request_processor

    @_request_processor.setter
    def _request_processor(self, rows: list[RequestProcessor] | None) -> None:
        self.request_processor = rows

    @property
    def _metrics(self) -> Any:
        """The same for ``metrics``."""
        return self.metrics

    @_metrics.setter
    def _metrics(self, metrics: Any) -> None:
        self.metrics = metrics

    @property
    def system_properties(self) -> dict[str, Any]:
        """``model_dir``, ``gpu_id``, ``batch_size`` and what else the worker was told."""
        return self._system_properties

    def _row(self, idx: int) -> RequestProcessor:
        if self.request_processor is None:
            raise RuntimeError("no request is running: headers and status belong to handle(), not to initialize()")
        return self.request_processor[idx]

    def get_request_id(self, idx: int = 0) -> str | None:
        """The id of a request of the batch."""
        return None if self.request_ids is None else self.request_ids.get(idx)

    def get_request_header(self, idx: int, key: str) -> Any:
        """A request header: in exactly this case, else in any case; None if absent."""
        return self._row(idx).get_request_property(key)

    def get_all_request_header(self, idx: int) -> dict[str, Any]:
        """All headers of a request, and the content types of its parameters."""
        return self._row(idx).get_request_properties()

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Set the ``content-type`` of an answer."""
        self.set_response_header(idx, "content-type", value)

    def get_response_content_type(self, idx: int) -> str | None:
        """The ``content-type`` that was set for an answer, or None."""
        return self.get_response_headers(idx).get("content-type")

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Set a header of an answer."""
        self._row(idx).add_response_property(key, value)

    def get_response_headers(self, idx: int) -> dict[str, str]:
        """The headers that were set for an answer."""
        return self._row(idx).get_response_headers()

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        """Set the status of one answer (mind the order of arguments); ignored while no request runs."""
        if self.request_processor is not None:
            self.request_processor[idx].report_status(code, reason_phrase=phrase)

    def set_all_response_status(self, code: int = 200, phrase: str = "") -> None:
        """Set the status of every answer of the batch."""
        for row in self.request_processor or ():
            row.report_status(code, reason_phrase=phrase)

    def get_response_status(self, idx: int) -> tuple[int, str | None]:
        """``(code, phrase)`` of an answer."""
        return self._row(idx).get_response_status_code(), self._row(idx).get_response_status_phrase()

    def get_sequence_id(self, idx: int) -> Any:
        """The sequence a request belongs to, or None."""
        return self._row(idx).get_request_property(self.header_key_sequence_id)
