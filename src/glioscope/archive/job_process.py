"""The process of a job. It is run as a script of its own, and imports the standard library only, so that it starts at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["work"]


def work(folder: Path, lock: int) -> dict[str, Any]:
    """Run the commands of `folder/job.json` until one fails, and write how it ended to `folder/outcome.json`.

    Args:
        folder: Of the round.
        lock: Descriptor of the file lock that says that the job lives; every command inherits it.
    """
    job: dict[str, Any] = json.loads((folder / "job.json").read_bytes())
    outcome: dict[str, Any] = {"exit_code": 0, "reason": ""}
    for command in job["commands"]:
        outcome = _run([_filled(word, folder) for word in command], folder, lock, float(job["limit"]))
        if outcome["exit_code"]:
            break
    scratch = folder / ".outcome.part.json"
    with scratch.open("w") as stream:
        json.dump(outcome, stream)
        stream.flush()
        os.fsync(stream.fileno())
    scratch.replace(folder / "outcome.json")
    return outcome


def _filled(word: str, folder: Path) -> str:
    places = {"{study}": folder / "exam", "{out}": folder / "results", "{key}": folder.parent.parent.name}
    for place, value in places.items():
        word = word.replace(place, str(value))
    return word


def _run(words: list[str], folder: Path, lock: int, limit: float) -> dict[str, Any]:
    name = Path(words[0]).name
    with (folder / "log.txt").open("ab") as log:
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=(lock,),
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"exit_code": 1, "reason": f"It was stopped after {limit:g} s."}
        except OSError as error:
            return {"exit_code": 1, "reason": f"The command '{name}' cannot be run ({error.strerror})."}
        log.write(done.stdout)
    said = "" if done.returncode == 0 else _sentence(done.stdout) or f"The command '{name}' ended with {done.returncode}."
    return {"exit_code": done.returncode, "reason": said}


def _sentence(said: bytes) -> str | None:
    """The sentence in what a command of ours printed with --json."""
    try:
        document = json.loads(said)
        failed = document if "error" in document else next(exam for exam in document["exams"] if "error" in exam)
        return str(failed["error"])
    except (ValueError, KeyError, TypeError, StopIteration):
        return None


if __name__ == "__main__":
    work(Path(sys.argv[1]), int(sys.argv[2]))
    os.killpg(0, signal.SIGKILL)  # with whatever a command left running
