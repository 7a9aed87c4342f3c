"""Where the client looks for a server, and which token it shows to whom."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tsnb.client import Client
from tsnb.client.address import Address, find
from tsnb.errors import ConfigError

NOWHERE = Path("/nonexistent")


def test_a_stand_alone_server_has_torchserves_ports() -> None:
    assert find(None, None, None, {}, NOWHERE) == Address(
        "http://127.0.0.1:8080", "http://127.0.0.1:8081", "http://127.0.0.1:8082"
    )
    assert find("https://[::1]:8443", "t", None, {}, NOWHERE).management == "https://[::1]:8444"


def test_a_notebook_server_answers_everything_under_one_prefix() -> None:
    home = {"TSNB_URL": "http://127.0.0.1:8888/a%40b/tsnb/", "TSNB_TOKEN": "secret"}
    address = find(None, None, None, home, NOWHERE)
    assert address.together
    assert address.management == "http://127.0.0.1:8888/a%40b/tsnb"
    assert address.prediction("my model", "1.0") == "http://127.0.0.1:8888/a%40b/tsnb/predictions/my%20model/1.0"
    assert address.token(address.prediction("m")) == "secret"
    assert address.token(f"{address.management}/-/models") == "secret"


def test_the_notebooks_token_is_not_sent_elsewhere() -> None:
    home = {"TSNB_URL": "http://127.0.0.1:8888/tsnb/", "TSNB_TOKEN": "secret"}
    assert find("http://elsewhere:8080", None, None, home, NOWHERE).inference_token is None
    assert find("http://127.0.0.1:8888/other/tsnb", None, None, home, NOWHERE).inference_token == "secret"
    assert find("http://elsewhere:8080", None, None, {"TSNB_TOKEN": "t"}, NOWHERE).inference_token == "t"


def test_a_key_file_has_a_token_for_each_door(tmp_path: Path) -> None:
    keys = {"management": {"key": "m"}, "inference": {"key": "i"}, "API": {"key": "a"}}
    (tmp_path / "key_file.json").write_text(json.dumps(keys))
    address = find(None, None, None, {}, tmp_path)
    assert address.token("http://127.0.0.1:8080/predictions/x") == "i"
    assert address.token("http://127.0.0.1:8081/models") == "m"
    assert address.token("http://127.0.0.1:8082/metrics") is None
    assert find("http://elsewhere:8080", None, None, {}, tmp_path).inference_token is None
    together = find("http://127.0.0.1:9000", None, None, {}, tmp_path)
    assert together.token("http://127.0.0.1:9000/predictions/x") == "i"
    assert together.token("http://127.0.0.1:9000/models/x") == "m"


def test_a_broken_key_file_is_no_token(tmp_path: Path) -> None:
    (tmp_path / "key_file.json").write_text("[]")
    assert find(None, None, None, {}, tmp_path).inference_token is None


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host", "http://", "nonsense"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="no server URL"):
        Client(url)


def test_a_client_shows_no_token() -> None:
    assert repr(Client("http://host/tsnb/", "secret")) == "Client('http://host/tsnb')"
