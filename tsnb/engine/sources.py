"""From what a user calls an archive to a path on this machine (spec 2.2, 9.3). Blocking: call it in a thread."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tsnb.config import Config
from tsnb.errors import DownloadFailed, NotFound, TsnbError

CHUNK = 2**20
DOWNLOAD_TIMEOUT = 120.0
"""Seconds without a byte before a download is given up."""

MAX_DOWNLOAD = 64 * 2**30
"""A larger download (64 GiB) is refused."""


def resolve(url: str, config: Config) -> Path:
    """The archive or model folder that ``url`` means.

    Raises NotFound, DownloadFailed, or a plain TsnbError (500) if a download
    would overwrite an archive of the store.
    """
    if not config.model_store:
        raise NotFound("Model store has not been configured.")
    if not url:
        raise NotFound("empty url")
    if ".." in unquote(url):
        raise NotFound(f"Relative path is not allowed in url: {url}")
    if _looks_remote(url):
        if not allowed(url, config.allowed_urls):
            raise NotFound(f"Given URL {url} does not match any allowed URL(s)")
        return _fetch(url, Path(config.model_store))
    return _find(url, Path(config.model_store))


def allowed(url: str, patterns: str) -> bool:
    """Whether a URL matches one of the comma-separated patterns, as a whole and whatever its case."""
    return any(re.fullmatch(pattern.strip(), url, re.IGNORECASE) for pattern in patterns.split(",") if pattern.strip())


def _looks_remote(url: str) -> bool:
    return url.lower().startswith(("http://", "https://", "file://"))


def _find(url: str, store: Path) -> Path:
    name = os.path.basename(url.rstrip("/"))
    in_store = store / name
    if in_store.is_file():
        return in_store
    if Path(url).is_dir():
        return Path(url).resolve()
    if in_store.is_dir():
        return in_store.resolve()
    raise NotFound(f"Model not found at: {url}")


def _fetch(url: str, store: Path) -> Path:
    name = os.path.basename(unquote(urlsplit(url).path))
    if not name or "/" in name or "\\" in name:
        raise DownloadFailed(f"Failed to download archive from: {url} (no file name at its end)")
    target = store / name
    if target.exists():
        raise TsnbError(f"Model file already exists {name}")
    descriptor, partial = tempfile.mkstemp(dir=store, prefix=".download-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            _copy(url, file)
        os.link(partial, target)  # unlike a rename, never over a file that came meanwhile
    except FileExistsError:
        raise TsnbError(f"Model file already exists {name}") from None
    except OSError as error:
        raise DownloadFailed(f"Failed to download archive from: {url}") from error
    finally:
        os.unlink(partial)
    return target


def _copy(url: str, file: object) -> None:
    if url.lower().startswith("file://"):
        with open(unquote(urlsplit(url).path), "rb") as source:
            while chunk := source.read(CHUNK):
                file.write(chunk)  # type: ignore[attr-defined]
        return
    import httpx

    try:
        # No redirects: what was allowed is the URL that was compared, and nothing it points to.
        with httpx.stream("GET", url, follow_redirects=False, timeout=DOWNLOAD_TIMEOUT, trust_env=False) as answer:
            if answer.status_code != 200:
                raise DownloadFailed(f"Failed to download archive from: {url} (status {answer.status_code})")
            size = 0
            for chunk in answer.iter_bytes(CHUNK):
                size += len(chunk)
                if size > MAX_DOWNLOAD:
                    raise DownloadFailed(f"Failed to download archive from: {url} (over {MAX_DOWNLOAD} bytes)")
                file.write(chunk)  # type: ignore[attr-defined]
    except httpx.HTTPError as error:
        raise DownloadFailed(f"Failed to download archive from: {url}") from error
