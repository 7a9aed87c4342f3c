"""Java's way of keeping a certificate and its key: a PKCS12 file (spec 8.2 ``keystore``, 9.4)."""

from __future__ import annotations

from pathlib import Path

from tsnb.config import Config
from tsnb.errors import ConfigError

JKS_MAGIC = bytes.fromhex("feedfeed")
JCEKS_MAGIC = bytes.fromhex("cececece")


def read(config: Config, password: bytes | None = None) -> tuple[bytes, bytes]:
    """The certificate chain and the key as PEM; with ``password`` the key is encrypted. Raises ConfigError."""
    path = config.keystore
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"keystore={path!r} cannot be read: {error.strerror}.") from error
    if data[:4] in (JKS_MAGIC, JCEKS_MAGIC):
        raise ConfigError(
            f"keystore={path!r} is of Java's own type {config.keystore_type}, which only Java reads. Convert it: "
            f"keytool -importkeystore -srckeystore {path} -destkeystore {path}.p12 -deststoretype PKCS12"
        )
    return _pem(path, data, config.keystore_pass, password)


def _pem(path: str, data: bytes, opens: str, password: bytes | None) -> tuple[bytes, bytes]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.serialization import pkcs12
    except ImportError as error:
        raise ConfigError(
            "Reading a keystore needs the package cryptography (pip install 'tsnb[keystore]'). Or name PEM files in "
            f"certificate_file and private_key_file: openssl pkcs12 -in {path} -nodes -out both.pem makes one for both."
        ) from error
    try:
        store = pkcs12.load_pkcs12(data, opens.encode())
    except ValueError as error:
        raise ConfigError(f"keystore={path!r} is no PKCS12 file, or keystore_pass is not its password.") from error
    if store.key is None or store.cert is None:
        raise ConfigError(f"keystore={path!r} holds no private key with its certificate. Put both into it.")
    encoding = serialization.Encoding.PEM
    certificates = [store.cert, *store.additional_certs]
    chain = b"".join(each.certificate.public_bytes(encoding) for each in certificates)
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return chain, store.key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, lock)
