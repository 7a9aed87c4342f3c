"""The certificate and key of a Config, for every listener that speaks TLS (spec 9.4)."""

from __future__ import annotations

import secrets
import ssl
import tempfile
from pathlib import Path

from tsnb.config import Config
from tsnb.errors import ConfigError
from tsnb.rest import keystore

FILES = ("certificate_file", "private_key_file")


def server_context(config: Config, asked_by: str = "An https address", otherwise: str = "use http") -> ssl.SSLContext:
    """What a TLS listener needs: PEM files, else a keystore.

    Raises ConfigError that says who asked for it, and what to do without.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if _from_keystore(config, asked_by, otherwise):
        _load_keystore(context, config)
    else:
        _load_files(context, config)
    return context


def _from_keystore(config: Config, asked_by: str, otherwise: str) -> bool:
    missing = [name for name in FILES if not getattr(config, name)]
    if missing and not config.keystore:
        raise ConfigError(f"{asked_by} needs {missing[0]}: a PEM file. Set it, name a keystore, or {otherwise}.")
    return bool(missing)


def _load_files(context: ssl.SSLContext, config: Config) -> None:
    try:
        context.load_cert_chain(config.certificate_file, config.private_key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"certificate_file={config.certificate_file!r} and private_key_file={config.private_key_file!r} "
            f"cannot be used: {error}. Both must be PEM files that belong together."
        ) from error


def _load_keystore(context: ssl.SSLContext, config: Config) -> None:
    """Python's ssl reads files only: the key lies in one for a moment, locked."""
    password = secrets.token_bytes(32).hex()
    chain, key = keystore.read(config, password.encode())
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(chain + key)
        file.flush()
        try:
            context.load_cert_chain(file.name, password=password)
        except ssl.SSLError as error:
            raise ConfigError(f"keystore={config.keystore!r} cannot be used: {error}.") from error


def pem_pair(config: Config) -> tuple[bytes, bytes]:
    """Certificate chain and key for gRPC, which wants bytes; checked first. Raises ConfigError."""
    asked_by, otherwise = "enable_grpc_ssl=true", "set enable_grpc_ssl=false"
    server_context(config, asked_by, otherwise)
    if _from_keystore(config, asked_by, otherwise):
        return keystore.read(config)
    return Path(config.certificate_file).read_bytes(), Path(config.private_key_file).read_bytes()
