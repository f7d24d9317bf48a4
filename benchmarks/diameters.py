"""Diameters of random bodies as a mask of voxels gives them, against their analytic answers.

    python benchmarks/diameters.py [--count 1000] [--seed 0]

Bodies of 5 to 60 mm (their shorter sides four voxels or more), of any orientation and any place between the voxel centres, on
grids of several spacings. A voxel belongs to the body when its centre lies in it. A line a shape: bias, spread and the
largest error in voxels along the diameter, and the share of bodies within half a voxel, by half of its diagonal and by half of
its longest edge; at the end, what no rule can better. Deterministic; writes a Markdown table to standard output.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from glioscope.core import Grid
from glioscope.measurement import axial_diameters, feret_diameter

Points = NDArray[np.float64]
Body = tuple[Callable[[Points], NDArray[np.bool_]], float, float | None]
"""What of a set of points lies within, the longest diameter, and the longest perpendicular where there is a single one."""

IN_PLANE = [(1.0, 1.0), (0.8, 1.0), (0.5, 0.5), (1.0, 1.5), (0.5, 1.0)]
IN_SPACE = [(1.0, 1.0, 1.0), (0.8, 0.8, 3.0), (0.5, 0.5, 5.0), (1.0, 2.0, 1.5)]


def ellipsoid(rng: np.random.Generator, size: float, least: float, dimensions: int) -> Body:
    axes = np.array([size, *np.maximum(size * rng.uniform(0.3, 0.95, dimensions - 1), least)])
    return lambda p: np.asarray(((2 * p / axes) ** 2).sum(axis=-1) <= 1), float(axes.max()), float(axes[1])


def ball(rng: np.random.Generator, size: float, least: float, dimensions: int) -> Body:
    return lambda p: np.asarray(np.linalg.norm(p, axis=-1) <= size / 2), size, size


def bar(rng: np.random.Generator, size: float, least: float, dimensions: int) -> Body:
    sides = np.array([size, *np.maximum(size * rng.uniform(0.1, 0.9, dimensions - 1), least)])
    diagonal = float(np.linalg.norm(sides))
    return (
        lambda p: np.asarray((np.abs(2 * p) <= sides).all(axis=-1)),
        diagonal,
        float(sides[:2].min()) * diagonal / sides[:2].max(),
    )


def crescent(rng: np.random.Generator, size: float, least: float, dimensions: int) -> Body:
    """A ball out of which an equal ball is cut, aside by so much that at least one diameter is left."""
    shift = size * rng.uniform(0.2, 0.7)
    return (
        lambda p: np.asarray(
            (np.linalg.norm(p, axis=-1) <= size / 2) & (np.linalg.norm(p - shift * np.eye(dimensions)[0], axis=-1) > size / 2)
        ),
        size,
        None,
    )


def horned(rng: np.random.Generator, size: float, least: float, dimensions: int) -> Body:
    """A disc out of which a larger one is cut: its longest diameter runs from tip to tip of its horns."""
    size = max(size, 4 * least)
    thick = max(size * rng.uniform(0.15, 0.3), least)
    depth = thick + size * rng.uniform(0.05, 0.15)  # of the outer arc, and of the inner one
    outer, inner = ((size**2 / 4 + d**2) / (2 * d) for d in (depth, depth - thick))
    away = np.eye(dimensions)[0]
    return (
        lambda p: np.asarray(
            (np.linalg.norm(p - (outer - depth) * away, axis=-1) <= outer)
            & (np.linalg.norm(p - (inner - depth + thick) * away, axis=-1) > inner)
        ),
        size,
        thick,
    )


SHAPES = {
    "ellipse": ellipsoid,
    "disc": ball,
    "bar": bar,
    "bar along the axes": bar,
    "crescent": crescent,
    "crescent with sharp horns": horned,
}


def draw(rng: np.random.Generator, name: str, dimensions: int) -> tuple[NDArray[np.bool_], NDArray[np.float64], Body] | None:
    """A body's mask and spacing; None where it falls into pieces."""
    choices = IN_PLANE if dimensions == 2 else IN_SPACE
    spacing = np.array(choices[rng.integers(len(choices))])
    least = 4 * float(spacing.max())
    body = SHAPES[name](rng, max(least, rng.uniform(5, 60)), least, dimensions)
    turn = Rotation.random(random_state=int(rng.integers(1 << 31))).as_matrix()
    if dimensions == 2:
        angle = rng.uniform(0, np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if name.endswith("axes"):
        turn = np.eye(dimensions)
    shape = np.ceil(body[1] / spacing).astype(int) + 3
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1) - (shape - 1) / 2
    mask = body[0](((index + rng.uniform(-0.5, 0.5, dimensions)) * spacing) @ turn)
    whole = ndimage.label(mask, np.ones((3,) * dimensions))[1] == 1
    return (mask, spacing, body) if whole else None


def measure(mask: NDArray[np.bool_], spacing: NDArray[np.float64]) -> tuple[float, float | None]:
    """The longest diameter and its longest perpendicular in a plane; the Feret diameter alone in space."""
    affine = np.eye(4)
    if mask.ndim == 3:
        affine[:3, :3] = np.diag(spacing)
        return feret_diameter(mask, Grid((mask.shape[0], mask.shape[1], mask.shape[2]), affine)), None
    affine[:2, :2] = np.diag(spacing)
    found = axial_diameters(mask[..., None], Grid((mask.shape[0], mask.shape[1], 1), affine))
    assert found is not None
    return found.longest_mm, found.perpendicular_mm


def row(title: str, errors: list[tuple[float, NDArray[np.float64]]]) -> str:
    mm = np.array([error for error, _ in errors])
    spacings = np.array([spacing for _, spacing in errors])
    half, diagonal = spacings.max(axis=1) / 2, np.linalg.norm(spacings, axis=1) / 2
    voxels = mm / (2 * half)
    within = [100 * float((np.abs(mm) <= least + 1e-9).mean()) for least in (diagonal, half)]
    spread = f"{voxels.mean():+.2f} | {voxels.std():.2f} | {np.abs(voxels).max():.1f}"
    return f"| {title} | {spread} | {within[0]:.0f} % | {within[1]:.0f} % |"


def limit(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """How often any rule can tell a bar's two diameters within half a diagonal and half an edge, where it lies along the axes.

    A side of n pixels is between n - 1 and n + 1 pixels long, most likely n (triangular), and the mask tells no more.
    """
    shares = []
    for _ in range(count):
        spacing = np.array(IN_PLANE[rng.integers(len(IN_PLANE))])
        least = 4 * float(spacing.max())
        size = max(least, rng.uniform(5, 60))
        pixels = np.round([size, max(size * rng.uniform(0.1, 0.9), least)] / spacing)
        sides = spacing * (pixels + rng.triangular(-1, 0, 1, (4000, 2)))
        diagonal = np.linalg.norm(sides, axis=1)
        for lengths in (diagonal, sides.min(axis=1) * diagonal / sides.max(axis=1)):
            lengths.sort()
            for width in (np.linalg.norm(spacing), spacing.max()):  # the best answer is the middle of the fullest window
                held = np.searchsorted(lengths, lengths + width, side="right") - np.arange(len(lengths))
                shares.append(held.max() / len(lengths))
    return np.asarray(np.reshape(shares, (count, 2, 2)).mean(axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="bodies of each shape in the plane; a fifth of them in space")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| | bias | sd | largest error | within half a diagonal | within half an edge |\n|---|---|---|---|---|---|")
    for dimensions, count in ((2, options.count), (3, options.count // 5)):
        for number, name in enumerate(SHAPES if dimensions == 2 else list(SHAPES)[:-1]):
            rng = np.random.default_rng([options.seed, dimensions, number])
            longest: list[tuple[float, NDArray[np.float64]]] = []
            perpendicular: list[tuple[float, NDArray[np.float64]]] = []
            while len(longest) < count:
                drawn = draw(rng, name, dimensions)
                if drawn is None:
                    continue
                mask, spacing, (_, long, short) = drawn
                found = measure(mask, spacing)
                longest.append((found[0] - long, spacing))
                if found[1] is not None and short is not None:
                    perpendicular.append((found[1] - short, spacing))
            title = name if dimensions == 2 else name.replace("ellipse", "ellipsoid").replace("disc", "ball")
            print(row(f"{title}, {'longest' if dimensions == 2 else '3-D'}", longest))
            if perpendicular:
                print(row(f"{title}, perpendicular", perpendicular))
    for diameter, (diagonal, edge) in zip(
        ("longest", "perpendicular"), limit(np.random.default_rng(options.seed), 1000), strict=True
    ):
        print(f"| the limit for a bar along the axes, {diameter} | | | | {100 * diagonal:.0f} % | {100 * edge:.0f} % |")


if __name__ == "__main__":
    main()
