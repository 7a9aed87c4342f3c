import zipfile

import pytest

from tsnb.archive.read import open_archive
from tsnb.errors import InvalidModel, NotFound


def mar(path, **files):
    """A zip with these members; ``manifest`` is the manifest's text."""
    with zipfile.ZipFile(path, "w") as target:
        for name, text in files.items():
            target.writestr("MAR-INF/MANIFEST.json" if name == "manifest" else name.replace("__", "."), text)
    return path


@pytest.mark.parametrize("name", ["greeter.mar", "greeter.tar.gz", "greeter"])
def test_looking_into_what_torch_model_archiver_made(made, source, name):
    found = open_archive(made / name)
    assert found.manifest.entry.model_name == "greeter"
    assert found.files["sub/deep.txt"] == 15
    assert found.config == {"minWorkers": 1, "maxWorkers": 1, "batchSize": 2, "greeter": {"language": "en"}}
    assert found.handler_source() == (source / "greeter.py").read_text()
    assert found.notes == ()
    assert found.provenance == {}
    assert "greeter 1.0" in repr(found)


def test_a_folder_that_holds_one_folder_means_that_one(made, tmp_path):
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "inner").symlink_to(made / "greeter")
    assert open_archive(tmp_path / "outer").manifest.entry.model_name == "greeter"


def test_links_out_of_a_folder_are_not_shown(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "model" / "h.py").write_text("")
    (tmp_path / "model" / "link").symlink_to(tmp_path / "secret")
    assert open_archive(tmp_path / "model").files == {"h.py": 0}


def test_missing_manifest_is_noted(tmp_path):
    found = open_archive(mar(tmp_path / "m.mar", h__py="x"))
    assert (found.manifest.runtime, found.manifest.version) == ("python", "1.0")
    assert "no MAR-INF/MANIFEST.json" in found.notes[0]


def test_missing_handler_is_tolerated(tmp_path):
    found = open_archive(mar(tmp_path / "m.mar", manifest='{"model": {"modelName": "m"}}'))
    assert found.manifest.entry.handler is None
    assert found.handler_source() is None


def test_missing_files_are_named(made, tmp_path):
    with pytest.raises(NotFound, match=r"nothere\.mar"):
        open_archive(tmp_path / "nothere.mar")
    with pytest.raises(NotFound, match=r"no file 'x\.py'.*greeter\.py"):
        open_archive(made / "greeter.mar").read("x.py")


def with_config(tmp_path, text):
    return open_archive(mar(tmp_path / "m.mar", manifest='{"model": {"configFile": "c.yaml"}}', c__yaml=text))


def test_invalid_yaml_is_ignored_with_a_note(tmp_path):
    found = with_config(tmp_path, "a: [1")
    assert found.config == {}
    assert "c.yaml is not valid YAML and was ignored" in found.notes[0]


def test_config_that_is_not_there_is_noted(tmp_path):
    found = open_archive(mar(tmp_path / "m.mar", manifest='{"model": {"configFile": "c.yaml"}}'))
    assert found.config == {}
    assert "c.yaml, which is not in the archive" in found.notes[0]


@pytest.mark.parametrize("text", ["", "# nothing", "- 1\n- 2", "just text"])
def test_config_without_settings_is_refused(tmp_path, text):
    with pytest.raises(InvalidModel, match=r"c\.yaml must hold settings"):
        _ = with_config(tmp_path, text).config


def test_yaml_cannot_make_objects_or_explode(tmp_path):
    assert with_config(tmp_path, "a: !!python/object/apply:os.getcwd []").config == {}
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(InvalidModel, match="more than 100000 values"):
        _ = with_config(tmp_path, "\n".join(lines)).config
    with pytest.raises(InvalidModel, match="more than 100000 values"):
        _ = with_config(tmp_path, "a: &a\n  b: *a").config


def test_config_must_lie_in_the_archive(tmp_path):
    found = open_archive(mar(tmp_path / "m.mar", manifest='{"model": {"configFile": "../../etc/passwd"}}'))
    assert found.config == {}
