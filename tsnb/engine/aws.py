"""A signature for a download from S3: AWS Signature Version 4 of a GET without a body (``s3_sse_kms``, spec 2.2). Pure.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from tsnb.errors import BadRequest

NO_BODY = hashlib.sha256(b"").hexdigest()
ALGORITHM = "AWS4-HMAC-SHA256"
VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")


def signed(url: str, environ: Mapping[str, str], now: float) -> dict[str, str]:
    """The headers of a signed GET at this Unix time. Raises BadRequest where the environment lacks credentials."""
    missing = [name for name in VARIABLES if not environ.get(name)]
    if missing:
        raise BadRequest(
            f"s3_sse_kms=true signs the download, for which the server's environment lacks {', '.join(missing)}."
        )
    moment = datetime.fromtimestamp(now, UTC)
    headers = {
        "host": urlsplit(url).netloc.rpartition("@")[2],
        "x-amz-content-sha256": NO_BODY,
        "x-amz-date": f"{moment:%Y%m%dT%H%M%SZ}",
    }
    if environ.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = environ["AWS_SESSION_TOKEN"]
    key_id, secret, region = (environ[name] for name in VARIABLES)
    scope = f"{moment:%Y%m%d}/{region}/s3/aws4_request"
    text = "\n".join((ALGORITHM, headers["x-amz-date"], scope, _digest(_canonical(url, headers))))
    signature = hmac.new(_key(secret, scope), text.encode(), hashlib.sha256).hexdigest()
    names = ";".join(sorted(headers))
    headers["Authorization"] = f"{ALGORITHM} Credential={key_id}/{scope},SignedHeaders={names},Signature={signature}"
    return headers


def _canonical(url: str, headers: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in parse_qsl(parts.query, keep_blank_values=True))
    lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return "\n".join(("GET", parts.path or "/", query, *lines, "", ";".join(sorted(headers)), NO_BODY))


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
