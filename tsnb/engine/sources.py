"""From what a user calls an archive to a path on this machine (spec 2.2, 9.3). Blocking: call it in a thread."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tsnb.archive.sources import model_folder
from tsnb.config import Config
from tsnb.engine import aws
from tsnb.errors import DownloadFailed, InvalidModel, ModelNotFound, TsnbError

CHUNK = 2**20
DOWNLOAD_TIMEOUT = 120.0
"""Seconds without a byte before a download is given up."""

MAX_REDIRECTS = 5
"""Times that a download may be sent elsewhere; each of those URLs must be allowed, too."""

MAX_DOWNLOAD = 64 * 2**30
"""A larger download (64 GiB) is refused."""


def resolve(url: str, config: Config, *, signed: bool = False, handler: str | None = None) -> Path:
    """The archive or model folder that ``url`` means; ``signed`` signs its download for S3.

    A folder has a manifest, or the file of the ``handler`` that is asked for. Raises ModelNotFound,
    BadRequest, InvalidModel, DownloadFailed, or a plain TsnbError (500) if a download would
    overwrite an archive of the store.
    """
    if not config.model_store:
        raise ModelNotFound("Model store has not been configured.")
    if not url:
        raise ModelNotFound("empty url")
    if ".." in unquote(url):
        raise ModelNotFound(f"Relative path is not allowed in url: {url}")
    if is_download(url):
        if not allowed(url, config.allowed_urls):
            raise ModelNotFound(f"Given URL {url} does not match any allowed URL(s)")
        return _fetch(url, config, aws.signed(url, os.environ, time.time()) if signed else {})
    found = _find(url, Path(config.model_store))
    if found.is_dir():
        in_store = Path(config.model_store).resolve() in found.parents
        if not (in_store and config.default_service_handler):  # which may be an installed module
            _check_model(url, found, handler or config.default_service_handler)
    return found


def allowed(url: str, patterns: str) -> bool:
    """Whether a URL matches one of the comma-separated patterns, as a whole and whatever its case."""
    return any(re.fullmatch(pattern.strip(), url, re.IGNORECASE) for pattern in patterns.split(",") if pattern.strip())


def is_download(url: str) -> bool:
    """Whether a URL means a file that is first copied into the model store."""
    return url.lower().startswith(("http://", "https://", "file://"))


def downloaded(url: str, store: str) -> Path | None:
    """The file that :func:`resolve` made of a URL; None for what was not downloaded."""
    return Path(store) / _file_name(url) if is_download(url) else None


def _find(url: str, store: Path) -> Path:
    try:
        return _on_disk(url, store)
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise ModelNotFound(f"Model not found at: {url} ({error.strerror})") from error


def _on_disk(url: str, store: Path) -> Path:
    name = os.path.basename(url.replace("\\", "/").rstrip("/"))
    in_store = store / name
    if in_store.is_file():
        return in_store
    if Path(url).is_dir():
        return Path(url).resolve()
    if in_store.is_dir():
        return in_store.resolve()
    raise ModelNotFound(f"Model not found at: {url}")


def _check_model(url: str, folder: Path, handler: str) -> None:
    """Raise InvalidModel for a folder that is no model, as the user's own, or all of the machine."""
    inside = model_folder(folder)
    if (inside / "MAR-INF" / "MANIFEST.json").is_file():
        return
    file = handler.partition(":")[0].rpartition("/")[2].removesuffix(".py") + ".py" if handler else ""
    if file and (inside / file).is_file():
        return
    lacks = f"no MAR-INF/MANIFEST.json and no {file}" if file else "no MAR-INF/MANIFEST.json"
    raise InvalidModel(
        f"The folder {url} is no model: it has {lacks}. Archive the model with --archive-format no-archive, "
        "or register the folder with the name of a handler file that lies in it."
    )


def _fetch(url: str, config: Config, headers: Mapping[str, str]) -> Path:
    name, store = _file_name(url), Path(config.model_store)
    target = store / name
    local = url.lower().startswith("file://")
    if target.exists():
        raise TsnbError(f"Model file already exists {name}")
    descriptor, partial = tempfile.mkstemp(dir=store, prefix=".download-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(_read_file(url) if local else _download(url, config.allowed_urls, headers))
        os.link(partial, target)  # unlike a rename, never over a file that came meanwhile
    except FileExistsError:
        raise TsnbError(f"Model file already exists {name}") from None
    except OSError as error:
        raise DownloadFailed(f"Failed to download archive from: {url}") from error
    finally:
        os.unlink(partial)
    return target


def _file_name(url: str) -> str:
    try:
        name = os.path.basename(unquote(urlsplit(url).path))
    except ValueError as error:
        raise DownloadFailed(f"Failed to download archive from: {url} ({error})") from error
    if not name or "/" in name or "\\" in name:
        raise DownloadFailed(f"Failed to download archive from: {url} (no file name at its end)")
    return name


def _read_file(url: str) -> Iterator[bytes]:
    path = Path(unquote(urlsplit(url).path))
    if not path.is_file():  # a device or a pipe may have no end
        raise DownloadFailed(f"Failed to download archive from: {url} (no such file)")
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk


def _download(url: str, patterns: str, headers: Mapping[str, str]) -> Iterator[bytes]:
    import httpx

    try:
        with httpx.Client(follow_redirects=False, timeout=DOWNLOAD_TIMEOUT, trust_env=False) as client:
            at = url
            for _ in range(MAX_REDIRECTS + 1):
                with client.stream("GET", at, headers=headers) as answer:
                    if answer.next_request is None:
                        yield from _content(url, answer.status_code, answer.iter_bytes(CHUNK))
                        return
                    at, headers = _redirected(url, at, str(answer.next_request.url), patterns), {}
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DownloadFailed(f"Failed to download archive from: {url}") from error
    raise DownloadFailed(f"Failed to download archive from: {url} (more than {MAX_REDIRECTS} redirects)")


def _redirected(url: str, at: str, target: str, patterns: str) -> str:
    """Where a redirect leads, if that is allowed like the URL itself. Raises DownloadFailed."""
    steps_down = at.lower().startswith("https:") and not target.lower().startswith("https:")
    if not target.lower().startswith(("http://", "https://")) or steps_down or ".." in unquote(target):
        raise DownloadFailed(f"Failed to download archive from: {url} (it redirects to something else than a web page)")
    if not allowed(target, patterns):
        host = urlsplit(target).hostname
        raise DownloadFailed(f"Failed to download archive from: {url} (it redirects to {host}: see allowed_urls)")
    return target


def _content(url: str, status: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if status != 200:
        raise DownloadFailed(f"Failed to download archive from: {url} (status {status})")
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_DOWNLOAD:
            raise DownloadFailed(f"Failed to download archive from: {url} (over {MAX_DOWNLOAD} bytes)")
        yield chunk
