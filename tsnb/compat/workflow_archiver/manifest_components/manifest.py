"""The manifest as an object."""

from __future__ import annotations

import json
from datetime import datetime

from ..version import __version__
from .workflow import Workflow


class Manifest:
    """A manifest that is being made now; ``str`` gives the text."""

    def __init__(self, workflow: Workflow) -> None:
        self.creation_time = datetime.now().strftime("%d/%m/%Y %H:%M:%S")
        self.workflow = workflow
        self.archiver_version = __version__
        self.manifest_dict = {
            "createdOn": self.creation_time,
            "workflow": workflow.workflow_dict,
            "archiverVersion": __version__,
        }

    def __str__(self) -> str:
        return json.dumps(self.manifest_dict, indent=2)
