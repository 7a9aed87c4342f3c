"""``python -m ts.llm_launcher --model_id NAME``: archive a language model and serve it, in one command (spec 6.7)."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from tsnb.archive.write import archive

COMMAND = (sys.executable, "-P", "-m", "tsnb", "torchserve", "--foreground", "--no-config-snapshots")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says; options of an engine are named ``<engine>.<option>``."""
    parser = argparse.ArgumentParser(prog="ts.llm_launcher", description=__doc__)
    add = parser.add_argument
    add("--model_name", default="model", help="name to serve it under (model)")
    add("--model_store", default="model_store", help="folder for its archive (model_store)")
    add("--model_id", default="meta-llama/Meta-Llama-3.1-8B-Instruct", help="a name on the hub, or a folder")
    add("--disable_token_auth", action="store_true", help="answer without tokens")
    add("--engine", choices=("vllm", "trt_llm"), default="vllm", help="what runs it (vllm)")
    add("--dtype", help="type of its numbers; the engine's choice if not given")
    add("--startup_timeout", type=int, default=1200, help="seconds that loading may take (1200)")
    add("--vllm_engine.max_num_seqs", type=int, default=256, help="sequences at a time (256)")
    add("--vllm_engine.max_model_len", type=int, help="longest context; the model's if not given")
    add("--vllm_engine.download_dir", type=Path, help="where downloads are kept")
    add("--trt_llm_engine.max_batch_size", type=int, default=4, help="sequences at a time (4)")
    add("--trt_llm_engine.kv_cache_free_gpu_memory_fraction", type=float, default=0.1, help="of the memory (0.1)")
    return parser.parse_args(words)


def get_model_config(args: argparse.Namespace) -> dict[str, Any]:
    """The model-config.yaml of a model that is launched so."""
    import torch

    gpus = torch.cuda.device_count()
    return {
        "minWorkers": 1,
        "maxWorkers": 1,
        "batchSize": 1,
        "maxBatchDelay": 100,
        "responseTimeout": 1200,
        "startupTimeout": args.startup_timeout,
        "deviceType": "gpu" if gpus else "cpu",
        "asyncCommunication": True,
        "handler": _vllm(args, gpus) if args.engine == "vllm" else _tensorrt(args),
    }


def _options(args: argparse.Namespace, engine: str) -> dict[str, Any]:
    """The options of an engine that were given."""
    found = {name.partition(".")[2]: value for name, value in vars(args).items() if name.startswith(f"{engine}.")}
    return {name: value for name, value in (found | {"dtype": args.dtype}).items() if value is not None}


def _vllm(args: argparse.Namespace, gpus: int) -> dict[str, Any]:
    options = _options(args, "vllm_engine") | {"tensor_parallel_size": max(gpus, 1)}
    if "download_dir" in options:
        options["download_dir"] = str(options["download_dir"].resolve())
    return {"model_path": args.model_id, "vllm_engine_config": options}


def _tensorrt(args: argparse.Namespace) -> dict[str, Any]:
    options = _options(args, "trt_llm_engine")
    cache = {"free_gpu_memory_fraction": options.pop("kv_cache_free_gpu_memory_fraction")}
    places = dict.fromkeys(("engine_dir", "tokenizer_dir"), args.model_id)
    return places | {"kv_cache_config": cache, "trt_llm_engine_config": options}


@contextlib.contextmanager
def create_mar_file(args: argparse.Namespace) -> Iterator[str]:
    """The archive, as a folder in the model store while this lasts."""
    store = Path(args.model_store)
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "model-config.yaml")
        config.write_text(yaml.safe_dump(get_model_config(args)), encoding="utf-8")
        made = archive(
            args.model_name,
            version="1.0",
            handler=f"{args.engine}_handler",
            config_file=str(config),
            export_path=str(store),
            archive_format="no-archive",
        )
    try:
        yield str(made)
    finally:
        shutil.rmtree(made)


def main(args: argparse.Namespace) -> int:
    """Serve until the server ends or is interrupted; its exit status."""
    with create_mar_file(args):
        words = ["--model-store", args.model_store, "--models", args.model_name]
        words += ["--disable-token-auth"] * args.disable_token_auth
        server = subprocess.Popen([*COMMAND, *words])  # noqa: S603 - our own command
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.terminate())
        return server.wait()


if __name__ == "__main__":
    sys.exit(main(arguments()))
