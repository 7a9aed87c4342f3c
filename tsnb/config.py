"""One Config: every setting, written once.

A field's name is the key in ``config.properties``; its metadata gives the
environment variable and the help text. From this one list come the
properties reader, the ``TS_*`` overrides, the traitlets of the notebook
server (``c.TsnbApp.<name>``) and the table in ``docs/configuration.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def key(default: Any, help: str, env: str | None = None) -> Any:
    """A setting. ``env`` defaults to ``TS_`` plus the upper-case name."""
    return field(default=default, metadata={"help": help, "env": env})


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings with TorchServe's names and defaults (spec 8.2) where it has them."""

    inference_address: str = key("http://127.0.0.1:8080", "Where predictions are answered.")
    management_address: str = key("http://127.0.0.1:8081", "Where models are managed.")
    metrics_address: str = key("http://127.0.0.1:8082", "Where metrics are read.")
    model_store: str = key("", "Folder with the model archives.")
    load_models: str = key("", "Models to load at startup: comma-separated archives, name=archive, or all.")
    default_workers_per_model: int = key(0, "Workers of a model when nobody says; 0 chooses.")
    default_response_timeout: float = key(120, "Seconds a worker may take to answer a batch.")
    default_startup_timeout: float = key(120, "Seconds a worker may take to load its model.")
    unregister_model_timeout: float = key(120, "Seconds to wait for workers when a model is unregistered.")
    job_queue_size: int = key(100, "Requests that may wait for one model version.")
    number_of_gpu: int = key(-1, "Use at most this many GPUs; -1 means all.")
    max_request_size: int = key(6553500, "Largest request body in bytes.")
    max_response_size: int = key(6553500, "Largest answer of a worker in bytes.")
    limit_max_image_pixels: bool = key(True, "Keep Pillow's limit on the pixels of an image.")
    decode_input_request: bool = key(True, "Decode JSON and text bodies before the handler sees them.")
    default_service_handler: str = key("", "Handler for archives that name none.")
    service_envelope: str = key("", "Request envelope around every handler.")
    install_py_dep_per_model: bool = key(False, "Install each model's requirements file.")
    allowed_urls: str = key("file://.*|http(s)?://.*", "Comma-separated patterns of URLs archives may come from.")
    enable_model_api: bool = key(False, "Allow registering and unregistering models over REST.")
    disable_token_authorization: bool = key(False, "Answer without a token.")
    token_expiration_min: float = key(60, "Minutes until a token expires.", "TS_TOKEN_EXPIRATION_TIME_MIN")
    enable_metrics_api: bool = key(True, "Open the metrics listener.")
    cors_allowed_origin: str = key("", "Access-Control-Allow-Origin of every answer.")
    cors_allowed_methods: str = key("", "Access-Control-Allow-Methods of every answer.")
    cors_allowed_headers: str = key("", "Access-Control-Allow-Headers of every answer.")
    certificate_file: str = key("", "PEM file with the certificate chain of https addresses.")
    private_key_file: str = key("", "PEM file with the private key of https addresses.")
    header_timeout: float = key(30, "Seconds a client may take to send the head of a request.")
    body_timeout: float = key(30, "Seconds a body may stand still; beyond them a client must manage 16 KiB a second.")
    keep_alive_timeout: float = key(120, "Seconds a connection may stay open without a request.")
    shutdown_timeout: float = key(10, "Seconds for running requests to finish when the server stops.")
    blacklist_env_vars: str = key("", "Pattern of environment variables that workers must not see.")
    batch_policy: str = key("eager", "eager: an idle worker takes what waits; window: TorchServe's fixed wait.")
    cache_dir: str = key("", "Where archives are unpacked; empty means a private folder in the temporary directory.")
    log_lines: int = key(2000, "Lines of worker output kept per model version.")
