"""Compares Glioscope's fusions with published ones, and fusions with single algorithms; writes the tables of docs/fusion.md.

    python benchmarks/rater_fusion.py --data FOLDER [--out docs/fusion.md]

FOLDER holds one folder an exam with `algorithms/*.nii.gz`, `published-fusions/*.nii.gz` and, where there is one,
`reference.nii.gz`, all in `brats-2021` labels. Arrays are taken as stored: some of the published headers say RAS.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import SCHEMES, convert_labels, read_labels
from glioscope.core.files import write_text
from glioscope.evaluation import evaluate_pair
from glioscope.fusion import MaskFusion, Votes, fuse_labels, fuse_masks

SCHEME = SCHEMES["brats-2021"]
COLUMNS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,), "NCR": (1,), "ED": (2,)}
FUSIONS: dict[str, dict[str, object]] = {
    "majority by labels, half is enough": {"method": "majority"},
    "majority by labels, more than half": {"method": "majority", "tie": "background"},
    "majority by regions, half is enough": {"method": "majority", "by": "regions"},
    "majority by regions, more than half": {"method": "majority", "by": "regions", "tie": "background"},
    "SIMPLE by regions": {"method": "simple"},
    "SIMPLE by labels": {"method": "simple", "by": "labels"},
    "STAPLE by regions": {"method": "staple"},
    "STAPLE by labels": {"method": "staple", "by": "labels"},
}
MARK = "<!-- tables: benchmarks/rater_fusion.py -->"
Labels = NDArray[np.uint8]


def dice(a: Labels, b: Labels, values: tuple[int, ...]) -> float:
    """1 where both are empty."""
    first, second = np.isin(a, values), np.isin(b, values)
    total = int(first.sum() + second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def load(folder: Path) -> dict[str, Labels]:
    return {p.name.removesuffix(".nii.gz"): read_labels(p).data for p in sorted(folder.glob("*.nii.gz"))}


def fuse(maps: list[Labels], how: dict[str, object]) -> Labels:
    options = dict(how)
    return fuse_labels(maps, SCHEME, str(options.pop("method")), None, **options).labels


def staple_each(maps: list[Labels]) -> dict[int, MaskFusion]:
    """Label -> its own binary STAPLE: not a method of ours, but what a short script would begin with."""
    return {value: fuse_masks([one == value for one in maps], "staple") for value in (1, 2, 4)}


def painted(found: dict[int, MaskFusion]) -> Labels:
    """The higher number on top."""
    out = np.zeros(found[1].mask.shape, np.uint8)
    for value, fusion in found.items():
        out[fusion.mask] = value
    return out


def most_probable(found: dict[int, MaskFusion], patterns: Labels) -> Labels:
    """The label of each pattern, even of one that does not occur, whose own STAPLE is surest of it."""
    odds = [np.zeros(len(patterns))]
    for value, fusion in found.items():
        decision = fusion.decision
        assert decision.sensitivity is not None
        assert decision.specificity is not None
        assert decision.prior is not None
        p, q = (np.clip(rate, 1e-12, 1 - 1e-12) for rate in (decision.sensitivity, decision.specificity))
        yes = patterns == value
        told = np.where(yes, np.log(p / (1 - q)), np.log((1 - p) / q)).sum(axis=1)
        odds.append(told + np.log(decision.prior / (1 - decision.prior)))
    return np.asarray(np.array([0, *found], np.uint8)[np.argmax(odds, axis=0)], np.uint8)


def row(cells: list[object]) -> str:
    return "| " + " | ".join(f"{c:.4f}" if isinstance(c, float) else str(c) for c in cells) + " |"


def reproduction(
    exam: Path, raters: dict[str, Labels], fused: dict[str, Labels], published: dict[str, Labels]
) -> Iterator[str]:
    yield f"\n### Published fusions of {exam.name}, and how far ours are from them\n"
    yield "| published | ours | voxels that differ | " + " | ".join(f"Dice {c}" for c in COLUMNS) + " |"
    yield "|---|---|---|" + "---|" * len(COLUMNS)
    for name, theirs in published.items():
        order = sorted(fused, key=lambda key: int((fused[key] != theirs).sum()))
        own = {"mv": "majority", "mav": "majority"}.get(name, name)
        shown = [key for key in order if key.lower().startswith(own)]
        for key in shown:
            differ = int((fused[key] != theirs).sum())
            yield row([name, key, differ, *(dice(fused[key], theirs, values) for values in COLUMNS.values())])
        same = [rater for rater, labels in raters.items() if np.array_equal(labels, theirs)]
        if same:
            yield row([name, f"the mask of {same[0]}", 0, *([1.0] * len(COLUMNS))])


def unexplained(votes: Votes, theirs: Labels) -> int:
    """Voxels whose published label is not the usual one of voxels with the same votes: no rule on these votes gives them."""
    seen: dict[int, Counter[int]] = {}
    for pattern, label in zip(votes.which.tolist(), theirs.ravel(votes.order)[votes.where].tolist(), strict=True):
        seen.setdefault(pattern, Counter())[label] += 1
    return sum(labels.total() - max(labels.values()) for labels in seen.values())


def more_than_half(patterns: Labels) -> Labels:
    """The majority of each pattern by labels."""
    won = np.zeros(len(patterns), np.uint8)
    for value in (1, 2, 4):
        won[(patterns == value).sum(axis=1) * 2 > patterns.shape[1]] = value
    return won


def possible(votes: Votes, rule: Callable[[Labels], Labels], theirs: Labels, free: int) -> int:
    """Voxels whose published label `rule` (patterns -> labels) does not give, whatever rater `free` (-1: nobody) says."""
    table = np.zeros((len(votes.patterns), 5), bool)
    for say in (0, 1, 2, 4) if free >= 0 else (-1,):
        patterns = votes.patterns.copy()
        if free >= 0:
            patterns[:, free] = say
        table[np.arange(len(patterns)), rule(patterns)] = True
    return int((~table[votes.which, theirs.ravel(votes.order)[votes.where]]).sum())


def other_masks(
    exam: Path, raters: dict[str, Labels], found: dict[int, MaskFusion], published: dict[str, Labels]
) -> Iterator[str]:
    votes = Votes.of(list(raters.values()))
    yield f"\n### Were the published fusions of {exam.name} made from these masks?\n"
    yield "| published | voxels that no rule on these votes gives |"
    yield "|---|---|"
    for name, theirs in published.items():
        yield row([name, unexplained(votes, theirs)])
    rules: dict[str, tuple[str, Callable[[Labels], Labels]]] = {
        "mv": ('"more than half"', more_than_half),
        "staple": ("the most probable label of STAPLE", partial(most_probable, found)),
    }
    for name, (title, rule) in rules.items():
        if name not in published or len(raters) % 2:
            continue
        yield f"\nVoxels of {name} that {title} cannot give, if one rater's mask was another one then:\n"
        yield "| rater with another mask | voxels |"
        yield "|---|---|"
        for index, rater in ((-1, "none"), *enumerate(raters)):
            yield row([rater, possible(votes, rule, published[name], index)])


def gains(exam: Path, raters: dict[str, Labels], fused: dict[str, Labels], published: dict[str, Labels]) -> Iterator[str]:
    reference = read_labels(exam / "reference.nii.gz")
    truth = convert_labels(reference.data, SCHEME, SCHEMES["brats-2023"])
    spacing = [float(size) for size in reference.grid.spacing]
    yield f"\n### Against the reference of {exam.name}\n"
    yield "| | WT Dice | TC Dice | ET Dice | mean Dice | WT HD95, mm | TC HD95, mm | ET HD95, mm |"
    yield "|---|---|---|---|---|---|---|---|"
    every = {**raters, **{f"**{k}**": v for k, v in fused.items()}, **{f"published {k}": v for k, v in published.items()}}
    for name, labels in every.items():
        scores = evaluate_pair(convert_labels(labels, SCHEME, SCHEMES["brats-2023"]), truth, spacing, "brats-2023-gli")
        found = [float(scores.regions[r].values["dice"]) for r in ("WT", "TC", "ET")]
        distances = [f"{scores.regions[r].values['hd95']:.2f}" for r in ("WT", "TC", "ET")]
        yield row([name, *found, float(np.mean(found)), *distances])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs" / "fusion.md")
    options = parser.parse_args()
    lines: list[str] = [MARK]
    for exam in sorted(p for p in options.data.iterdir() if (p / "algorithms").is_dir()):
        raters, published = load(exam / "algorithms"), load(exam / "published-fusions")
        fused = {name: fuse(list(raters.values()), how) for name, how in FUSIONS.items()}
        found, votes = staple_each(list(raters.values())), Votes.of(list(raters.values()))
        script = {
            "STAPLE of each label, the most probable one": votes.paint(most_probable(found, votes.patterns)),
            "STAPLE of each label, the higher number on top": painted(found),
        }
        lines += reproduction(exam, raters, fused | script, published)
        lines += other_masks(exam, raters, found, published)
        if (exam / "reference.nii.gz").exists():
            lines += gains(exam, raters, fused, published)
    print("\n".join(lines[1:]))
    head = options.out.read_text(encoding="utf-8").split(MARK)[0] if options.out.exists() else ""
    write_text(options.out, head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
