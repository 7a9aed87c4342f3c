"""The endpoints behind a notebook server, under a base URL that needs quoting."""

from __future__ import annotations

import json


async def test_a_model_is_registered_called_listed_and_unregistered(fetch, engine) -> None:
    made = await fetch("models", method="POST", params={"url": "echo.mar", "initial_workers": "1"})
    assert made.code == 200
    assert json.loads(made.body) == {"status": 'Model "echo" Version: 1.0 registered with 1 initial workers'}

    answer = await fetch("predictions", "echo", method="POST", body=b"hello", headers={"Content-Type": "text/plain"})
    assert (answer.code, answer.body) == (200, b"hello")
    assert "Content-Type" not in answer.headers
    assert len(answer.headers["x-request-id"]) == 36

    listed = await fetch("models")
    assert json.loads(listed.body) == {"models": [{"modelName": "echo", "modelUrl": "echo.mar"}]}
    gone = await fetch("models", "echo", method="DELETE")
    assert json.loads(gone.body) == {"status": 'Model "echo" unregistered'}
    assert (await engine()).statuses == [200, 200, 200, 200]
