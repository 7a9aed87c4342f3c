import json
import logging
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile

import pytest

import tsnb
from tsnb.archive.read import open_archive
from tsnb.archive.write import FORMATS, archive
from tsnb.errors import BadRequest, Conflict, InvalidModel, NotFound, UnsafeArchive

INDEX = "MAR-INF/tsnb.json"


def greeter(source, folder, **options):
    """The archive that the fixtures hold, made by tsnb."""
    arguments = {
        "version": "1.0",
        "handler": source / "greeter:handle",
        "extra_files": source / "extra",
        "requirements_file": source / "requirements.txt",
        "config_file": source / "model-config.yaml",
        "export_path": folder,
    }
    return archive("greeter", **(arguments | options))


@pytest.mark.parametrize("archive_format", FORMATS)
def test_every_format_can_be_read_again(source, tmp_path, weights, archive_format):
    path = greeter(source, tmp_path, archive_format=archive_format, serialized_file=weights, provenance={"cell": 7})
    found = open_archive(path)
    assert found.manifest.entry.serialized_file == "net.pt"
    assert found.read("net.pt") == weights.read_bytes()
    assert found.read("sub/deep.txt") == b"one level down\n"
    assert found.handler_source() == (source / "greeter.py").read_text()
    assert found.config["greeter"] == {"language": "en"}
    assert found.requirements == "# nothing to install\n"
    assert found.provenance == {"cell": 7}
    index = json.loads(found.read(INDEX))
    assert {name: facts["sha256"] for name, facts in index["files"].items()} == {
        name: digest for name, digest in found.digests().items() if not name.startswith("MAR-INF/")
    }


@pytest.mark.parametrize(
    ("archive_format", "theirs"), [("default", "greeter.mar"), ("tgz", "greeter.tar.gz"), ("no-archive", "greeter")]
)
def test_same_files_and_manifest_as_torch_model_archiver(source, tmp_path, made, archive_format, theirs):
    ours, other = open_archive(greeter(source, tmp_path, archive_format=archive_format)), open_archive(made / theirs)
    assert ours.files.keys() - other.files.keys() == {INDEX}
    assert other.files.keys() <= ours.files.keys()
    assert ours.manifest.raw | {"createdOn": ""} == other.manifest.raw | {"createdOn": ""}
    assert list(ours.manifest.raw["model"]) == list(other.manifest.raw["model"])


@pytest.mark.torchserve
@pytest.mark.skipif(not shutil.which("torch-model-archiver"), reason="torch-model-archiver is not installed")
@pytest.mark.parametrize("archive_format", FORMATS)
def test_beside_the_real_archiver(source, tmp_path, weights, archive_format):
    (tmp_path / "theirs").mkdir()
    command = ["torch-model-archiver", "--model-name", "greeter", "--version", "1.0", "--handler", "greeter:handle"]
    command += [
        "--extra-files",
        "extra",
        "--requirements-file",
        "requirements.txt",
        "--config-file",
        "model-config.yaml",
    ]
    command += ["--serialized-file", str(weights), "--archive-format", archive_format]
    subprocess.run([*command, "--export-path", str(tmp_path / "theirs")], cwd=source, check=True)
    ours = greeter(source, tmp_path, archive_format=archive_format, serialized_file=weights)
    mine, other = open_archive(ours).digests(), open_archive(tmp_path / "theirs" / ours.name).digests()
    for digests in (mine, other):
        digests.pop(INDEX, None)
        digests.pop("MAR-INF/MANIFEST.json")
    assert mine == other


def test_weights_are_stored_and_text_is_deflated(source, tmp_path, weights):
    small = tmp_path / "tiny.safetensors"
    small.write_bytes(b"0" * 1000)
    path = greeter(source, tmp_path, serialized_file=weights, extra_files=[source / "extra", small])
    with zipfile.ZipFile(path) as mar:
        methods = {info.filename: info.compress_type for info in mar.infolist()}
        assert all(not info.flag_bits & 8 for info in mar.infolist()), (
            "Java cannot stream stored entries with descriptors"
        )
    assert methods["net.pt"] == methods["tiny.safetensors"] == zipfile.ZIP_STORED
    assert methods["greeter.py"] == methods["MAR-INF/MANIFEST.json"] == zipfile.ZIP_DEFLATED


def test_zip_store_compresses_nothing(source, tmp_path):
    with zipfile.ZipFile(greeter(source, tmp_path, archive_format="zip-store")) as mar:
        assert {info.compress_type for info in mar.infolist()} == {zipfile.ZIP_STORED}


def test_order_is_manifest_then_names_then_index(source, tmp_path):
    with zipfile.ZipFile(greeter(source, tmp_path)) as mar:
        names = mar.namelist()
    assert names[0] == "MAR-INF/MANIFEST.json"
    assert names[-1] == INDEX
    assert names[1:-1] == sorted(names[1:-1])


def test_tgz_lies_below_one_folder(source, tmp_path):
    with tarfile.open(greeter(source, tmp_path, archive_format="tgz")) as tar:
        assert all(name.startswith("greeter/") for name in tar.getnames())


@pytest.mark.parametrize(
    ("handler", "named"),
    [
        ("greeter", "greeter"),
        ("greeter.py", "greeter.py"),
        ("greeter:handle", "greeter:handle"),
        ("greeter.py:handle", "greeter.py:handle"),
    ],
)
def test_ways_to_name_a_handler(source, tmp_path, handler, named):
    found = open_archive(archive("m", version="1", handler=source / handler, export_path=tmp_path))
    assert found.manifest.entry.handler == named
    assert found.handler_file() == "greeter.py"


def test_default_handlers_are_not_copied(tmp_path):
    found = open_archive(archive("m", version="1", handler="image_classifier", export_path=tmp_path))
    assert set(found.files) == {"MAR-INF/MANIFEST.json", INDEX}
    assert found.handler_source() is None


def test_lsp_handlers(tmp_path):
    (tmp_path / "mine.so").write_bytes(b"")
    found = open_archive(archive("a", version="1", handler="TorchScriptHandler", runtime="LSP", export_path=tmp_path))
    assert "TorchScriptHandler.so" not in found.files
    found = open_archive(archive("b", version="1", handler=tmp_path / "mine", runtime="LSP", export_path=tmp_path))
    assert "mine.so" in found.files


def test_extra_files_by_comma_wildcard_and_list(source, tmp_path, caplog):
    tree = tmp_path / "tree"
    for name in (".hidden/a", "__pycache__/b.pyc", "MAR-INF/MANIFEST.json", "keep/.dotfile", "keep/c", "d.txt"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    extra = f"{tree},{source}/requ*.txt, {tmp_path}/nothing*"
    with caplog.at_level(logging.WARNING):
        path = archive("m", version="1", handler=source / "greeter.py", extra_files=extra, export_path=tmp_path)
    taken = {name for name in open_archive(path).files if not name.startswith("MAR-INF/")}
    assert taken == {"greeter.py", "requirements.txt", "keep/.dotfile", "keep/c", "d.txt"}
    assert "Given wildcard pattern did not match any file" in caplog.text
    again = archive(
        "n",
        version="1",
        handler=source / "greeter.py",
        extra_files=[tree / "d.txt", str(tree / "keep")],
        export_path=tmp_path,
    )
    assert {"d.txt", "c"} <= open_archive(again).files.keys()


def test_links_to_folders_are_followed_without_end(source, tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").write_text("a")
    (tmp_path / "tree" / "loop").symlink_to(tmp_path / "tree")
    found = open_archive(
        archive("m", version="1", handler=source / "greeter", extra_files=tmp_path / "tree", export_path=tmp_path)
    )
    assert "a" in found.files


def test_same_file_named_twice_is_no_conflict(source, tmp_path):
    path = archive("m", version="1", handler=source / "greeter", extra_files=source, export_path=tmp_path)
    assert "greeter.py" in open_archive(path).files


def test_two_files_of_one_name_are_both_named(source, tmp_path):
    (tmp_path / "greeter.py").write_text("other")
    with pytest.raises(Conflict) as error:
        archive("m", version="1", handler=source / "greeter", extra_files=tmp_path / "greeter.py", export_path=tmp_path)
    assert str(source / "greeter.py") in error.value.message
    assert str(tmp_path / "greeter.py") in error.value.message


def test_names_that_differ_in_case_only_are_refused(source, tmp_path):
    (tmp_path / "Greeter.PY").write_text("other")
    with pytest.raises(UnsafeArchive, match=r"Greeter\.PY"):
        archive("m", version="1", handler=source / "greeter", extra_files=tmp_path / "Greeter.PY", export_path=tmp_path)


@pytest.mark.parametrize("name", ["", "-m", "a/b", "a b", "m\n", "ä", "../m"])
def test_model_names_must_match_as_a_whole(source, tmp_path, name):
    with pytest.raises(BadRequest, match="Model name contains special characters"):
        archive(name, version="1", handler=source / "greeter", export_path=tmp_path)


def test_what_is_missing_is_named(source, tmp_path):
    with pytest.raises(NotFound, match=r"nobody\.py.*base_handler"):
        archive("m", version="1", handler="nobody", export_path=tmp_path)
    for option in ("serialized_file", "model_file", "requirements_file", "config_file", "extra_files"):
        with pytest.raises(NotFound, match=r"File does not exist: .*nothere"):
            archive(
                "m",
                version="1",
                handler=source / "greeter",
                export_path=tmp_path,
                **{option: str(tmp_path / "nothere")},
            )
    assert list(tmp_path.iterdir()) == []


def test_choices_are_listed(source, tmp_path):
    with pytest.raises(BadRequest, match=r"Invalid RuntimeType value: java\. Choose from python, python3, LSP"):
        archive("m", version="1", handler=source / "greeter", runtime="java", export_path=tmp_path)
    with pytest.raises(BadRequest, match="zip-store"):
        archive("m", version="1", handler=source / "greeter", archive_format="rar", export_path=tmp_path)
    with pytest.raises(BadRequest, match="is not a directory"):
        archive("m", version="1", handler=source / "greeter", export_path=source / "greeter.py")


def test_export_path_is_made(source, tmp_path):
    assert greeter(source, tmp_path / "new" / "folder").is_file()


def test_config_that_cannot_be_registered_is_refused_at_once(source, tmp_path, caplog):
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(InvalidModel, match="holds nothing"):
        greeter(source, tmp_path, config_file=tmp_path / "empty.yaml")
    (tmp_path / "odd.yaml").write_text("a: [")
    greeter(source, tmp_path, config_file=tmp_path / "odd.yaml")
    assert "not valid YAML" in caplog.text


def test_provenance_must_be_json(source, tmp_path):
    with pytest.raises(BadRequest, match="provenance"):
        greeter(source, tmp_path, provenance={"model": object()})


@pytest.mark.parametrize("archive_format", FORMATS)
def test_existing_archive_needs_force(source, tmp_path, archive_format):
    path = greeter(source, tmp_path, archive_format=archive_format)
    with pytest.raises(Conflict, match="already exists") as error:
        greeter(source, tmp_path, archive_format=archive_format)
    assert "--force" in error.value.message
    again = greeter(source, tmp_path, archive_format=archive_format, version="2.0", force=True)
    assert again == path
    assert open_archive(path).manifest.version == "2.0"
    assert list(tmp_path.iterdir()) == [path], "nothing else is left"


def test_force_removes_no_folder_it_did_not_make(source, tmp_path):
    mine = tmp_path / "greeter"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(Conflict, match="not one this archiver made"):
        greeter(source, tmp_path, archive_format="no-archive", force=True)
    assert (mine / "thesis.txt").exists()


def test_force_does_not_overwrite_what_it_archives(source, tmp_path):
    path = greeter(source, tmp_path, archive_format="no-archive")
    with pytest.raises(Conflict, match="is being archived"):
        archive(
            "greeter",
            version="2",
            handler=path / "greeter.py",
            archive_format="no-archive",
            export_path=tmp_path,
            force=True,
        )
    assert open_archive(path).manifest.version == "1.0"


def test_older_archive_in_an_extra_folder_is_left_out(source, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    for _ in range(2):
        path = archive(
            "m", version="1", handler=source / "greeter", extra_files=tmp_path, export_path=tmp_path, force=True
        )
    assert "a.txt" in open_archive(path).files
    assert "m.mar" not in open_archive(path).files


def test_temporary_folder_of_the_same_name_survives(source, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "greeter").mkdir()
    greeter(source, tmp_path / "out")
    assert (tmp_path / "greeter").is_dir()


def test_pipes_are_not_archived(source, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotFound, match="pipe"):
        archive(
            "m", version="1", handler=source / "greeter", extra_files=tmp_path / "pipe", export_path=tmp_path / "out"
        )


def test_members_are_plain_readable_files(source, tmp_path):
    with zipfile.ZipFile(greeter(source, tmp_path)) as mar:
        assert all(stat.S_ISREG(info.external_attr >> 16) for info in mar.infolist())


def test_package_and_function_share_a_name(source, tmp_path):
    assert tsnb.open_archive(tsnb.archive("m", version="1", handler=source / "greeter", export_path=tmp_path)).files
