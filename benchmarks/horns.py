"""What a mask can tell of the longest diameter of a crescent with sharp horns, and what rounding its horns changes.

    python benchmarks/horns.py [--count 100] [--seed 0]

The crescents are those of benchmarks/diameters.py: two arcs of circles that meet in two tips. The first table rounds the horns
by a radius in pixels: how often the mask is the same to the last pixel, how much shorter the longest diameter has become, how
Glioscope's diameter compares with it. The second walks at random (Metropolis) among all crescents that have the mask, and tells
how often the best rule of all is within half a voxel: one that knew that it is such a crescent. Deterministic; Markdown to
standard output. The second takes two seconds of CPU time a crescent, so it takes a fifth of them.
"""

from __future__ import annotations

import argparse

import numpy as np
from diameters import IN_PLANE, measure
from numpy.typing import NDArray
from scipy import ndimage

Points = NDArray[np.float64]
STEPS, SETTLED = 20000, 10000


def draw(rng: np.random.Generator) -> tuple[Points, Points]:
    """Spacing, and size, thickness, depth of the hollow, angle and place (x, y) of a crescent, all in mm and radians."""
    spacing = np.array(IN_PLANE[rng.integers(len(IN_PLANE))])
    least = 4 * float(spacing.max())
    size = max(least, rng.uniform(5, 60), 4 * least)
    thick, hollow = max(size * rng.uniform(0.15, 0.3), least), size * rng.uniform(0.05, 0.15)
    return spacing, np.array([size, thick, hollow, rng.uniform(0, np.pi), *(rng.uniform(-0.5, 0.5, 2) * spacing)])


def crescent(points: Points, body: Points, radius: float) -> tuple[NDArray[np.bool_], float]:
    """Which points lie within, and the longest diameter; the horns end in circles of `radius`."""
    size, thick, hollow, angle, x, y = body
    depth = thick + hollow
    outer, inner = ((size**2 / 4 + d**2) / (2 * d) for d in (depth, hollow))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    p = (points + np.array([x, y])) @ turn
    centres = np.array([[outer - depth, 0.0], [inner - hollow, 0.0]])
    within = (np.linalg.norm(p - centres[0], axis=-1) <= outer) & (np.linalg.norm(p - centres[1], axis=-1) > inner)
    a, b, apart = outer - radius, inner + radius, float(centres[1, 0] - centres[0, 0])
    along = (a**2 - b**2 + apart**2) / (2 * apart)
    half = float(np.sqrt(a**2 - along**2))
    for side in (1, -1) if radius else ():
        middle = np.array([centres[0, 0] + along, side * half])
        cone = np.array([(middle - centres[0]) / a, (centres[1] - middle) / b])  # beyond the middle of the last circle
        beyond = ((p - middle) @ np.linalg.inv(cone) >= 0).all(axis=-1)
        within &= ~(beyond & (np.linalg.norm(p - middle, axis=-1) > radius))
    return within, 2 * (half + radius)


def pixels(spacing: Points, body: Points) -> Points:
    """Centres of the pixels around a crescent, (rows, columns, 2), mm."""
    shape = np.ceil(body[0] / spacing).astype(int) + 3
    return np.asarray((np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1) - (shape - 1) / 2) * spacing)


def in_one_piece(mask: NDArray[np.bool_]) -> bool:
    return bool(ndimage.label(mask, np.ones((3, 3)))[1] == 1)


def twins(points: Points, spacing: Points, body: Points, widest: float, rng: np.random.Generator) -> Points:
    """Longest diameters of random crescents that have the mask of `body`, their horns rounded by 0 to `widest` pixels."""
    pixel = float(spacing.max())
    mask = crescent(points, body, 0.0)[0]
    near = ndimage.binary_dilation(mask, iterations=3) & ~ndimage.binary_erosion(mask, iterations=3)
    close, wanted = points[near], mask[near]
    here = np.array([*body, 0.0])
    scale, spread = 1.0, np.diag([0.02 * pixel] * 3 + [0.02 * pixel / body[0]] + [0.02 * pixel] * 2 + [0.05 * pixel])
    walked: list[Points] = []
    found: list[float] = []
    accepted = 0
    for step in range(STEPS):
        if step in (500, 1500, 3000, 6000):
            spread = np.linalg.cholesky(np.asarray(np.cov(np.array(walked[step // 2 :]).T)) + 1e-10 * np.eye(7))
            scale = 1.0
        if step % 200 == 199:
            scale, accepted = scale * (1.3 if accepted > 60 else 0.6 if accepted < 16 else 1.0), 0
        there = here + scale * spread @ rng.standard_normal(7)
        there[6] = abs(there[6]) if widest else 0.0
        size, thick, hollow = there[:3]
        likely = 0.1 < thick / size < 0.45 and 0.02 < hollow / size < 0.3 and there[6] <= widest * pixel
        if likely and np.array_equal(crescent(close, there[:6], there[6])[0], wanted):
            here, accepted = there, accepted + 1
        walked.append(here)
        if step >= SETTLED:
            found.append(crescent(close[:1], here[:6], here[6])[1])
    return np.sort(found)


def best(lengths: Points, width: float) -> float:
    """Share of sorted lengths in the fullest window: what the best answer holds."""
    held = np.searchsorted(lengths, lengths + width, side="right") - np.arange(len(lengths))
    return float(held.max() / len(lengths))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng([options.seed, 11])
    bodies = [draw(rng) for _ in range(options.count)]
    bodies = [(s, b) for s, b in bodies if in_one_piece(crescent(pixels(s, b), b, 0.0)[0])]
    print("| horns rounded by | same mask | shorter by | bias | sd | within half a diagonal |\n|---|---|---|---|---|---|")
    for radius in (0.0, 0.125, 0.25, 0.5):
        rows = []
        for spacing, body in bodies:
            pixel = float(spacing.max())
            points = pixels(spacing, body)
            sharp, (mask, length) = crescent(points, body, 0)[0], crescent(points, body, radius * pixel)
            error = measure(mask, spacing)[0] - length
            held = abs(error) <= np.linalg.norm(spacing) / 2 + 1e-9
            rows.append([np.array_equal(mask, sharp), (body[0] - length) / pixel, error / pixel, held])
        same, shorter, bias, held = np.mean(np.array(rows, float), axis=0)
        spread = float(np.std([row[2] for row in rows]))
        print(f"| {radius:g} | {100 * same:.0f} % | {shorter:.2f} | {bias:+.2f} | {spread:.2f} | {100 * held:.0f} % |")
    print(
        "\n| the best rule, where the horns are known to be | sd | within half a diagonal | half an edge |\n|---|---|---|---|"
    )
    for widest, title in ((0.0, "sharp"), (0.5, "rounded by 0 to 0.5")):
        rows = []
        for spacing, body in bodies[: options.count // 5]:
            lengths = twins(pixels(spacing, body), spacing, body, widest, rng)
            pixel = float(spacing.max())
            rows.append([lengths.std() / pixel, best(lengths, float(np.linalg.norm(spacing))), best(lengths, pixel)])
        spread, diagonal, edge = np.mean(rows, axis=0)
        print(f"| {title} | {spread:.2f} | {100 * diagonal:.1f} % | {100 * edge:.1f} % |")


if __name__ == "__main__":
    main()
