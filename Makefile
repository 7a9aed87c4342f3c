# The words a person types. Each target makes .venv on first use, pinned by constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := -m pip --disable-pip-version-check --quiet
# By the environment, so that what builds the package is pinned, too (newer versions of pip look at the second).
PINNED := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt

.PHONY: demo test lab lint format notebooks screenshots labextension protos check-install conformance conformance-renew docs bench clean

$(STAMP): pyproject.toml constraints.txt tsnb/labextension/build.json hatch_build.py $(wildcard tsnb/speedups/*.pyx)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PINNED) $(BIN)/python $(PIP) install --editable '.[lab,test]'
	touch $@

demo: $(STAMP)  ## the main job, headless, on real data
	$(BIN)/python notebooks/demo.py

test: $(STAMP)  ## every test: units, real processes, notebooks, the browser
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lab: $(STAMP)  ## JupyterLab on the first notebook
	$(BIN)/jupyter lab notebooks/01_first_light.ipynb

lint: $(STAMP)  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: $(STAMP)  ## execute the notebooks again and keep their outputs
	$(BIN)/python notebooks/renew.py

screenshots: $(STAMP)  ## JupyterLab, light and dark, into docs/images
	$(BIN)/python tests/ui/screenshots.py
	$(BIN)/python -m tests.ui.lab_screenshots

labextension: $(STAMP)  ## the JupyterLab extension, from labextension/ into tsnb/labextension/ (needs node and npm)
	$(BIN)/python labextension/build.py

docs: $(STAMP)  ## pages that are made from the code
	$(BIN)/python docs/make_configuration.py

protos: $(STAMP)  ## the gRPC messages, from tsnb/rpc/protos/*.proto into their compiled form
	$(BIN)/python tests/rpc/compile.py

check-install: $(STAMP)  ## a wheel, installed into an environment of its own
	$(BIN)/python tests/check_install.py

clean:
	rm -rf $(VENV) build dist tsnb/speedups/*.so

TORCHSERVE := .venv-torchserve

$(TORCHSERVE)/.installed: tests/conformance/requirements.txt
	test -x $(TORCHSERVE)/bin/python || $(PYTHON) -m venv $(TORCHSERVE)
	$(TORCHSERVE)/bin/python $(PIP) install -r tests/conformance/requirements.txt
	touch $@

conformance: $(STAMP) $(TORCHSERVE)/.installed  ## the real TorchServe beside tsnb, both as recorded (needs Java 17)
	$(BIN)/python -m pytest tests/conformance $(ARGS)

conformance-renew: $(STAMP) $(TORCHSERVE)/.installed  ## record TorchServe's answers again (ARGS: names of tables)
	$(BIN)/python -m tests.conformance.renew $(ARGS)

bench: $(STAMP)  ## tsnb beside its peers, into benchmarks/RESULTS.md (ARGS=--quick: under five minutes)
	@command -v wrk >/dev/null || { echo "make bench needs wrk: apt-get install wrk, or brew install wrk"; exit 1; }
	$(BIN)/python -m benchmarks.run $(ARGS)
