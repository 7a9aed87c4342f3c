"""A Jupyter extension with the cheapest handler that is allowed: what any request through the server costs."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web


class EmptyHandler(APIHandler):
    """Reads the body and answers a constant."""

    auth_resource = "contents"

    @web.authenticated
    @authorized
    async def post(self) -> None:
        self.finish('{"answer": 42}')


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "benchmarks.rows.empty_extension"}]


def _load_jupyter_server_extension(app: Any) -> None:
    path = url_path_join(app.web_app.settings["base_url"], "bench-empty")
    app.web_app.add_handlers(".*", [(path, EmptyHandler)])
