"""Where the microseconds of one echo request go: py-spy samples times the processor time per request.

``python -m benchmarks.profile [--py-spy PROGRAM] [--connections N] [--seconds S]``
prints, for the server and for its worker, the lines with the largest own time.
"""

from __future__ import annotations

import argparse
import collections
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.load import wrk
from benchmarks.peers import PEERS
from benchmarks.processes import prioritise, spent
from benchmarks.server import Server, scratch, started, until_it_answers
from benchmarks.tasks import inputs

RATE = 400
"""Samples per second."""


def main() -> int:
    """Profile ``tsnb serve`` under load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--py-spy", default=shutil.which("py-spy"), help="the program, as pip install py-spy makes it")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--task", default="echo")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--nice", type=int, default=0, help="priority, say -15 on a busy machine (root only)")
    said = parser.parse_args()
    if not said.py_spy:
        parser.error("py-spy is not on the path: pip install py-spy, or name it with --py-spy")
    with scratch() as folder, started(PEERS["tsnb"].launch(said.task, said.batch, 10, folder), folder) as server:
        body = PEERS["tsnb"].body(said.task, inputs.values(said.task)[0], said.batch)
        until_it_answers(server, body, inputs.content_type(said.task))
        if said.nice:
            prioritise(os.getpid(), said.nice)
            server.family.prioritise(said.nice)
        _profile(server, body, said, folder)
    return 0


def _profile(server: Server, body: bytes, said: argparse.Namespace, folder: Path) -> None:
    members = server.family.members()
    names = {members[0].pid: "server", members[-1].pid: "worker"}
    before = server.family.cpu_seconds()
    ask = partial(wrk, server.url, body, inputs.content_type(said.task), said.connections, said.seconds, {})
    plain = ask()
    after = server.family.cpu_seconds()
    spies = [_spy(said.py_spy, pid, said.seconds, folder / f"{pid}.txt") for pid in names]
    ask()
    for spy in spies:
        spy.wait(timeout=60)
    print(f"{plain['rate']:,.0f} requests/s, p50 {plain['p50']:.3f} ms at {said.connections} connections")
    for pid, name in names.items():
        each = spent({pid: before[pid]}, {pid: after[pid]}) / plain["requests"] * 1e6
        print(f"\n{name}: {each:.1f} µs of processor time per request")
        _show(folder / f"{pid}.txt", each, said.lines)


def _spy(program: str, pid: int, seconds: float, path: Path) -> subprocess.Popen[bytes]:
    # With --gil only: py-spy cannot always tell a waiting thread from a running one.
    command = [program, "record", "--gil", "-r", str(RATE), "-d", str(_length(seconds)), "-f", "raw", "-o", str(path)]
    return subprocess.Popen([*command, "-p", str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _length(seconds: float) -> int:
    return max(1, round(seconds) - 1)


def _show(path: Path, each: float, lines: int) -> None:
    """``each``: processor time per request in µs. The samples, all of code that held the interpreter, share it."""
    own: collections.Counter[str] = collections.Counter()
    total: collections.Counter[str] = collections.Counter()
    for line in path.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        own[frames[-1]] += int(count)
        for function in {frame.rpartition(":")[0] for frame in frames}:
            total[function] += int(count)
    sample = each / max(1, own.total())
    files: collections.Counter[str] = collections.Counter()
    for frame, samples in own.items():
        files[frame.partition("(")[2].partition(":")[0]] += samples
    print("  own time by file")
    for file, samples in files.most_common(12):
        print(f"    {samples * sample:6.2f} µs  {file}")
    print("  own time by line")
    for frame, samples in own.most_common(lines):
        print(f"    {samples * sample:6.2f} µs  {frame}")
    print("  total time by function")
    for frame, samples in total.most_common(lines):
        print(f"    {samples * sample:6.2f} µs  {frame}")


if __name__ == "__main__":
    sys.exit(main())
