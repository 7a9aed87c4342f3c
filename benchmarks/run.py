"""``make bench``: measures tsnb beside its peers and writes RESULTS.md, results.json and results.svg."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from benchmarks import machine, plot, tables
from benchmarks.book import Book
from benchmarks.environments import NotInstalled
from benchmarks.peers import PEERS
from benchmarks.plan import Plan
from benchmarks.processes import prioritise
from benchmarks.rows import ROWS

HERE = Path(__file__).parent
QUICK_ROWS = ("echo", "mlp", "stream", "lone", "weights", "trivial", "archive", "notebook")
QUICK_PEERS = ("tsnb", "mosec", "torchserve", "litserve")
"""Those that start within seconds."""

GIGABYTE = 1 << 30


def main() -> int:
    """Measure, and write what was measured even when it is cut short."""
    plan, folder = _arguments()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if plan.nice:
        prioritise(os.getpid(), plan.nice)
    book = Book(facts=machine.facts() | {"Rounds": _rounds(plan), "Load average before (1 / 5 min)": machine.load()})
    plan = _installed(book, plan)
    try:
        for row in plan.rows:
            _measure(book, plan, row)
            _write(book, folder)
        for row in (row for row in ROWS if row not in plan.rows):
            book.note(row, "all", "not asked for in this run")
    finally:
        book.facts["Load average after (1 / 5 min)"] = machine.load()
        _write(book, folder)
    return 0


def _rounds(plan: Plan) -> str:
    said = f"{plan.rounds} alternating, {plan.seconds:g} s each; weights of {plan.gigabyte / 2**20:,.0f} MB"
    return f"{said}; priority {plan.nice}" if plan.nice else said


def _measure(book: Book, plan: Plan, row: str) -> None:
    if plan.late():
        book.note(row, "all", "the time was up")
        return
    try:
        ROWS[row](book, plan)
    except Exception as error:  # one row that fails must not lose the others
        book.note(row, "all", f"{type(error).__name__}: {error}")


def _installed(book: Book, plan: Plan) -> Plan:
    """The plan without the peers that cannot be had, which are noted; versions go into the facts."""
    found = []
    for name in plan.peers:
        try:
            versions = ", ".join(f"{package} {version}" for package, version in PEERS[name].versions().items())
            book.facts[PEERS[name].title] = f"{versions}; {PEERS[name].setting}"
            found.append(name)
        except NotInstalled as error:
            book.note("all", name, error)
    values = {field: getattr(plan, field) for field in plan.__dataclass_fields__}
    return Plan(**values | {"peers": tuple(found)})


def _write(book: Book, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    book.save(folder / "results.json")
    text = tables.document(book)
    if plot.draw(book, folder / "results.svg"):
        text = text.replace("\n\n## ", "\n\n![Requests per second](results.svg)\n\n## ", 1)
    (folder / "RESULTS.md").write_text(text)
    print(f"wrote {folder / 'RESULTS.md'}")


def _arguments() -> tuple[Plan, Path]:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="one round of a second each, small weights, under five minutes")
    add("--peers", help=f"comma-separated; default: {','.join(PEERS)}; quick: {','.join(QUICK_PEERS)}")
    add("--rows", help=f"comma-separated; default: {','.join(ROWS)}")
    add("--rounds", type=int, help="alternating rounds (default 3, quick 1)")
    add("--seconds", type=float, help="of each measurement (default 5, quick 1)")
    add("--connections", default="1,16,64", help="of wrk; default: %(default)s")
    add("--minutes", type=float, help="begin nothing new after so long (default 60, quick 4)")
    add("--nice", type=int, default=0, help="priority of what is measured, say -15 on a busy machine (root only)")
    add("--output", type=Path, default=None, help="folder for the results (default benchmarks/, quick: build/bench)")
    said = parser.parse_args()
    rows = tuple((said.rows or ",".join(QUICK_ROWS if said.quick else ROWS)).split(","))
    peers = tuple((said.peers or ",".join(QUICK_PEERS if said.quick else PEERS)).split(","))
    for name in (*(row for row in rows if row not in ROWS), *(peer for peer in peers if peer not in PEERS)):
        parser.error(f"{name!r} is no row ({', '.join(ROWS)}) and no peer ({', '.join(PEERS)})")
    plan = Plan(
        rows=rows,
        peers=peers,
        rounds=said.rounds or (1 if said.quick else 3),
        seconds=said.seconds or (1 if said.quick else 5),
        connections=tuple(int(number) for number in said.connections.split(",")),
        gigabyte=GIGABYTE // 8 if said.quick else GIGABYTE,
        quick=said.quick,
        nice=said.nice,
        end=time.monotonic() + 60 * (said.minutes or (4 if said.quick else 60)),
    )
    return plan, said.output or (HERE.parent / "build" / "bench" if said.quick else HERE)


if __name__ == "__main__":
    sys.exit(main())
