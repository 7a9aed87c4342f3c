"""Who may do what: strangers nothing, users what Jupyter's authorizer says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from support.engine import SmallEngine
from tornado.httpclient import HTTPRequest

import tsnb.rest  # noqa: F401  (fills the route table)
from tsnb.rest.routes import ROUTES

EXAMPLES = {"{rest...}": "", "{url_path...}": "x", "{model_version}": "1.0"}


def example(path: str) -> str:
    """A path that fits a route's pattern."""
    return re.sub(r"\{[^}]*\}", lambda found: EXAMPLES.get(found.group(), "echo"), path)


EVERY_CALL = sorted({(method, example(route.path)) for route in ROUTES for method in (*route.methods, "GET")})


async def call(client: Any, base: str, method: str, path: str, headers: dict[str, str]) -> Any:
    url = client.get_url(f"{base}tsnb{path}")
    request = HTTPRequest(url, method, headers, body=None, allow_nonstandard_methods=True, request_timeout=20)
    return await super(type(client), client).fetch(request, raise_error=False)


@pytest.fixture(params=[True, False], ids=["allow_unauthenticated_access", "deny_unauthenticated_access"])
def jp_server_config(request: pytest.FixtureRequest, jp_server_config: dict[str, Any]) -> dict[str, Any]:
    jp_server_config["ServerApp"]["allow_unauthenticated_access"] = request.param
    return jp_server_config


async def test_every_route_refuses_strangers(http_server_client, jp_base_url, tsnb_app) -> None:
    for method, path in EVERY_CALL:
        for headers in ({}, {"Authorization": "token wrong"}, {"Authorization": "Bearer wrong"}):
            answer = await call(http_server_client, jp_base_url, method, path, headers)
            assert answer.code == 403, (method, path, answer.body)
            if method != "HEAD":
                assert json.loads(answer.body)["code"] == 403
        answer = await call(http_server_client, jp_base_url, method, path + "?token=wrong", {})
        assert answer.code == 403, (method, path)
    assert tsnb_app.host.engine is None


async def test_a_preflight_needs_no_token_and_tells_nothing(http_server_client, jp_base_url) -> None:
    headers = {"Origin": "http://elsewhere", "Access-Control-Request-Method": "POST"}
    answer = await call(http_server_client, jp_base_url, "OPTIONS", "/predictions/echo", headers)
    assert answer.code == 204 or (answer.code == 200 and not answer.body)
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("form", ["token {}", "Bearer {}", "?token={}"])
async def test_the_notebook_server_s_token_opens(http_server_client, jp_base_url, jp_serverapp, form: str) -> None:
    sent = form.format(jp_serverapp.identity_provider.token)
    path, headers = (f"/models{sent}", {}) if sent.startswith("?") else ("/models", {"Authorization": sent})
    answer = await call(http_server_client, jp_base_url, "GET", path, headers)
    assert answer.code == 200
    made = await call(http_server_client, jp_base_url, "POST", path.replace("?", "?url=echo.mar&"), headers)
    assert made.code == (200 if "?" in path else 400)


async def test_a_cookie_needs_the_xsrf_token_too(http_server_client, jp_base_url, jp_auth_header) -> None:
    first = await call(http_server_client, jp_base_url, "GET", "/models", dict(jp_auth_header))
    cookies = "; ".join(each.split(";")[0] for each in first.headers.get_list("Set-Cookie"))
    looked = await call(http_server_client, jp_base_url, "GET", "/models", {"Cookie": cookies})
    assert looked.code == 200
    for method, path in [("POST", "/models"), ("POST", "/predictions/echo"), ("GET", "/predictions/echo")]:
        headers = {"Cookie": cookies, "Referer": "http://elsewhere/"}
        refused = await call(http_server_client, jp_base_url, method, path, headers)
        assert refused.code == 403, (method, path)


class Only(Authorizer):
    """Allows the actions in ``allowed`` and remembers what was asked."""

    allowed: tuple[str, ...] = ()
    asked: list[tuple[str, str]] = []  # noqa: RUF012

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        self.asked.append((action, resource))
        return action in self.allowed


class TestPermissions:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        Only.asked.clear()
        jp_server_config["ServerApp"]["authorizer_class"] = Only
        return jp_server_config

    @pytest.mark.parametrize(
        ("allowed", "codes"),
        [
            ((), (403, 403, 403, 403, 403)),
            (("read",), (200, 403, 403, 403, 403)),
            (("read", "write"), (200, 404, 404, 403, 403)),
            (("read", "write", "execute"), (200, 404, 404, 200, 200)),
        ],
    )
    async def test_looking_running_and_managing(self, fetch, monkeypatch, allowed, codes) -> None:
        monkeypatch.setattr(Only, "allowed", allowed)
        calls = [
            (("models",), {}),
            (("predictions", "nope"), {}),
            (("predictions", "nope"), {"method": "POST"}),
            (("models",), {"method": "POST", "params": {"url": "echo.mar"}}),
            (("models", "echo"), {"method": "DELETE"}),
        ]
        found = [await fetch(*path, **options) for path, options in calls]
        assert tuple(each.code for each in found) == codes
        assert all(resource == "tsnb" for _, resource in Only.asked)
        for each in found:
            if each.code == 403:
                assert "not authorized" in json.loads(each.body)["message"]

    async def test_the_first_call_does_not_decide_for_the_others(self, fetch, monkeypatch) -> None:
        monkeypatch.setattr(Only, "allowed", ("read",))
        for _ in range(2):
            assert (await fetch("models", "x", method="DELETE")).code == 403
            assert (await fetch("models")).code == 200


async def test_no_handler_sees_what_opens_the_server(fetch, jp_serverapp) -> None:
    await fetch("models", method="POST", params={"url": "headers.mar", "initial_workers": "1"})
    params = {"model_name": "headers", "token": jp_serverapp.identity_provider.token, "q": "1"}
    answer = await fetch("invocations", method="POST", params=params, headers={"Cookie": "a=b", "Content-Type": "x/y"})
    seen = json.loads(answer.body)
    names = {name.lower() for name in seen["headers"]}
    assert not names & {"authorization", "cookie", "x-xsrftoken"}
    assert [each[0] for each in seen["parameters"]] == ["model_name", "q", "body"]


def test_the_small_engine_is_what_the_tests_use(tsnb_app) -> None:
    assert tsnb_app.engine_class is SmallEngine
