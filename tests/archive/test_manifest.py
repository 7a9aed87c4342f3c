import json
from datetime import datetime

import pytest

from tsnb.archive.manifest import Model, encode, from_dict, new, parse
from tsnb.errors import InvalidModel


def test_reads_what_torch_model_archiver_wrote(made):
    manifest = parse((made / "greeter" / "MAR-INF" / "MANIFEST.json").read_bytes())
    assert manifest.runtime == "python"
    assert manifest.archiver_version == "0.12.0"
    assert manifest.entry.handler == "greeter:handle"
    assert manifest.entry.files == {"requirementsFile": "requirements.txt", "configFile": "model-config.yaml"}


def test_writes_it_back_byte_for_byte(made):
    data = (made / "greeter" / "MAR-INF" / "MANIFEST.json").read_bytes()
    assert encode(parse(data)) == data


def test_new_manifest_has_the_date_and_order_of_torch_model_archiver():
    model = Model(model_name="m", handler="h", model_version="1.0", config_file="c.yaml")
    text = encode(new(model, "python", datetime(2024, 2, 1, 13, 5, 9))).decode()
    assert '"createdOn": "01/02/2024 13:05:09"' in text
    assert list(json.loads(text)) == ["createdOn", "runtime", "model", "archiverVersion"]
    assert list(json.loads(text)["model"]) == ["modelName", "handler", "modelVersion", "configFile"]


def test_unknown_and_older_keys_survive():
    raw = {
        "specificationVersion": "1.0",
        "modelServerVersion": "1.1",
        "runtime": "python",
        "model": {"modelName": "old", "handler": "h", "sourceVocab": "v.pt", "version": "2.0"},
    }
    manifest = from_dict(raw)
    assert manifest.version == "2.0"
    assert json.loads(encode(manifest)) == raw


def test_numbers_are_taken_as_spelled():
    assert parse('{"model": {"modelVersion": 1.10}}').version == "1.10"


def test_nothing_said_means_python_and_version_1():
    assert (from_dict({}).runtime, from_dict({}).version) == ("python", "1.0")
    assert parse('{"runtime": null, "model": null}').entry == Model()


@pytest.mark.parametrize(
    "broken",
    [b"{", b"[]", b'"text"', b"\xff\xfe\x00", b'{"model": []}', b'{"model": {"handler": {}}}', b"[" * 100_000, b""],
)
def test_broken_manifest_names_torchserves_error_and_the_remedy(broken):
    with pytest.raises(InvalidModel, match=r"^Failed to parse signature\.json\. .*Archive the model again"):
        parse(broken)
