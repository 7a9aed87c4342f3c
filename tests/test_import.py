"""Importing tsnb, and loading its magics, must cost next to nothing."""

import subprocess
import sys

HEAVY = ("torch", "numpy", "tornado", "jupyter_server", "httpx", "uvloop", "anywidget", "ipywidgets", "PIL")


def loaded_after(code):
    """Which heavy modules a fresh interpreter has after running some code."""
    script = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return result.stdout.split()


def test_import_tsnb_is_light():
    assert loaded_after("import tsnb") == []


def test_the_worker_loop_knows_no_server():
    modules = loaded_after("import tsnb.worker.loop")
    assert not {"tornado", "jupyter_server", "httpx", "uvloop", "anywidget"} & set(modules)


def test_the_server_never_imports_torch():
    assert "torch" not in loaded_after("import tsnb.engine.local, tsnb.cli.serve, tsnb.jupyter.extension")


def test_public_names_are_all_there():
    import tsnb

    for name in tsnb.__all__:
        assert getattr(tsnb, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    import tsnb

    try:
        tsnb.nonsense  # noqa: B018
    except AttributeError as error:
        assert "nonsense" in str(error)  # noqa: PT017
    else:
        raise AssertionError("no AttributeError")
