"""Token authorization: which key opens what, until when, and what the key file says."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

import tsnb.rest  # noqa: F401  (fills the route table)
from tsnb.errors import BadRequest, ConfigError, InvalidKey
from tsnb.rest.routes import Listener, Request, Response
from tsnb.rest.tokens import FIXED, NOT_RENEWED, REFUSED, KeyFile, Keys, TokenGuard

NOON = 1_800_000_000.0
HOUR = 3600.0
INF, MAN, ALL = Listener.INFERENCE, Listener.MANAGEMENT, Listener.ALL


class House:
    """A guard whose clock is turned by hand."""

    def __init__(self, fixed: str = "") -> None:
        self.now = NOON
        self.keys = Keys(60, NOON, fixed)
        self.written: list[dict[str, Any]] = []
        self.guard = TokenGuard(self.keys, self.written.append, lambda: self.now)

    def ask(self, line: str, listener: Listener, authorization: str | None) -> Response | None:
        method, _, path = line.partition(" ")
        path, _, query = path.partition("?")
        headers = {} if authorization is None else {"Authorization": authorization}
        parameters = dict([[name, [value]] for name, _, value in [query.partition("=")] if name])
        return self.guard(Request(method, path, parameters, headers, listener=listener))


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize(
    ("line", "listener", "opens"),
    [
        ("GET /ping", INF, {"inference"}),
        ("POST /predictions/m", INF, {"inference"}),
        ("GET /nothing", INF, {"inference"}),
        ("GET /token?type=inference", INF, {"inference"}),
        ("GET /models", MAN, {"management"}),
        ("GET /nothing", MAN, {"management"}),
        ("GET /tokens", MAN, {"management"}),
        ("GET /ping", ALL, {"inference", "management"}),
        ("POST /predictions/m", ALL, {"inference", "management"}),
        ("POST /models/m/invoke", ALL, {"inference", "management"}),
        ("GET /metrics", ALL, {"inference", "management"}),
        ("GET /nothing", ALL, {"inference", "management"}),
        ("GET /models", ALL, {"management"}),
        ("POST /models", ALL, {"management"}),
        ("DELETE /models/m", ALL, {"management"}),
        ("PUT /models/m/1/set-default", ALL, {"management"}),
        ("GET /%6dodels", ALL, {"management"}),
        ("GET /models/", ALL, {"management"}),
        ("GET /-/models", ALL, {"management"}),
        ("GET /-/logs/m", ALL, {"management"}),
    ],
)
def test_each_request_needs_its_key(house: House, line: str, listener: Listener, opens: set[str]) -> None:
    for kind in ("inference", "management", "API"):
        if kind in opens:
            assert house.ask(line, listener, f"Bearer {house.keys[kind]}") is None
        else:
            with pytest.raises(InvalidKey, match=REFUSED):
                house.ask(line, listener, f"Bearer {house.keys[kind]}")


@pytest.mark.parametrize(
    ("line", "listener"),
    [
        ("OPTIONS /", INF),
        ("GET /", MAN),
        ("GET /api-description", MAN),
        ("GET /openapi.json", ALL),
        ("GET /metrics", Listener.METRICS),
        ("GET /anything", Listener.METRICS),
    ],
)
def test_descriptions_and_the_metrics_listener_need_none(house: House, line: str, listener: Listener) -> None:
    assert house.ask(line, listener, None) is None


@pytest.mark.parametrize(
    "authorization",
    [
        *(None, "", "Bearer", "Bearer ", "{key}", "bearer {key}", "Basic {key}", "Bearer x{key}", "Bearer {key}x"),
        *("Bearer {key} {key}", "Bearer é"),
    ],
)
def test_a_header_that_is_not_quite_right_is_refused(house: House, authorization: str | None) -> None:
    said = authorization and authorization.format(key=house.keys["inference"])
    with pytest.raises(InvalidKey, match=REFUSED) as caught:
        house.ask("GET /ping", INF, said)
    assert (caught.value.status, caught.value.type) == (400, "InvalidKeyException")


def test_several_blanks_are_fine(house: House) -> None:
    assert house.ask("GET /ping", INF, f"Bearer    {house.keys['inference']} ") is None
    assert house.ask("GET /ping", INF, f"Bearer\t{house.keys['inference']}") is None


def test_keys_expire_but_not_the_one_that_renews(house: House) -> None:
    old = house.keys["inference"]
    house.now = NOON + HOUR - 1
    assert house.ask("GET /ping", INF, f"Bearer {old}") is None
    house.now = NOON + HOUR
    with pytest.raises(InvalidKey, match=REFUSED):
        house.ask("GET /ping", INF, f"Bearer {old}")
    answer = house.ask("GET /token?type=inference", MAN, f"Bearer {house.keys['API']}")
    assert answer == Response(200, b"\n", {"content-type": "application/json"})
    assert house.keys["inference"] != old
    assert house.ask("GET /ping", INF, f"Bearer {house.keys['inference']}") is None


def test_renewing_makes_the_old_key_worthless_at_once_and_writes_the_new_one(house: House) -> None:
    old, inference = house.keys["management"], house.keys["inference"]
    house.ask("POST /token?type=management", ALL, f"Bearer {house.keys['API']}")
    with pytest.raises(InvalidKey):
        house.ask("GET /models", MAN, f"Bearer {old}")
    assert house.keys["inference"] == inference
    assert house.written == [house.keys.document()]


@pytest.mark.parametrize(("query", "kind"), [("type=inference", "management"), ("type=API", "API"), ("", "API")])
def test_renewing_wants_the_api_key_and_a_kind(house: House, query: str, kind: Any) -> None:
    before = house.keys.document()
    with pytest.raises(InvalidKey, match=NOT_RENEWED):
        house.ask(f"GET /token?{query}", MAN, f"Bearer {house.keys[kind]}")
    assert (house.keys.document(), house.written) == (before, [])


def test_a_fixed_token_is_every_key_and_lasts() -> None:
    house = House("secret")
    house.now = NOON + 1000 * HOUR
    for line, listener in (("GET /ping", INF), ("GET /models", MAN), ("POST /models", ALL)):
        assert house.ask(line, listener, "Bearer secret") is None
        with pytest.raises(InvalidKey):
            house.ask(line, listener, "Bearer secre")
    with pytest.raises(BadRequest, match=FIXED):
        house.ask("GET /token?type=inference", MAN, "Bearer secret")


def test_keys_are_long_and_all_different() -> None:
    keys = [Keys(60, NOON)[kind] for kind in ("inference", "management", "API") for _ in range(10)]
    assert len(set(keys)) == 30
    assert min(map(len, keys)) >= 32


def test_the_key_file_has_torchserves_form_and_is_private(tmp_path: Path, house: House) -> None:
    file = KeyFile(tmp_path / "key_file.json")
    file.write({"old": 1})
    file.write(house.keys.document())
    said = json.loads(file.path.read_text())
    assert list(said) == ["management", "inference", "API"]
    assert said["inference"] == {"key": house.keys["inference"], "expiration time": "2027-01-15T09:00:00.000000Z"}
    assert said["API"] == {"key": house.keys["API"]}
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key_file.json"]
    file.remove()
    file.remove()
    assert not file.path.exists()


def test_the_key_file_of_another_server_is_left_alone(tmp_path: Path) -> None:
    ours, theirs = KeyFile(tmp_path / "key_file.json"), KeyFile(tmp_path / "key_file.json")
    ours.write({"server": 1})
    theirs.write({"server": 2})
    ours.remove()
    assert json.loads(theirs.path.read_text()) == {"server": 2}


def test_a_key_file_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="TSNB_TOKEN"):
        KeyFile(tmp_path / "missing" / "key_file.json").write({})
    in_the_way = tmp_path / "key_file.json"
    in_the_way.mkdir()
    with pytest.raises(ConfigError, match="Cannot write the tokens"):
        KeyFile(in_the_way).write({})
    assert [path.name for path in tmp_path.iterdir()] == ["key_file.json"]


def test_a_browsers_preflight_needs_no_key_and_runs_nothing(house: House) -> None:
    asks = {"Origin": "http://page", "Access-Control-Request-Method": "POST"}
    for path in ("/predictions/m", "/models/m", "/token"):
        answer = house.guard(Request("OPTIONS", path, {}, asks, listener=MAN if path != "/predictions/m" else INF))
        assert answer is not None
        assert (answer.status, answer.body) == (200, b"")
    for headers in ({}, {"Origin": "http://page"}):
        with pytest.raises(InvalidKey):
            house.guard(Request("OPTIONS", "/predictions/m", {}, headers, listener=INF))
    with pytest.raises(InvalidKey):
        house.guard(Request("POST", "/predictions/m", {}, asks, listener=INF))
