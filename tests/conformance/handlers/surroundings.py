"""Tells where it runs: variables, folders, where modules come from."""

import os
import sys

NAMES = ("TS_DECODE_INPUT_REQUEST", "TS_IPEX_ENABLE", "TS_IPEX_GPU_ENABLE", "LOCAL_RANK", "WORLD_SIZE")


class Surroundings:
    def initialize(self, context):
        self.folder = context.system_properties["model_dir"]

    def handle(self, data, context):
        import beside  # a file of the archive
        import deep.below

        with open("note.txt") as file:  # relative to the model's folder
            note = file.read()
        here = os.path.realpath(self.folder)
        answer = {
            "mine": {name: value for name, value in sorted(os.environ.items()) if name.startswith("MY_")},
            "known": {name: os.environ.get(name) for name in NAMES},
            "here": os.path.realpath(os.getcwd()) == here,
            "first": os.path.realpath(sys.path[0]) == here or os.path.realpath(sys.path[1]) == here,
            "on PYTHONPATH": here in map(os.path.realpath, os.environ.get("PYTHONPATH", "").split(os.pathsep)),
            "beside": beside.__name__,
            "below": deep.below.VALUE,
            "note": note,
            "files": sorted(name for name in os.listdir(".") if not name.startswith("__")),
            "manifest": sorted(name for name in os.listdir("MAR-INF") if name != "tsnb.json"),
        }
        return [answer] * len(data)
