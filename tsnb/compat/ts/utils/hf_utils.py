"""``ts.utils.hf_utils``: weights from the Hugging Face hub."""

from __future__ import annotations

PATTERNS = ("*.json", "*.pt", "*.bin", "*.txt", "*.model", "*.pth", "*.safetensors", "original/*")
"""Files that PyTorch needs; a repository may hold the same weights in other formats."""


def download_model(
    model_id: str = "meta-llama/Meta-Llama-3.1-8B-Instruct",
    revision: str = "main",
    model_path: str = ".cache",
    use_auth_token: bool | str = True,
) -> str:
    """Fetch a model into the cache folder ``model_path``; where it lies. Raises ImportError without huggingface_hub."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ImportError("download_model needs the package huggingface_hub", name="huggingface_hub") from error
    found: str = snapshot_download(
        model_id, revision=revision, cache_dir=model_path, allow_patterns=list(PATTERNS), token=use_auth_token
    )
    return found
