"""The archivers: odd corners of the commands, and what scripts import from them (spec 5.3, 8.5).

Everyday command lines of ``torch-model-archiver`` are in :mod:`tests.cli.archiver_table`.
"""

from tests.conformance.case import Cases
from tests.conformance.steps import Archiver, Script

cases = Cases("archivers", house="handlers")
M = ("--model-name", "m", "--version", "1.0")
H = (*M, "--handler", "h.py")
W = ("--workflow-name", "w", "--spec-file", "spec.yaml", "--handler", "h.py")


def model(name: str, *lines: tuple[str, ...], differs: str = "") -> None:
    cases.add(f"model: {name}", Archiver("model", lines), differs=differs)


def workflow(name: str, *lines: tuple[str, ...], differs: str = "") -> None:
    cases.add(f"workflow: {name}", Archiver("workflow", lines), differs=differs)


model("a function of a file with its suffix", (*M, "--handler", "h.py:handle"), differs="`--handler h.py:fn`")
model("an export path that is not there", (*H, "--export-path", "out/new"), differs="A missing `--export-path`")
model("a blank after the comma", (*H, "--extra-files", "one.txt, two.txt"), differs="A blank after the comma")
model("two files of a name", (*H, "--extra-files", "one.txt,other/one.txt"), differs="Two files of one name")
model("a name with a line break at its end", ("--model-name", "m\n", *H[2:]), differs="A model name may end")
model("a folder is there, force", (*H, "--archive-format", "no-archive"), (*H, "--archive-format", "no-archive", "-f"))
model("a tgz is there, force", (*H, "--archive-format", "tgz"), (*H, "--archive-format", "tgz", "--force"))
model("a folder with a slash", (*H, "--extra-files", "extra/"))
model("a folder in a folder", (*H, "--extra-files", "extra/deep,one.txt"))
model("an empty item of extra files", (*H, "--extra-files", "one.txt,"))
model("the same flag twice", (*H, "--handler", "sub/h2.py"))
model("an empty handler", (*M, "--handler", ""), differs="An empty `--handler`")
model("a handler that is a folder", (*M, "--handler", "sub"))
model("a default handler with a function", (*M, "--handler", "image_classifier:handle"))
model("a default handler of the other runtime", (*M, "--handler", "image_classifier", "--runtime", "LSP"))
model("an empty name", ("--model-name", "", *H[2:]))
model("a name of dots", ("--model-name", "m..", *H[2:]))
model("requirements under another name", (*H, "--requirements-file", "one.txt"))
model("a config that holds no keys", (*H, "--config-file", "one.txt"), differs="An empty or list-shaped")
model("a config and the same among extra files", (*H, "-c", "model-config.yaml", "--extra-files", "model-config.yaml"))

workflow("least", W)
workflow("every flag", (*W, "--export-path", "out", "-f", "--extra-files", "one.txt,two.txt"))
workflow("no handler", W[:4], differs="The archiver fails without `--handler`")
workflow("no spec", (*W[:2], "--handler", "h.py"))
workflow("no name", W[2:])
workflow("nothing", ())
workflow("help", ("--help",))
workflow("an unknown flag", (*W, "--version", "1"))
workflow("a bad name", ("--workflow-name", "a b", *W[2:]))
workflow("a spec that is not there", (*W[:2], "--spec-file", "nowhere.yaml", *W[4:]))
workflow("a handler that is not there", (*W[:4], "--handler", "nowhere.py"))
workflow("an extra file that is not there", (*W, "--extra-files", "nowhere.txt"))
workflow("an export path that is not there", (*W, "--export-path", "nowhere"))
workflow("an export path that is a file", (*W, "--export-path", "one.txt"))
workflow("it is there", W, W)
workflow("it is there, force", W, (*W, "--force", "--extra-files", "one.txt"))
workflow("a wildcard", (*W, "--extra-files", "*.txt"), differs="The workflow archiver takes files")
workflow("a folder", (*W, "--extra-files", "extra"), differs="The workflow archiver takes files")
workflow("a spec that is no YAML", (*W[:2], "--spec-file", "broken.yaml", *W[4:]))
workflow("a spec of another suffix", (*W[:2], "--spec-file", "one.txt", *W[4:]))
workflow("abbreviated flags", ("--workflow", "w", "--spec", "spec.yaml", "--hand", "h.py"))

FILES = """
from pathlib import Path
import zipfile

Path("h.py").write_text("def handle(data, context): return data")
Path("w.pt").write_text("weights")
Path("spec.yaml").write_text("dag: {first: [last]}")
Path("more").mkdir(exist_ok=True)
Path("more/a.txt").write_text("a")


def show(path):
    with zipfile.ZipFile(path) as found:
        names = sorted(name for name in found.namelist() if "tsnb" not in name)
        manifest = json.loads(found.read(next(name for name in names if name.endswith("MANIFEST.json"))))
    print(json.dumps([names, {name: manifest[name] for name in ("runtime", "model", "workflow") if name in manifest}]))
    Path(path).unlink()


"""


def script(name: str, code: str) -> None:
    cases.add(f"script: {name}", Script(FILES + code))


script(
    "an archive from a config",
    """
from model_archiver import ModelArchiver, ModelArchiverConfig

config = ModelArchiverConfig("m", "h.py", "1.0", serialized_file="w.pt", extra_files="more", export_path=".")
print(json.dumps(ModelArchiver.generate_model_archive(config)))
show("m.mar")
""",
)
script(
    "an archive from the module",
    """
from model_archiver.model_archiver_config import ModelArchiverConfig
from model_archiver.model_packaging import generate_model_archive

config = ModelArchiverConfig(model_name="m", handler="h", version="2", serialized_file="w.pt", force=True)
config.export_path = "."
for _ in range(2):
    print(json.dumps(generate_model_archive(config=config)))
show("m.mar")
""",
)
script(
    "a parser that is replaced",
    """
from unittest.mock import patch
from model_archiver.arg_parser import ArgParser
from model_archiver.model_archiver_config import ModelArchiverConfig
from model_archiver import model_packaging

config = ModelArchiverConfig("m", "base_handler", "1", serialized_file="w.pt", export_path=".")
with patch.object(ArgParser, "export_model_args_parser", return_value=config):
    model_packaging.generate_model_archive()
show("m.mar")
""",
)
script(
    "the fields of a config",
    """
from argparse import Namespace
from dataclasses import asdict
from model_archiver.model_archiver_config import ModelArchiverConfig

plain = asdict(ModelArchiverConfig("m", "h", "1"))
print(json.dumps({name: value for name, value in plain.items() if name != "export_path"}))
print(json.dumps(asdict(ModelArchiverConfig.from_args(Namespace(**plain))) == plain))
""",
)
script(
    "what an archiver raises",
    """
from model_archiver import ModelArchiver, ModelArchiverConfig
from model_archiver.model_archiver_error import ModelArchiverError

wrong = {"model_name": "a b", "export_path": "h.py", "handler": "n.py", "serialized_file": "n.pt", "extra_files": "n"}
for name, value in wrong.items():
    more = {name: value}
    config = ModelArchiverConfig(**{"model_name": "m", "handler": "h.py", "version": "1", "export_path": ".", **more})
    try:
        ModelArchiver.generate_model_archive(config)
    except (ModelArchiverError, FileNotFoundError) as error:
        print(json.dumps([type(error).__name__, next(iter(more))]))
Path("m.mar").write_text("")
try:
    ModelArchiver.generate_model_archive(ModelArchiverConfig("m", "h.py", "1", export_path="."))
except ModelArchiverError as error:
    print(json.dumps(str(error).splitlines()[0].endswith("m.mar already exists.")))
Path("m.mar").unlink()
""",
)
script(
    "command lines of the model archiver",
    """
from model_archiver.arg_parser import ArgParser
from model_archiver.model_packaging import generate_model_archive

sys.argv = ["torch-model-archiver", "--model-name", "m", "--version", "1", "--handler", "h.py", "--export-path", "."]
found = ArgParser.export_model_args_parser()
print(json.dumps([type(found).__name__, found.model_name, found.force, found.extra_files, found.archive_format]))
generate_model_archive()
show("m.mar")
""",
)
script(
    "a workflow archive from the module",
    """
from workflow_archiver.arg_parser import ArgParser
from workflow_archiver.workflow_packaging import generate_workflow_archive, package_workflow
from workflow_archiver.workflow_packaging_utils import WorkflowExportUtils

line = ["--workflow-name", "w", "--spec-file", "spec.yaml", "--handler", "h.py", "--export-path", "."]
args = ArgParser.workflow_archiver_args_parser().parse_args(line)
print(json.dumps([args.workflow_name, args.force, args.extra_files]))
package_workflow(args, manifest=WorkflowExportUtils.generate_manifest_json(args))
show("w.war")
sys.argv = ["torch-workflow-archiver", *line]
generate_workflow_archive()
show("w.war")
""",
)
script(
    "a workflow archive that is refused",
    """
from workflow_archiver.workflow_packaging import generate_workflow_archive

sys.argv = ["torch-workflow-archiver", "--workflow-name", "a b", "--spec-file", "spec.yaml", "--handler", "h.py"]
try:
    generate_workflow_archive()
except SystemExit as error:
    print(json.dumps(error.code))
""",
)
script(
    "a workflow archive in two steps",
    """
from argparse import Namespace
from workflow_archiver.workflow_packaging_utils import MANIFEST_FILE_NAME, WAR_INF, WorkflowExportUtils as Utils

Path("deep/__pycache__").mkdir(parents=True, exist_ok=True)
Path("deep/__pycache__/c.pyc").write_text("")
folder = Utils.copy_artifacts("w", ["spec.yaml", "h.py", "more/a.txt,w.pt"])
print(json.dumps(sorted(path.name for path in Path(folder).iterdir())))
text = Utils.generate_manifest_json(Namespace(workflow_name="w", spec_file="a/spec.yaml", handler="h.py"))
Utils.archive(".", "w", folder, text)
show("w.war")
print(json.dumps([WAR_INF, MANIFEST_FILE_NAME, Utils.get_archive_export_path("x", "w")]))
print(json.dumps([Utils.directory_filter(name, {"__pycache__"}) for name in ("a", ".git", "__pycache__")]))
print(json.dumps([Utils.file_filter(name, {"b"}) for name in ("a", "b", "x.war", "y.pyc", "MANIFEST.json")]))
Utils.make_dir("made")
Path("made/file").write_text("")
Utils.clean_temp_files(["made/file"])
print(json.dumps([Path("made").is_dir(), Path("made/file").exists()]))
""",
)
