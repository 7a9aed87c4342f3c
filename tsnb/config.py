"""One Config: every setting, written once.

A field's name is the key in ``config.properties``; its metadata gives the
environment variable and the help text. From this one list come the
properties reader, the ``TS_*`` overrides, the traitlets of the notebook
server (``c.TsnbApp.<name>``) and the table in ``docs/configuration.md``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from tsnb import properties
from tsnb.archive.safety import MAX_ARCHIVE_FILES, MAX_ARCHIVE_RATIO, MAX_ARCHIVE_SIZE
from tsnb.errors import ConfigError

log = logging.getLogger("tsnb.config")


def key(
    default: Any, help: str, env: str | None = None, *, least: float | None = None, choices: tuple[str, ...] = ()
) -> Any:
    """A setting. ``env`` defaults to ``TS_`` plus the upper-case name, ``""`` means that no variable sets it."""
    return field(default=default, metadata={"help": help, "env": env, "least": least, "choices": choices})


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings with TorchServe's names and defaults (spec 8.2) where it has them."""

    # Where the server listens.
    inference_address: str = key("http://127.0.0.1:8080", "Where predictions are answered.")
    management_address: str = key("http://127.0.0.1:8081", "Where models are managed.")
    metrics_address: str = key("http://127.0.0.1:8082", "Where metrics are read.")
    enable_metrics_api: bool = key(True, "Open the metrics listener.")
    enable_grpc: bool = key(True, "Answer gRPC too, where the extra grpc is installed.")
    grpc_inference_address: str = key("127.0.0.1", "Host where gRPC predictions are answered.")
    grpc_inference_port: int = key(7070, "Port of that host; 0 takes a free one.", least=0)
    grpc_management_address: str = key("127.0.0.1", "Host where models are managed over gRPC.")
    grpc_management_port: int = key(7071, "Port of that host; 0 takes a free one.", least=0)
    grpc_inference_max_connection_age_ms: int = key(
        0, "Milliseconds until a gRPC client must connect anew for predictions; 0 means never.", least=0
    )
    grpc_inference_max_connection_age_grace_ms: int = key(
        0, "Milliseconds that its running calls then still get; 0 means all they need.", least=0
    )
    grpc_management_max_connection_age_ms: int = key(0, "The same age where models are managed.", least=0)
    grpc_management_max_connection_age_grace_ms: int = key(0, "The same grace where models are managed.", least=0)
    enable_grpc_ssl: bool = key(False, "Speak TLS to gRPC clients, with certificate_file and private_key_file.")
    certificate_file: str = key("", "PEM file with the certificate chain of https addresses and of gRPC.")
    private_key_file: str = key("", "PEM file with the private key of https addresses and of gRPC.")
    keystore: str = key(
        "", "PKCS12 file with both, where the PEM files are not named (needs the package cryptography)."
    )
    keystore_pass: str = key("changeit", "Password of the keystore.")
    keystore_type: str = key("PKCS12", "Type of the keystore; JKS must be converted first.")

    # Models.
    model_store: str = key("", "Folder with the model archives.")
    workflow_store: str = key("", "Folder with the workflow archives; empty means the model store.")
    load_models: str = key("", "Models to load at startup: comma-separated archives, name=archive, or all.")
    models: str = key("", "Settings per model and version, as JSON: minWorkers, batchSize and so on.", "")
    model_snapshot: str = key("", "Models to bring back, as JSON; written by snapshots.", "")
    default_workers_per_model: int = key(0, "Workers of a model when nobody says; 0 chooses.", least=0)
    default_response_timeout: float = key(120, "Seconds a worker may take to answer a batch.", least=0.1)
    default_startup_timeout: float = key(120, "Seconds a worker may take to load its model.", least=0.1)
    initial_worker_port: int = key(9000, "Where the ids of workers begin to count; no port is opened.", least=0)
    unregister_model_timeout: float = key(120, "Seconds to wait for workers when a model is unregistered.", least=0)
    job_queue_size: int = key(100, "Requests that may wait for one model version.", least=1)
    batch_policy: str = key(
        "eager",
        "eager: an idle worker takes what waits; window: TorchServe's fixed wait.",
        choices=("eager", "window"),
    )
    number_of_gpu: int = key(-1, "Use at most this many GPUs; -1 means all.", least=-1)
    ts_header_key_sequence_id: str = key(
        "ts_request_sequence_id", "Header that names the sequence of a request.", "TS_HEADER_KEY_SEQUENCE_ID"
    )
    ts_header_key_sequence_start: str = key(
        "ts_request_sequence_start", "Header of the first request of a sequence.", "TS_HEADER_KEY_SEQUENCE_START"
    )
    ts_header_key_sequence_end: str = key(
        "ts_request_sequence_end", "Header of an answer that ends sequences.", "TS_HEADER_KEY_SEQUENCE_END"
    )
    limit_max_image_pixels: bool = key(True, "Keep Pillow's limit on the pixels of an image.")
    decode_input_request: bool = key(True, "Decode JSON and text bodies before the handler sees them.")
    default_service_handler: str = key("", "Handler for archives that name none.")
    service_envelope: str = key("", "Request envelope around every handler.")
    ts_open_inference_protocol: bool = key(
        False, "The Open Inference Protocol's server routes; also by TS_OPEN_INFERENCE_PROTOCOL=oip.", ""
    )
    install_py_dep_per_model: bool = key(False, "Install each model's requirements file.")
    cache_dir: str = key("", "Where archives are unpacked; empty means a private folder in the temporary directory.")
    max_archive_size: int = key(MAX_ARCHIVE_SIZE, "Largest archive in bytes, unpacked.", least=1)
    max_archive_files: int = key(MAX_ARCHIVE_FILES, "Most files and folders in an archive.", least=1)
    max_archive_ratio: int = key(MAX_ARCHIVE_RATIO, "Most unpacked bytes per packed byte of an archive.", least=1)
    record_requests: int = key(
        200, "Requests kept for replay: so many failures, and so many others; 0 keeps no contents."
    )
    record_bytes: int = key(16 * 2**20, "Bytes of requests and answers kept for replay, for failures and for others.")
    record_age: float = key(3600, "Seconds for which a request is kept for replay.")
    record_interval: float = key(1.0, "Seconds between two good requests of a model that are kept.")
    log_lines: int = key(2000, "Lines of worker output kept per model version.", least=0)

    # Who may do what.
    allowed_urls: str = key("file://.*|http(s)?://.*", "Comma-separated patterns of URLs archives may come from.")
    use_env_allowed_urls: bool = key(False, "Let TS_ALLOWED_URLS replace allowed_urls.", "")
    enable_model_api: bool = key(False, "Allow registering and unregistering models over REST.")
    disable_token_authorization: bool = key(False, "Answer without a token.")
    token_expiration_min: float = key(60, "Minutes until a token expires.", "TS_TOKEN_EXPIRATION_TIME_MIN", least=0)
    cors_allowed_origin: str = key("", "Access-Control-Allow-Origin of every answer.")
    cors_allowed_methods: str = key("", "Access-Control-Allow-Methods of every answer.")
    cors_allowed_headers: str = key("", "Access-Control-Allow-Headers of every answer.")
    blacklist_env_vars: str = key("", "Pattern of environment variables that workers must not see.")
    enable_envvars_config: bool = key(False, "Let TS_ environment variables override this file and the flags.", "")

    # Limits.
    max_request_size: int = key(6553500, "Largest request body in bytes.", least=0)
    max_response_size: int = key(6553500, "Largest answer of a worker in bytes.", least=0)
    header_timeout: float = key(30, "Seconds a client may take to send the head of a request.", least=0.1)
    body_timeout: float = key(
        30, "Seconds a body may stand still; beyond them a client must manage 16 KiB a second.", least=0.1
    )
    busy_wait: bool = key(
        True, "Look for the next event of a quick answer, for at most 0.1 ms and where that has paid, before sleeping."
    )
    keep_alive_timeout: float = key(120, "Seconds a connection may stay open without a request.", least=0.1)
    shutdown_timeout: float = key(10, "Seconds for running requests to finish when the server stops.", least=0)

    # Metrics.
    metrics_mode: str = key(
        "both",
        "log: metrics go to log files; prometheus: to the metrics page; legacy: three to the page, the rest to files; "
        "both: all to both, those of handlers as they come.",
        choices=("both", "log", "prometheus", "legacy"),
    )
    metrics_config: str = key("", "YAML file that lists the metrics; empty means those of TorchServe.")
    model_metrics_auto_detect: bool = key(False, "Count metrics of handlers that metrics_config does not list.")
    disable_system_metrics: bool = key(False, "Do not measure CPU, memory, disk and GPUs.")
    system_metrics_cmd: str = key("", "Command that measures the machine instead, and prints metrics.", "")
    metric_time_interval: int = key(60, "Seconds between two measurements of the machine.", "", least=1)
    metrics_location: str = key(
        "",
        "Folder of ts_metrics.log and model_metrics.log; tsnb serve asks METRICS_LOCATION and LOG_LOCATION instead.",
        "",
    )

    # Logs.
    access_log: bool = key(True, "Write a line for every request.")


JVM_ONLY = frozenset(
    [
        "number_of_netty_threads",
        "netty_client_threads",
        "prefer_direct_buffer",
        "use_native_io",
        "io_ratio",
        "vmargs",
        "async_logging",
        "model_server_home",
        "python",
        "tsConfigFile",
        "version",
    ]
)
"""Keys that only make sense for TorchServe's Java process, and what it notes in its snapshots: without effect."""

UNSUPPORTED = {
    "plugins_path": "Java plugins are not loaded; put a small server of your own before this one",
    "cpp_log_config": "there is no C++ backend",
    "ipex_enable": "IPEX is at its end; torch itself has its optimizations by now (pt2 in model-config.yaml)",
    "ipex_gpu_enable": "IPEX is at its end; torch itself drives Intel GPUs by now",
    "cpu_launcher_enable": "workers are not started by torch.backends.xeon; each gets its share of the cores",
    "cpu_launcher_args": "workers are not started by torch.backends.xeon; each gets its share of the cores",
    "debug": "workers cannot be started by hand; %replay runs a request in a notebook, under the debugger",
    "initial_distribution_port": "groups of workers choose a free port by themselves",
}
"""Keys of TorchServe that tsnb does not honour, and why: accepted, with a warning where they ask for something."""


PATTERNS = ("allowed_urls", "blacklist_env_vars")
"""Settings that hold regular expressions, ``allowed_urls`` several with commas between them."""


def read(
    path: str | Path | None, environ: Mapping[str, str], flags: Mapping[str, Any], *, quiet: bool = False
) -> Config:
    """The settings in force: environment over flags over file over defaults (spec 8.1).

    The environment counts only where the file says ``enable_envvars_config=true``.
    ``flags`` maps field names to values; None means that the flag was not given.
    Keys that do nothing are logged unless ``quiet``. Raises ConfigError.
    """
    written = read_file(path, environ) if path is not None else {}
    if not quiet:
        _report(written)
    values = {name: text for name, text in written.items() if name in Config.__dataclass_fields__}
    values.update({name: value for name, value in flags.items() if value is not None})
    values.update(_from_environment(written, environ))
    types = get_type_hints(Config)
    return Config(
        **{
            each.name: _convert(each, types[each.name], values[each.name])
            for each in fields(Config)
            if each.name in values
        }
    )


def read_file(path: str | Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The keys of a properties file, with every ``$$NAME$$`` replaced from the environment."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration {str(path)!r}: {error.strerror}.") from error
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # what Java assumes
    return {name: _substitute(value, environ) for name, value in properties.parse(text).items()}


def _substitute(value: str, environ: Mapping[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] not in environ:
            raise ConfigError(f"Invalid Environment Variable {match[1]}")
        return environ[match[1]]

    return re.sub(r"\$\$(\w+)\$\$", one, value)


def _from_environment(written: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    # This one counts always, and in a form of its own (spec 1.7).
    always = {"ts_open_inference_protocol": "true"} if environ.get("TS_OPEN_INFERENCE_PROTOCOL") == "oip" else {}
    if not _says_yes(written, "enable_envvars_config"):
        return always
    names = {each.name: _variable(each) for each in fields(Config)}
    if not _says_yes(written, "use_env_allowed_urls"):
        del names["allowed_urls"]
    return always | {name: environ[variable] for name, variable in names.items() if variable and variable in environ}


def _says_yes(written: Mapping[str, str], name: str) -> bool:
    return written.get(name, "").strip().lower() == "true"


def _variable(setting: Field[Any]) -> str:
    given = setting.metadata["env"]
    return f"TS_{setting.name.upper()}" if given is None else str(given)


def _convert(setting: Field[Any], kind: type, value: Any) -> Any:
    """A setting's value from its text. Raises ConfigError that says what would do."""
    least, choices = setting.metadata["least"], setting.metadata["choices"]
    if isinstance(value, str):
        value = _parse(setting.name, kind, value.strip())
    if setting.name in PATTERNS:
        _check_patterns(setting.name, value)
    if choices:
        value = value.lower()
    if choices and value not in choices:
        raise ConfigError(f"{setting.name}={value!r} must be one of: {', '.join(choices)}.")
    if least is not None and not value >= least:
        raise ConfigError(f"{setting.name}={value} must be at least {least}.")
    return value


def checked(config: Config) -> Config:
    """The same settings, made some other way than by :func:`read`. Raises ConfigError where one makes no sense."""
    types = get_type_hints(Config)
    for each in fields(Config):
        _convert(each, types[each.name], getattr(config, each.name))
    return config


def _parse(name: str, kind: type, text: str) -> Any:
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"{name}={text!r} must be true or false.")
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        noun = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{name}={text!r} must be {noun}.") from None


def _check_patterns(name: str, text: str) -> None:
    for pattern in text.split(",") if name == "allowed_urls" else [text]:
        try:
            re.compile(pattern.strip())
        except re.error as error:
            raise ConfigError(f"{name}: {pattern.strip()!r} is no regular expression: {error}.") from None


def _report(written: Mapping[str, str]) -> None:
    """Tell the log of keys that do nothing."""
    extra = set(written) - set(Config.__dataclass_fields__)
    for names, level, why in (
        (extra & JVM_ONLY, logging.DEBUG, "have a meaning for TorchServe's Java process only and are ignored"),
        (extra - JVM_ONLY - set(UNSUPPORTED), logging.WARNING, "are unknown and ignored"),
    ):
        if names:
            log.log(level, "These settings %s: %s", why, ", ".join(sorted(names)))
    for name in sorted(extra & set(UNSUPPORTED)):
        if written[name].strip().lower() not in ("", "false"):
            log.warning("%s=%s has no effect: %s.", name, written[name].strip(), UNSUPPORTED[name])
