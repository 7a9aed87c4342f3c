"""Where a setting's value comes from, and what is said about one that makes no sense."""

from __future__ import annotations

import logging
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsnb import properties
from tsnb.config import JVM_ONLY, UNSUPPORTED, Config, read
from tsnb.errors import ConfigError


def test_one_variable_counts_always() -> None:
    assert read(None, {"TS_OPEN_INFERENCE_PROTOCOL": "oip"}, {}).ts_open_inference_protocol
    assert not read(None, {"TS_OPEN_INFERENCE_PROTOCOL": "true"}, {}).ts_open_inference_protocol


# --- properties -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a=1\nb=2\n", {"a": "1", "b": "2"}),
        ("a=1\r\nb=2\rc=3", {"a": "1", "b": "2", "c": "3"}),
        ("# c\n  ! d\n\n \t\na=1", {"a": "1"}),
        ("a = 1 ", {"a": "1 "}),
        ("a:1", {"a": "1"}),
        ("a : 1", {"a": "1"}),
        ("a 1", {"a": "1"}),
        ("a\t\f 1", {"a": "1"}),
        ("a==1", {"a": "=1"}),
        ("a= =1", {"a": "=1"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("=1", {"": "1"}),
        ("a=1\na=2", {"a": "2"}),
        ("a=1,\\\n   2,\\\n\t3\nb=4", {"a": "1,2,3", "b": "4"}),
        ("a=1\\\n# not a comment", {"a": "1# not a comment"}),
        ("a=1\\\\\nb=2", {"a": "1\\", "b": "2"}),
        ("a=1\\", {"a": "1"}),
        ("# c \\\na=1", {"a": "1"}),
        ("a\\ b\\=c\\:d=1", {"a b=c:d": "1"}),
        (r"a=\t\n\u00e9\q\\", {"a": "\t\né" + "q\\"}),
        ("address=http\\://h\\:80", {"address": "http://h:80"}),
        ("url=http://h:80?a=b#c", {"url": "http://h:80?a=b#c"}),
    ],
)
def test_properties_are_read_as_java_reads_them(text: str, expected: dict[str, str]) -> None:
    assert properties.parse(text) == expected


PRINTABLE = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(PRINTABLE, PRINTABLE))
def test_what_is_written_is_read_back(values: dict[str, str]) -> None:
    text = properties.dump(values)
    assert text.isascii()
    assert properties.parse(text) == values


# --- where values come from -------------------------------------------------------------------------------


def configure(tmp_path: Path, text: str, environ: dict[str, str] | None = None, **flags: object) -> Config:
    path = tmp_path / "config.properties"
    path.write_text(text)
    return read(path, environ or {}, flags)


def test_without_anything_the_defaults_are_torchserves() -> None:
    config = read(None, {}, {})
    assert config == Config()
    assert (config.inference_address, config.job_queue_size, config.max_request_size) == (
        "http://127.0.0.1:8080",
        100,
        6553500,
    )


def test_flags_beat_the_file_and_the_environment_is_not_asked(tmp_path: Path) -> None:
    text = "job_queue_size=7\nmodel_store=/file\n"
    config = configure(tmp_path, text, {"TS_JOB_QUEUE_SIZE": "9"}, model_store="/flag", load_models=None)
    assert (config.job_queue_size, config.model_store, config.load_models) == (7, "/flag", "")


def test_the_environment_beats_all_where_the_file_lets_it(tmp_path: Path) -> None:
    text = "enable_envvars_config=TRUE\njob_queue_size=7\n"
    environ = {"TS_JOB_QUEUE_SIZE": "9", "TS_TOKEN_EXPIRATION_TIME_MIN": "0.5", "TS_MODEL_STORE": "/environment"}
    config = configure(tmp_path, text, environ, model_store="/flag")
    assert (config.job_queue_size, config.token_expiration_min, config.model_store) == (9, 0.5, "/environment")


@pytest.mark.parametrize(("text", "expected"), [("", "file://x"), ("use_env_allowed_urls=true\n", "http://y")])
def test_allowed_urls_from_the_environment_need_a_second_key(tmp_path: Path, text: str, expected: str) -> None:
    text += "enable_envvars_config=true\nallowed_urls=file://x\n"
    assert configure(tmp_path, text, {"TS_ALLOWED_URLS": "http://y"}).allowed_urls == expected


def test_some_keys_cannot_come_from_the_environment(tmp_path: Path) -> None:
    environ = {"TS_MODELS": "{}", "TS_MODEL_SNAPSHOT": "x", "TS_USE_ENV_ALLOWED_URLS": "true", "": "x"}
    config = configure(tmp_path, "enable_envvars_config=true", environ)
    assert config == Config(enable_envvars_config=True)


def test_variables_are_put_into_values(tmp_path: Path) -> None:
    config = configure(tmp_path, "model_store=$$HOME$$/a/$$NAME$$$\n", {"HOME": "/h", "NAME": "n"})
    assert config.model_store == "/h/a/n$"
    with pytest.raises(ConfigError, match=r"^Invalid Environment Variable MISSING$"):
        configure(tmp_path, "model_store=$$MISSING$$")


def test_values_have_the_type_of_their_setting(tmp_path: Path) -> None:
    text = "enable_model_api= True \nnumber_of_gpu=0\ndefault_response_timeout=0.5\nservice_envelope=json\n"
    config = configure(tmp_path, text)
    assert config.enable_model_api is True
    assert (config.number_of_gpu, config.default_response_timeout, config.service_envelope) == (0, 0.5, "json")


def test_latin_1_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_bytes("model_store=/é".encode("latin-1"))
    assert read(path, {}, {}).model_store == "/é"


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("job_queue_size=many", "job_queue_size='many' must be a whole number."),
        ("job_queue_size=1.5", "job_queue_size='1.5' must be a whole number."),
        ("job_queue_size=", "job_queue_size='' must be a whole number."),
        ("job_queue_size=0", "job_queue_size=0 must be at least 1."),
        ("number_of_gpu=-2", "number_of_gpu=-2 must be at least -1."),
        ("default_response_timeout=soon", "default_response_timeout='soon' must be a number."),
        ("default_response_timeout=nan", "default_response_timeout=nan must be at least 0.1."),
        ("enable_model_api=yes", "enable_model_api='yes' must be true or false."),
        ("batch_policy=lazy", "batch_policy='lazy' must be one of: eager, window."),
    ],
)
def test_values_that_make_no_sense_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(tmp_path, text)
    assert caught.value.message == said


def test_flags_are_checked_too() -> None:
    with pytest.raises(ConfigError, match="must be at least 1"):
        read(None, {}, {"job_queue_size": 0})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.*No such file"):
        read(tmp_path / "nowhere", {}, {})


def test_keys_that_do_nothing_are_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    configure(tmp_path, "b=1\na=1\nvmargs=-Xmx1g\nio_ratio=50\nplugins_path=p\ndebug=false\nipex_enable=true\n")
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [
        ("DEBUG", "These settings have a meaning for TorchServe's Java process only and are ignored: io_ratio, vmargs"),
        ("WARNING", "These settings are unknown and ignored: a, b"),
        ("WARNING", f"ipex_enable=true has no effect: {UNSUPPORTED['ipex_enable']}."),
        ("WARNING", f"plugins_path=p has no effect: {UNSUPPORTED['plugins_path']}."),
    ]


def test_every_setting_is_explained_and_listed_once() -> None:
    names = {setting.name for setting in fields(Config)}
    assert all(setting.metadata["help"].endswith(".") for setting in fields(Config))
    lists = [names, set(JVM_ONLY), set(UNSUPPORTED)]
    assert sum(map(len, lists)) == len(set.union(*lists))


TORCHSERVE_KEYS = """
    inference_address management_address metrics_address grpc_inference_address grpc_management_address
    grpc_inference_port grpc_management_port grpc_inference_max_connection_age_ms
    grpc_inference_max_connection_age_grace_ms grpc_management_max_connection_age_ms
    grpc_management_max_connection_age_grace_ms enable_grpc_ssl model_store workflow_store load_models models
    model_snapshot default_workers_per_model default_response_timeout default_startup_timeout unregister_model_timeout
    job_queue_size number_of_gpu number_of_netty_threads netty_client_threads max_request_size max_response_size
    limit_max_image_pixels decode_input_request default_service_handler service_envelope install_py_dep_per_model
    allowed_urls use_env_allowed_urls enable_model_api disable_token_authorization token_expiration_min
    enable_metrics_api metrics_mode metrics_config model_metrics_auto_detect disable_system_metrics system_metrics_cmd
    metric_time_interval keystore keystore_pass keystore_type private_key_file certificate_file cors_allowed_origin
    cors_allowed_methods cors_allowed_headers blacklist_env_vars enable_envvars_config async_logging
    prefer_direct_buffer use_native_io io_ratio vmargs plugins_path initial_worker_port initial_distribution_port
    model_server_home ts_open_inference_protocol ts_header_key_sequence_id ts_header_key_sequence_start
    ts_header_key_sequence_end ipex_enable ipex_gpu_enable cpu_launcher_enable cpu_launcher_args cpp_log_config debug
    python
"""
"""Every key of spec 8.2."""


def test_every_key_of_torchserve_is_known() -> None:
    known = {setting.name for setting in fields(Config)} | JVM_ONLY | set(UNSUPPORTED)
    assert not set(TORCHSERVE_KEYS.split()) - known


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("token_expiration_min", "TS_TOKEN_EXPIRATION_TIME_MIN"),
        ("enable_model_api", "TS_ENABLE_MODEL_API"),
        ("keystore_pass", "TS_KEYSTORE_PASS"),
        ("initial_worker_port", "TS_INITIAL_WORKER_PORT"),
        ("models", ""),
        ("model_snapshot", ""),
        ("enable_envvars_config", ""),
        ("use_env_allowed_urls", ""),
    ],
)
def test_variables_have_torchserves_names(key: str, variable: str) -> None:
    setting = next(each for each in fields(Config) if each.name == key)
    assert setting.metadata["env"] == (None if variable == f"TS_{key.upper()}" else variable)
