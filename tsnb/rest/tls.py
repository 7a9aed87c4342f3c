"""The certificate and key of a Config, for every listener that speaks TLS (spec 9.4)."""

from __future__ import annotations

import ssl
from pathlib import Path

from tsnb.config import Config
from tsnb.errors import ConfigError


def server_context(config: Config, asked_by: str = "An https address", otherwise: str = "use http") -> ssl.SSLContext:
    """What a TLS listener needs. Raises ConfigError that says who asked for it, and what to do without."""
    for name in ("certificate_file", "private_key_file"):
        if not getattr(config, name):
            hint = " A keystore is not read: convert it with openssl pkcs12." if config.keystore else ""
            raise ConfigError(f"{asked_by} needs {name}: a PEM file. Set it, or {otherwise}.{hint}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.certificate_file, config.private_key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"certificate_file={config.certificate_file!r} and private_key_file={config.private_key_file!r} "
            f"cannot be used: {error}. Both must be PEM files that belong together."
        ) from error
    return context


def pem_pair(config: Config) -> tuple[bytes, bytes]:
    """Certificate chain and key for gRPC, which wants bytes; checked first. Raises ConfigError."""
    server_context(config, "enable_grpc_ssl=true", "set enable_grpc_ssl=false")
    return Path(config.certificate_file).read_bytes(), Path(config.private_key_file).read_bytes()
