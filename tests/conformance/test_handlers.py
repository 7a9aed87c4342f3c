"""The examples and the default handlers under the real TorchServe: what is recorded is still what it answers."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conformance.houses import House
from tests.conformance.servers import ON_CPU, Server
from tests.examples import pages
from tests.handlers import default_models
from tsnb.worker.loader import COMPAT

pytestmark = [pytest.mark.torchserve, pytest.mark.timeout(400)]

NEED_TORCHVISION = {"image_classifier"}
"""Examples whose handler derives from one that imports torchvision there."""


@pytest.fixture(scope="module")
def has_torchvision(torchserve):
    code = "import torchvision, captum"
    environment = {**os.environ, "PYTHONPATH": ON_CPU}
    done = subprocess.run([torchserve / "python", "-c", code], env=environment, capture_output=True, check=False)
    return done.returncode == 0


def test_every_example_answers_there_what_its_page_says(torchserve, has_torchvision, tmp_path):
    store = pages.build(tmp_path)
    kinds = [kind for kind in pages.KINDS if has_torchvision or kind not in NEED_TORCHVISION]
    load = tuple(pages.PAGES[kind].model for kind in kinds)
    folder = tmp_path / "torchserve"
    folder.mkdir()
    with Server("torchserve", House(load=load), folder, store) as server:
        url = f"http://127.0.0.1:{server.ports['inference']}"
        answers = {kind: pages.PAGES[kind].ask(url, tmp_path) for kind in kinds}
    assert answers == {kind: pages.PAGES[kind].answers for kind in kinds}


def test_default_handlers_answer_there_what_is_recorded(torchserve, has_torchvision, tmp_path):
    if not has_torchvision:
        pytest.skip("TorchServe's image handlers need torchvision and captum beside it")
    archives, folder = tmp_path / "archives", tmp_path / "torchserve"
    archives.mkdir()
    folder.mkdir()
    default_models.build(archives)
    with Server("torchserve", House(load=tuple(default_models.HANDLERS)), folder, archives) as server:
        url = f"http://127.0.0.1:{server.ports['inference']}"
        answers = {name: default_models.ask(url, name) for name in default_models.REQUESTS}
    recorded = json.loads(default_models.ANSWERS.read_text())
    assert [name for name in answers if default_models.differences(answers[name], recorded[name])] == []


def test_torchserves_own_tests_of_handlers_pass_with_tsnbs(torchserve, tmp_path):
    """Those that its package brings and that need no file of its repository; contexts are their own mocks."""
    (tests,) = torchserve.parent.glob("lib/python*/site-packages/ts/torch_handler/unit_tests")
    shutil.copytree(tests, tmp_path / "unit_tests")
    files = [str(tmp_path / "unit_tests" / f"test_{name}.py") for name in ("base_handler", "envelopes")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    environment = {**os.environ, "PYTHONPATH": COMPAT}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout
