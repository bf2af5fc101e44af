"""The two small programs of the benchmarks, compiled when they are older than their source."""

import subprocess
from pathlib import Path

from harness.processes import REPOSITORY

HERE = Path(__file__).parent
OUT = REPOSITORY / "build" / "bench-programs"


def build_probe() -> Path:
    include = subprocess.run(["pg_config", "--includedir"], capture_output=True, text=True,
                             check=True).stdout.strip()
    return _build("freshness_probe", [f"-I{include}", "-lpq"])


def build_baseline() -> Path:
    """Linked with the same DuckDB as Freshet."""
    include = REPOSITORY / "build" / "release" / "duckdb" / "include"
    library = _library()
    return _build("duckdb_baseline",
                  [f"-I{include}", str(library), f"-Wl,-rpath,{library.parent}"])


def _library() -> Path:
    cache = (REPOSITORY / "build" / "release" / "CMakeCache.txt").read_text()
    line = next(line for line in cache.splitlines() if line.startswith("DUCKDB_LIBRARY:"))
    return Path(line.split("=", 1)[1])


def _build(name: str, flags: list[str]) -> Path:
    source, program = HERE / f"{name}.cc", OUT / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        OUT.mkdir(parents=True, exist_ok=True)
        subprocess.run(["g++", "-std=c++20", "-O2", "-Wall", "-Wextra", str(source), "-o",
                        str(program), *flags], check=True)
    return program
