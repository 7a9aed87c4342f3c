"""The ``workflow`` part of a manifest."""

from __future__ import annotations

import json
import os


class Workflow:
    """What a manifest says of the workflow; both files are base names, and a handler need not be."""

    def __init__(self, workflow_name: str, spec_file: str, handler: str | None) -> None:
        said = {
            "workflowName": workflow_name,
            "specFile": os.path.basename(spec_file),
            "handler": os.path.basename(handler or ""),
        }
        self.workflow_dict = {name: value for name, value in said.items() if value}

    def __str__(self) -> str:
        return json.dumps(self.workflow_dict)
