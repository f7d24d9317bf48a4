"""Seconds and memory of `glioscope run` on one exam: the whole, and each stage.

    python benchmarks/whole_run.py EXAM [--repeat 3]

Memory is the sum of the resident sets of all processes of the run, polled ten times a second (Linux): pages that they share
are counted once for each, so the figure is an upper bound.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def session_memory(session: int) -> int:
    """Resident bytes of all processes whose session is `session`."""
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total


def timed_run(exam: Path, out: Path) -> tuple[float, float, dict[str, float]]:
    """Wall seconds, peak GB and seconds a step of one run."""
    command = [sys.executable, "-m", "glioscope", "run", str(exam), str(out), "--json"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, text=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, session_memory(process.pid))
        time.sleep(0.1)
    wall = time.perf_counter() - started
    assert process.stdout is not None
    (outcome,) = json.loads(process.stdout.read())["exams"]
    if outcome["status"] == "failed":
        sys.exit(outcome["error"])
    return wall, peak / 1e9, outcome["seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exam", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()

    runs = []
    for _ in range(arguments.repeat):
        with tempfile.TemporaryDirectory() as out:
            runs.append(timed_run(arguments.exam, Path(out)))
    walls = [run[0] for run in runs]
    print(f"{os.cpu_count()} cores, {arguments.repeat} runs")
    print(f"wall   {statistics.median(walls):6.1f} s   ({min(walls):.1f} to {max(walls):.1f})")
    print(f"memory {max(run[1] for run in runs):6.2f} GB")
    for step in runs[0][2]:
        print(f"  {step:<28} {statistics.median(run[2][step] for run in runs):6.2f} s")


if __name__ == "__main__":
    main()
