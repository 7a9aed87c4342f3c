"""A server with a certificate of its own making."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.front import HOST, House

from tsnb.client import Client
from tsnb.config import Config
from tsnb.errors import NotFound, ServerUnreachable


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    chain, key = folder / "chain.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", f"subjectAltName=IP:{HOST}"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subprocess.run([*make, "-keyout", str(key), "-out", str(chain), *subject], check=True, capture_output=True)
    return chain, key


@pytest.fixture(scope="module")
def url(certificate: tuple[Path, Path]) -> Iterator[str]:
    chain, key = map(str, certificate)
    address = f"https://{HOST}:0"
    addresses = {f"{name}_address": address for name in ("inference", "management", "metrics")}
    config = Config(**addresses, certificate_file=chain, private_key_file=key)
    with House(config) as house:
        yield f"https://{HOST}:{house.port}"


def test_a_certificate_that_is_not_known_is_said_to_be_so(url: str) -> None:
    with Client(url) as client, pytest.raises(ServerUnreachable, match=r"not trusted here.*SSL_CERT_FILE"):
        client.ping()


def test_a_certificate_of_ones_own_is_named_by_a_variable(
    url: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with Client(url) as client, pytest.raises(NotFound):  # it was reached, and is no tsnb
        client.ping()
