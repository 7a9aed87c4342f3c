"""A request that was answered travels in the next archive, unless the model is private. A real kernel and server."""

import pytest

ECHO = "%%handler echo\ndef handle(data, context):\n    return data and [str(row.get('body')) for row in data]\n"

SAMPLE = (
    "__import__('json').loads(__import__('zipfile').ZipFile('model_store/echo.mar')"
    ".read('MAR-INF/tsnb.json'))['provenance'].get('sample')"
)


@pytest.fixture(scope="module")
def echo(kernel):
    for cell in ("%load_ext tsnb", ECHO, "%archive echo", "%serve echo", "%predict echo {'secret': 4711}"):
        outcome = kernel.run(cell)
        assert outcome.ok, outcome.error
    return kernel


def archived(kernel, line):
    outcome = kernel.run(f"%archive echo {line}")
    assert outcome.ok, outcome.error
    return outcome.text, kernel.value(SAMPLE)


def test_the_latest_request_and_its_answer(echo):
    text, sample = archived(echo, "--version 2.0")
    assert "--no-sample leaves them out" in text
    assert sample["request"] == [{"name": "body", "content_type": "application/json", "text": '{"secret": 4711}'}]
    assert sample["answer"]["text"] == "{'secret': 4711}"
    assert sample["answer"]["status"] == 200
    shown = echo.run("%inspect echo")
    assert '{"secret": 4711}' in shown.text


def test_none_when_told_so(echo):
    assert archived(echo, "--no-sample")[1] is None


def test_none_of_a_private_model(echo):
    echo.run("open('private.yaml', 'w').write('private: true')")
    assert archived(echo, "--config-file private.yaml")[1] is None


def test_none_that_is_too_large(echo):
    for cell in (ECHO.replace("echo", "big"), "%archive big", "%serve big", "%predict big 'x' * 70000"):
        outcome = echo.run(cell)
        assert outcome.ok, outcome.error
    outcome = echo.run("%archive big")
    assert outcome.ok, outcome.error
    assert echo.value(SAMPLE.replace("echo", "big")) is None
