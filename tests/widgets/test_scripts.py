"""The front-end code: each module and the joined script parse, and its pure parts agree with Python."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tsnb import html
from tsnb.widgets import assets
from tsnb.widgets.card import Card
from tsnb.widgets.charts import Line, chart, markup, static
from tsnb.widgets.load_chart import LATENCY
from tsnb.widgets.load_test import LoadTest
from tsnb.widgets.models_table import Fleet
from tsnb.widgets.try_it import TryIt

MODULES = sorted(path.name for path in assets.FOLDER.glob("*.js"))
ENTRIES = ["card.js", "load_test.js", "models_table.js", "try_alone.js"]
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node to read JavaScript")


def node(tmp_path: Path, source: str, *flags: str) -> str:
    file = tmp_path / "code.mjs"
    file.write_text(source)
    done = subprocess.run(["node", *flags, str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_node
@pytest.mark.parametrize("name", MODULES)
def test_modules_parse(name: str, tmp_path: Path) -> None:
    node(tmp_path, (assets.FOLDER / name).read_text(), "--check")


@needs_node
@pytest.mark.parametrize("name", ENTRIES)
def test_the_joined_script_parses(name: str, tmp_path: Path) -> None:
    node(tmp_path, assets.script(name), "--check")


@pytest.mark.parametrize("name", ENTRIES)
def test_the_joined_script_stands_alone(name: str) -> None:
    script = assets.script(name)
    assert re.findall(r"^(?:import|export) .*", script, re.MULTILINE) == ["export default () => {"]
    without_comments = re.sub(r"(?<!:)//.*", "", script).replace("http://www.w3.org/2000/svg", "")
    assert "http" not in without_comments


def test_every_file_of_the_front_end_is_used() -> None:
    used = {
        name
        for name in MODULES
        for script in map(assets.script, ENTRIES)
        if (assets.FOLDER / name).read_text().splitlines()[0] in script
    }
    assert used == set(MODULES)


def test_no_name_from_a_model_is_read_as_html() -> None:
    for name in MODULES:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", (assets.FOLDER / name).read_text()
        )


def test_the_widgets_carry_their_code_and_style() -> None:
    for widget in (Card, Fleet, LoadTest, TryIt):
        assert "export default" in str(widget._esm)
        assert ".tsnb-scaler" in str(widget._css)
        assert html.STYLE in str(widget._css)


@needs_node
def test_sizes_are_written_as_in_python(tmp_path: Path) -> None:
    sizes = [0, 1, 999, 1000, 1040, 1234, 99_960, 999_900, 12_345_678, 1_500_000_000]
    script = assets.script("card.js") + f"\nconsole.log(JSON.stringify({sizes}.map(bytesText)));"
    assert json.loads(node(tmp_path, script)) == [html.bytes_text(size) for size in sizes]


@needs_node
def test_what_is_typed_is_json_or_text(tmp_path: Path) -> None:
    script = (
        assets.script("card.js")
        + """
console.log(JSON.stringify(['{"x": 1}', "3", "hello", ""].map(textType)));"""
    )
    text = "text/plain; charset=utf-8"
    assert json.loads(node(tmp_path, script)) == ["application/json", "application/json", text, text]


def test_a_saved_chart_can_be_read_where_style_sheets_are_taken_away() -> None:
    lines = [Line("p50", [0.001, 0.02]), Line("p99", [0.002, 0.05], 1)]
    written = static(chart(lines, [0.0, 1.0], [(0.0, "1")], "connections", LATENCY))
    assert '<svg width="420"' in written
    assert all(f'stroke="{colour}"' in written for colour in ("#2b7de9", "#d9631e", "#ccc"))


@needs_node
def test_a_chart_is_the_same_drawing_in_python_and_in_the_page(tmp_path: Path) -> None:
    """The page builds elements from the shape that Python writes as SVG: compared here as text."""
    drawn = chart([Line("p50", [0.001, 0.02, None])], [0.0, 0.5, 1.0], [(0.0, "1")], "connections", LATENCY)
    elements = """
const document = {
  createTextNode: (text) => ({ toString: () => text }),
  createElementNS: (_, name) => {
    const made = { attributes: "", children: [] };
    made.setAttribute = (key, value) => (made.attributes += ` ${key}="${value}"`);
    made.append = (...children) => made.children.push(...children);
    made.toString = () => `<${name}${made.attributes}>${made.children.join("")}</${name}>`;
    return made;
  },
};
"""
    script = elements + assets.script("card.js") + f"\nconsole.log(String(draw({json.dumps(drawn)})));"
    assert node(tmp_path, script).strip() == markup(drawn)
