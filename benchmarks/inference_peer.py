"""nnU-Net v2 predicts one exam; run by benchmarks/inference.py in the Python where nnU-Net v2 is installed.

    python benchmarks/inference_peer.py FOLDER --threads N [--no-mirror]

FOLDER holds `exam.npz` (image, spacing) and a trained model `nnunet/`; the label map goes to `peer.npy`, the numbers to
standard output. Imports nothing of Glioscope.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--no-mirror", action="store_true")
    options = parser.parse_args()
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        os.environ.setdefault(name, str(options.folder))
    started = time.perf_counter()
    import numpy as np
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    torch.set_num_threads(options.threads)
    exam = np.load(options.folder / "exam.npz")
    predictor = nnUNetPredictor(
        tile_step_size=0.5,
        use_gaussian=True,
        use_mirroring=not options.no_mirror,
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    predictor.initialize_from_trained_model_folder(
        str(options.folder / "nnunet"), use_folds=(0,), checkpoint_name="checkpoint_final.pth"
    )
    ready, used = time.perf_counter(), time.process_time()
    found = predictor.predict_single_npy_array(exam["image"], {"spacing": list(exam["spacing"])}, None, None, False)
    ended = time.perf_counter()
    np.save(options.folder / "peer.npy", np.asarray(found, np.uint8))
    told = {
        "seconds": ended - ready,
        "cpu_seconds": time.process_time() - used,
        "whole_seconds": ended - started,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
