"""Which server the magics find: a named one, the notebook server around the folder, or none."""

import os

import pytest

from tests.notebook_server import NotebookServer
from tsnb.errors import ServerUnreachable
from tsnb.magics.child import ChildServer
from tsnb.magics.connection import Connection


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    with NotebookServer(folder, base_url="/user/a%40b/") as server:
        yield server


@pytest.fixture
def nothing_set(monkeypatch, tmp_path):
    for name in ("TSNB_URL", "TSNB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_the_notebook_server_whose_folder_this_is(server, nothing_set, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.folder / ".runtime"))
    (server.folder / "deep/inside").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(server.folder / "deep/inside")
    client = Connection().find()
    assert client is not None
    assert client.server()["model_store"] == str(server.folder / "model_store")


def test_a_notebook_server_elsewhere_does_not_count(server, nothing_set, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.folder / ".runtime"))
    assert Connection().find() is None


def test_the_environment_comes_first(server, nothing_set, monkeypatch):
    monkeypatch.setenv("TSNB_URL", f"{server.url}tsnb/")
    monkeypatch.setenv("TSNB_TOKEN", server.token)
    client = Connection().find()
    assert client is not None
    assert client.server()["name"] == "tsnb"


def test_files_of_dead_servers_do_not_count(nothing_set, tmp_path):
    (tmp_path / "jpserver-1.json").write_text(
        f'{{"url": "http://127.0.0.1:9/", "token": "", "pid": 999999999, "root_dir": "{tmp_path}"}}'
    )
    (tmp_path / "jpserver-2.json").write_text("not json")
    assert Connection().find() is None


def test_a_kernel_of_the_notebook_server_uses_it(server):
    with server.kernel() as kernel:
        kernel.run("%load_ext tsnb")
        kernel.run("%%handler hello\ndef handle(data, context):\n    return ['hello'] * len(data or [])")
        assert "model_store/hello.mar" in kernel.run("%archive hello")
        assert "/user/a%40b/tsnb/predictions/hello" in kernel.run("%serve hello")
        assert "hello" in kernel.run("%predict hello 1")
        assert kernel.run("print(get_ipython()._tsnb[0].connection._child)").strip() == "None"


def test_a_child_that_cannot_start_says_why(nothing_set, tmp_path, monkeypatch):
    monkeypatch.setenv("TS_CONFIG_FILE", "nonsense.properties")
    child = ChildServer(tmp_path / "store")
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(ServerUnreachable, match=r"the kernel's own server did not start: .*nonsense"):
        child.start()
    assert not child.alive
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1
