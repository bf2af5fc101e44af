"""Figures, their goals, and how they are shown."""

import dataclasses
import json
import os
import platform
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Figure:
    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    rounds: list[float] = field(default_factory=list)
    details: dict = field(default_factory=dict)

    @property
    def goal(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {self.unit}".strip()
        if self.at_most is not None:
            return f"≤ {self.at_most:g} {self.unit}".strip()
        return "report"

    @property
    def verdict(self) -> str:
        if self.at_least is None and self.at_most is None:
            return ""
        good = (self.at_least is None or self.value >= self.at_least) and \
            (self.at_most is None or self.value <= self.at_most)
        return "pass" if good else "MISSED"

    def as_json(self) -> dict:
        return {**dataclasses.asdict(self), "goal": self.goal, "verdict": self.verdict}


def short(value: float, unit: str = "") -> str:
    if abs(value) >= 1e6:
        text = f"{value / 1e6:.2f} M"
    elif abs(value) >= 1e4:
        text = f"{value / 1e3:.0f} k"
    elif abs(value) >= 100:
        text = f"{value:.0f}"
    else:
        text = f"{value:.3g}"
    return f"{text} {unit}".strip()


def table(figures: list[Figure]) -> str:
    """As Markdown, so that it can go into the README as it is."""
    rows = [("figure", "measured", "goal", "")]
    rows += [(f.name, short(f.value, f.unit), f.goal, f.verdict) for f in figures]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
             for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|",
                      *lines[1:]])


def machine() -> dict:
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), platform.machine())
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo", encoding="ascii")
                  if line.startswith("MemTotal"))
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gib": round(memory / 2**20, 1),
            "kernel": platform.release(), "load_at_start": os.getloadavg()[0]}


def first_line(command: list) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def write_json(path: Path, about: dict, figures: list[Figure]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, "figures": [f.as_json() for f in figures]}, indent=2) + "\n")
