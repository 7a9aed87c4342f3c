"""Certificates in a Java keystore (spec 8.2, 9.4)."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from support.front import DEADLINE, HOST, House, Wire

from tsnb.config import Config
from tsnb.errors import ConfigError
from tsnb.rest.tls import pem_pair, server_context


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``chain.pem``, ``key.pem``, and ``both.p12`` with both under the password ``changeit``."""
    folder = tmp_path_factory.mktemp("keystore")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", "key.pem"]
    subprocess.run([*make, "-out", "chain.pem", *subject], cwd=folder, check=True, capture_output=True)
    export = ["openssl", "pkcs12", "-export", "-in", "chain.pem", "-passout", "pass:changeit"]
    subprocess.run([*export, "-inkey", "key.pem", "-out", "both.p12"], cwd=folder, check=True)
    subprocess.run([*export, "-nokeys", "-out", "no-key.p12"], cwd=folder, check=True)
    (folder / "old.jks").write_bytes(bytes.fromhex("feedfeed00000002"))
    (folder / "text").write_text("nothing of the kind")
    return folder


def test_a_keystore_speaks_tls(folder: Path) -> None:
    free = {f"{name}_address": "http://127.0.0.1:0" for name in ("management", "metrics")}
    config = Config(inference_address="https://127.0.0.1:0", keystore=str(folder / "both.p12"), **free)
    with House(config) as house:
        context = ssl.create_default_context(cafile=str(folder / "chain.pem"))
        raw = socket.create_connection((HOST, house.port), DEADLINE)
        with Wire(context.wrap_socket(raw, server_hostname=HOST)) as wire:
            assert wire.get().status == 200


def test_grpc_gets_the_same_as_bytes(folder: Path) -> None:
    chain, key = pem_pair(Config(keystore=str(folder / "both.p12")))
    assert chain.startswith(b"-----BEGIN CERTIFICATE-----")
    assert key.startswith(b"-----BEGIN PRIVATE KEY-----")


def test_pem_files_go_before_a_keystore(folder: Path) -> None:
    files = {"certificate_file": str(folder / "chain.pem"), "private_key_file": str(folder / "key.pem")}
    chain, _ = pem_pair(Config(**files, keystore="nowhere"))
    assert chain == (folder / "chain.pem").read_bytes()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"keystore": "nowhere.p12"}, "keystore='nowhere.p12' cannot be read: No such file"),
        ({"keystore": "both.p12", "keystore_pass": "wrong"}, "keystore_pass is not its password"),
        ({"keystore": "no-key.p12"}, "holds no private key"),
        ({"keystore": "old.jks", "keystore_type": "JKS"}, "type JKS, which only Java reads. Convert it: keytool"),
        ({"keystore": "text"}, "is no PKCS12 file"),
        ({}, "needs certificate_file: a PEM file"),
        ({"certificate_file": "chain.pem"}, "needs private_key_file: a PEM file"),
    ],
)
def test_what_cannot_be_used_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, str], words: str
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError) as caught:
        server_context(Config(**said))
    assert words in caught.value.message
