"""``python -m ts.llm_launcher``, with a stand-in for vLLM: one command to a served model, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from support.command import DEADLINE, clean_environment

from tests.notebook_server import free_port
from tsnb.compat.ts.llm_launcher import arguments, get_model_config
from tsnb.worker.loader import COMPAT

STAND_INS = Path(__file__).parent.parent / "handlers" / "stand_ins"
NAMES = ("inference", "management", "metrics")


def test_a_model_is_served_by_one_command_until_it_is_interrupted(tmp_path: Path) -> None:
    ports = [free_port() for _ in NAMES]
    lines = [f"{name}_address=http://127.0.0.1:{port}" for name, port in zip(NAMES, ports, strict=True)]
    (tmp_path / "config.properties").write_text("\n".join(lines))
    flags = ["--model_id", "somebody/tiny", "--model_name", "tiny", "--disable_token_auth"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ts.llm_launcher", *flags, "--vllm_engine.max_model_len", "9"],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": os.pathsep.join([COMPAT, str(STAND_INS)]), "OMP_NUM_THREADS": "1"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    stuck = threading.Timer(DEADLINE, process.kill)
    stuck.start()
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Model server started" in line:
                break
        assert process.poll() is None, "".join(said)
        url = f"http://127.0.0.1:{ports[0]}/predictions/tiny/1.0/v1/models"
        listed = httpx.post(url, timeout=DEADLINE, trust_env=False)
        assert listed.json() == {"data": [{"id": "somebody/tiny", "max_model_len": 9}]}
    finally:
        stuck.cancel()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE)
    assert list((tmp_path / "model_store").iterdir()) == []


def test_each_engine_gets_its_own_settings() -> None:
    common = ["--model_id", "a/b", "--dtype", "float16"]
    vllm = get_model_config(arguments([*common, "--vllm_engine.download_dir", "here"]))["handler"]
    assert vllm["vllm_engine_config"] | {"tensor_parallel_size": 1} == {
        "max_num_seqs": 256,
        "download_dir": str(Path("here").resolve()),
        "dtype": "float16",
        "tensor_parallel_size": 1,
    }
    tensorrt = get_model_config(arguments([*common, "--engine", "trt_llm"]))
    assert tensorrt["asyncCommunication"]
    assert tensorrt["handler"] == {
        "engine_dir": "a/b",
        "tokenizer_dir": "a/b",
        "kv_cache_config": {"free_gpu_memory_fraction": 0.1},
        "trt_llm_engine_config": {"max_batch_size": 4, "dtype": "float16"},
    }


def test_an_engine_that_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--engine", "llama.cpp"])
    assert "choose from" in capsys.readouterr().err
