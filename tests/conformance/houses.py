"""The settings under which cases are asked: each house is one server, started when the first of its cases runs."""

from __future__ import annotations

from dataclasses import dataclass, field

NO_TOKENS = "--disable-token-auth"
MODEL_API = "--enable-model-api"


@dataclass(frozen=True)
class House:
    """Archives to load at startup, lines of config.properties, flags and variables.

    A ``load`` entry is an archive of :mod:`tests.conformance.archives` without its suffix, or ``name=file``. With
    ``one_address`` inference and management share a port. ``<folder>``, ``<store>`` and ``<files>`` in values stand for
    the server's own.
    """

    load: tuple[str, ...] = ()
    config: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = (NO_TOKENS, MODEL_API)
    environment: dict[str, str] = field(default_factory=dict)
    one_address: bool = False
    scheme: str = "http"
    archives: tuple[str, ...] = ()
    """The only files in the store, where startup is what is looked at; empty: all."""


HOUSES: dict[str, House] = {
    "open": House(load=("probe", "headers", "results", "streams", "described")),
    "managed": House(load=("echo",)),
    "guarded": House(load=("echo",), flags=(), config={"token_expiration_min": "30"}),
    "guarded model api": House(load=("echo",), flags=(MODEL_API,)),
    "limits": House(
        load=("probe", "results", "sizes"),
        config={
            "max_request_size": "2000",
            "max_response_size": "5000",
            "cors_allowed_origin": "https://example.org",
            "cors_allowed_methods": "GET, POST, PUT, OPTIONS",
            "cors_allowed_headers": "X-Custom-Header",
            "default_response_timeout": "17",
            "default_startup_timeout": "77",
            "job_queue_size": "5",
            "unregister_model_timeout": "9",
        },
    ),
    "undecoded": House(
        load=("probe",),
        config={"decode_input_request": "false", "allowed_urls": "http://localhost/.*,<files>/good/.*"},
    ),
    "oip": House(load=("probe",), config={"ts_open_inference_protocol": "true", "service_envelope": "kservev2"}),
    "kserve": House(load=("probe",), config={"service_envelope": "kserve"}),
    "kinds": House(
        load=("talks", "talks_in_steps", "talks_little", "in_steps", "together", "ticketed"),
        config={"install_py_dep_per_model": "true"},
    ),
    "grpc": House(
        load=("orders", "tensors", "grpc_talks"),
        config={"ts_open_inference_protocol": "true", "max_request_size": "200000"},
    ),
    "grpc guarded": House(load=("orders",), flags=(), config={"token_expiration_min": "30"}),
    "grpc tls": House(
        load=("orders",),
        config={
            "enable_grpc_ssl": "true",
            "private_key_file": "<archives>/key.pem",
            "certificate_file": "<archives>/certificate.pem",
        },
    ),
    "workflows": House(),
    "handlers": House(load=("sees",)),
    "surroundings": House(
        load=("surroundings",),
        config={"blacklist_env_vars": ".*SECRET.*|MY_HIDDEN"},
        environment={"MY_SHOWN": "seen", "MY_SECRET_KEY": "1", "MY_HIDDEN": "2", "MY_HIDDEN_NOT": "3"},
    ),
    "json": House(load=("probe",), config={"service_envelope": "json"}),
    "body": House(load=("bare",), config={"service_envelope": "body"}),
    "own sequence headers": House(
        load=("talks", "talks_in_steps"),
        config={
            "ts_header_key_sequence_id": "X-Seq",
            "ts_header_key_sequence_start": "X-Start",
            "ts_header_key_sequence_end": "X-End",
        },
        environment={
            "TS_REQUEST_SEQUENCE_ID": "X-Seq",
            "TS_REQUEST_SEQUENCE_START": "X-Start",
            "TS_REQUEST_SEQUENCE_END": "X-End",
        },
    ),
    "together": House(load=("probe",), one_address=True),
    "together guarded": House(one_address=True, flags=()),
    "startup": House(
        flags=(NO_TOKENS, MODEL_API, "--models", "all"),
        archives=("echo.mar", "no_name.mar", "no_version.mar", "noise.mar", "tgz.tar.gz", "folder", "configured.mar"),
        config={
            "models": '{"echo": {"1.0": {"minWorkers": 2, "maxWorkers": 2, "batchSize": 6, "maxBatchDelay": 7,'
            ' "responseTimeout": 8, "startupTimeout": 90}}}',
            "enable_envvars_config": "true",
            "default_response_timeout": "$$MY_TIMEOUT$$",
            "job_queue_size": "11",
        },
        environment={"MY_TIMEOUT": "33", "TS_JOB_QUEUE_SIZE": "42", "TS_ALLOWED_URLS": "https://nowhere/.*"},
    ),
    "closed": House(flags=(), config={"token_expiration_min": "0.0005", "enable_metrics_api": "false"}),
    "dependencies": House(config={"install_py_dep_per_model": "true"}),
    "https": House(
        load=("probe",),
        scheme="https",
        config={"private_key_file": "<archives>/key.pem", "certificate_file": "<archives>/certificate.pem"},
    ),
}
