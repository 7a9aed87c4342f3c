"""What a server tells its log when it starts: the settings in force that people look for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tsnb import __version__
from tsnb.archive.manifest import TORCHSERVE_VERSION
from tsnb.cli.serve import Setup
from tsnb.cli.sources import snapshot_folder
from tsnb.config import Config

ANY_URL = Config.__dataclass_fields__["allowed_urls"].default


def summary(setup: Setup, environ: Mapping[str, str], gpus: int, workers: int) -> str:
    """Several lines, most in TorchServe's words."""
    config = setup.config
    models = "those of the snapshot" if config.model_snapshot else config.load_models or "none"
    lines = {
        "Current directory": Path.cwd(),
        "Config file": setup.source or "none",
        "Number of GPUs": gpus,
        "Number of CPUs": os.cpu_count(),
        "Model Store": os.path.abspath(config.model_store),
        "Initial Models": models,
        "Default workers per model": workers,
        "Maximum Request Size": config.max_request_size,
        "Maximum Response Size": config.max_response_size,
        "Allowed Urls": config.allowed_urls,
        "Metrics mode": config.metrics_mode,
        "Model API enabled": str(config.enable_model_api).lower(),
        "Tokens": _tokens(config, environ),
        "Snapshots": "none" if setup.lasting is None else snapshot_folder(environ).absolute(),
    }
    told = "\n".join(f"{name}: {value}" for name, value in lines.items())
    return f"tsnb {__version__}, in the place of TorchServe {TORCHSERVE_VERSION}\n{told}"


def _tokens(config: Config, environ: Mapping[str, str]) -> str:
    if config.disable_token_authorization:
        return "none are asked for"
    return "TSNB_TOKEN" if environ.get("TSNB_TOKEN") else "in key_file.json, in the current directory"


def warnings(config: Config) -> list[str]:
    """What is open that should be closed where strangers can reach the server."""
    found = []
    if config.enable_model_api and config.allowed_urls == ANY_URL:
        found.append("Models may be registered from any URL. Limit allowed_urls before others can reach this server.")
    if config.enable_model_api and config.disable_token_authorization:
        found.append("Anybody who reaches the management address may run code here: no token is asked for.")
    return found
