"""gRPC beside a notebook server, as a user switches it on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.served import put_in_store

from tests.notebook_server import NotebookServer

grpc = pytest.importorskip("grpc")

PORTS = ("--TsnbApp.grpc_inference_port=0", "--TsnbApp.grpc_management_port=0")


def test_the_token_of_the_notebook_server_opens_it(tmp_path: Path) -> None:
    from tsnb.rpc.descriptors import INFERENCE, MANAGEMENT, message

    (tmp_path / "model_store").mkdir()
    put_in_store(tmp_path / "model_store", "orders", "orders.py")
    with NotebookServer(tmp_path, options=("--TsnbApp.enable_grpc=True", *PORTS)) as server:
        found = re.search(r"tsnb answers gRPC on grpc://(\S+)", server.log.read_text())
        assert found is not None, server.log.read_text()
        metadata = [("authorization", f"Bearer {server.token}")]
        with grpc.insecure_channel(found[1]) as channel:
            serialize = message("inference.PredictionsRequest").SerializeToString
            register = channel.unary_unary(f"/{MANAGEMENT}/RegisterModel", lambda request: request.SerializeToString())
            predict = channel.unary_unary(f"/{INFERENCE}/Predictions", serialize, bytes)
            archive = message("management.RegisterModelRequest")(
                url="orders-1.0.mar", initial_workers=1, synchronous=True
            )
            asked = message("inference.PredictionsRequest")(model_name="orders", input={"data": b"tell"})
            with pytest.raises(grpc.RpcError) as refused:
                register(archive, timeout=60)
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
            register(archive, metadata=metadata, timeout=60)
            assert b"bytearray" in predict(asked, metadata=metadata, timeout=60)
        assert server.get("tsnb/models")["models"][0]["modelName"] == "orders"
    assert server.stopped_by_itself


async def test_it_is_off_by_default(tsnb_app: Any) -> None:
    assert tsnb_app.enable_grpc is False
    assert await tsnb_app.grpc.open("token") == []
    assert tsnb_app.current_activity() == 0
