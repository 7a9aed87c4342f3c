"""What was measured: samples, and notes on what could not be."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """One measurement: a row of the issue, a case of it, whose it is and with which setting."""

    row: str
    case: str
    subject: str
    setting: str
    values: dict[str, float]


@dataclass(frozen=True)
class Note:
    """Why something is not in a table."""

    row: str
    subject: str
    text: str


@dataclass
class Book:
    """Everything of one run."""

    samples: list[Sample] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def add(self, row: str, case: str, subject: str, setting: str = "", **values: float) -> None:
        """Note a measurement, and show it."""
        self.samples.append(Sample(row, case, subject, setting, values))
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        print(f"{time.strftime('%H:%M:%S')} {row:9} {case:28} {subject:11} {setting:9} {shown}", flush=True)

    def note(self, row: str, subject: str, text: object) -> None:
        """Note why something was not measured, and show it."""
        line = " ".join(str(text).split())
        self.notes.append(Note(row, subject, line))
        print(f"{time.strftime('%H:%M:%S')} {row:9} {subject}: {line}", flush=True)

    def rows(self) -> list[str]:
        """The rows with samples, in order."""
        return list(dict.fromkeys(sample.row for sample in self.samples))

    def cases(self, row: str) -> list[str]:
        """The cases of a row, in order."""
        return list(dict.fromkeys(sample.case for sample in self.samples if sample.row == row))

    def subjects(self, row: str, case: str | None = None) -> list[str]:
        """Who was measured in a row, in order."""
        found = (s.subject for s in self.samples if s.row == row and case in (None, s.case))
        return list(dict.fromkeys(found))

    def of(self, row: str, case: str, subject: str) -> list[Sample]:
        """The samples of one cell."""
        return [s for s in self.samples if (s.row, s.case, s.subject) == (row, case, subject)]

    def median(self, row: str, case: str, subject: str, name: str) -> float | None:
        """The median over the rounds, None where there is nothing."""
        values = [s.values[name] for s in self.of(row, case, subject) if name in s.values]
        return statistics.median(values) if values else None

    def save(self, path: Path) -> None:
        """Write it all as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Book:
        """Read what :meth:`save` wrote."""
        raw = json.loads(path.read_text())
        return cls([Sample(**s) for s in raw["samples"]], [Note(**n) for n in raw["notes"]], raw["facts"])
