"""The nine files of the cascade with random arrays under the published names and shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILES = {"wt": 2, "tc": 2, "en": 1}


def write_weights(folder: Path, features: int = 32, leave_out: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for short, halvings in FILES.items():
        for view in ("", "sg", "cr"):
            arrays = {k: v for k, v in _arrays(halvings, features).items() if k != leave_out}
            np.savez(folder / f"msnet_{short}32{view}_20000.npz", **arrays)  # type: ignore[arg-type]
    return folder


def _arrays(halvings: int, f: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(halvings)
    out: dict[str, np.ndarray] = {}

    def put(name: str, *shape: int) -> None:
        out[name] = (0.1 * rng.standard_normal(shape)).astype(np.float32)

    def norm(prefix: str, suffix: str, channels: int) -> None:
        for key in ("beta", "gamma", "moving_mean", "moving_variance"):
            put(f"{prefix}/bn_{suffix}/{key}", channels)
        put(f"{prefix}/prelu_acti_{suffix}/alpha", channels)

    for stage, blocks in enumerate((2, 2, 3, 3), 1):
        for block in range(1, blocks + 1):
            first = 4 if (stage, block) == (1, 1) else f
            for n, channels in enumerate((first, f)):
                norm(f"block{stage}_{block}", str(n), channels)
                put(f"block{stage}_{block}/conv_{n}/w", 1, 3, 3, channels, f)
    for n in range(1, 5):
        put(f"fuse{n}_bn_prelu/conv_/w", 3, 1, 1, f, f)
        norm(f"fuse{n}_bn_prelu", "", f)
    for n in range(3 - halvings, 3):
        put(f"downsample{n}_bn_prelu/conv_/w", 1, 3, 3, f, f)
        norm(f"downsample{n}_bn_prelu", "", f)
    raised = {f"pred_up{r}_{n + 1}": (2 ** (r - 1) * 2, n) for r in (2, 3) for n in range(halvings)}
    if halvings == 2:
        raised["pred_up1"] = (2, 0)
    else:
        put("pred1/w", 1, 3, 3, f, 2)
    for name, (channels, n) in raised.items():
        put(f"{name}_bn_prelu/deconv_/w", 1, 3, 3, channels, f if n == 0 else channels)
        norm(f"{name}_bn_prelu", "", channels)
    put("final_pred/w", 1, 3, 3, 14, 2)
    return out
