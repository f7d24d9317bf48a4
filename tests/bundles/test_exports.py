from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from glioscope.bundles.export_nnunet_raw import RawExam, export_nnunet_raw
from glioscope.bundles.export_onnx import export_onnx
from glioscope.bundles.import_cascade import import_cascade
from glioscope.bundles.import_nnunet import import_nnunet
from glioscope.core import InputUnreadable, InvalidImage, MissingSequence, Volume, read_labels, write_volume
from tests.bundles.cascade_weights import write_weights
from tests.bundles.foreign import write_nnunet

AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])


def test_onnx_gives_the_logits_of_the_network_for_any_batch(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    torch.set_num_threads(1)
    bundle = import_nnunet(write_nnunet(tmp_path / "in"), tmp_path / "bundle", name="n")
    (file,) = export_onnx(bundle, tmp_path / "onnx")
    image = np.random.default_rng(1).standard_normal((2, 2, 10, 8, 6)).astype(np.float32)
    (found,) = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"]).run(["logits"], {"image": image})
    with torch.inference_mode():
        np.testing.assert_allclose(found, bundle.network(0)(torch.from_numpy(image)).numpy(), atol=1e-4)
    told = {entry.key: json.loads(entry.value) for entry in onnx.load(str(file)).metadata_props}
    assert told["glioscope.inputs"] == {"channels": ["t2f", "t1c"], "normalisation": "zscore"}
    assert [path.name for path in (tmp_path / "onnx").iterdir()] == ["n-fold-0.onnx"]


def test_a_cascade_is_not_one_network(tmp_path: Path) -> None:
    bundle = import_cascade(write_weights(tmp_path / "npz"), tmp_path / "bundle")
    with pytest.raises(InputUnreadable, match="is of kind cascade"):
        export_onnx(bundle, tmp_path / "onnx")


def _exam(folder: Path, name: str, labels: list[int], scheme: str | None = None) -> RawExam:
    data = np.zeros((3, 4, 5), np.uint8)
    data.flat[: len(labels)] = labels
    for channel in ("t1c", "t2f"):
        write_volume(folder / f"{name}-{channel}.nii.gz", Volume.of(np.arange(60, dtype=np.float32).reshape(3, 4, 5), AFFINE))
    write_volume(folder / f"{name}-seg.nii.gz", Volume.of(data, AFFINE))
    images = {channel: folder / f"{name}-{channel}.nii.gz" for channel in ("t1c", "t2f")}
    return RawExam(name, images, folder / f"{name}-seg.nii.gz", scheme)


def test_raw_layout_has_labels_without_gaps_and_regions_in_painting_order(tmp_path: Path) -> None:
    exams = [_exam(tmp_path, "a", [1, 2, 4], "brats-2021"), _exam(tmp_path, "b", [1, 2, 3])]
    folder = export_nnunet_raw(exams, tmp_path / "raw", dataset=7, name="Test", channels=("t2f", "t1c"))
    assert folder == tmp_path / "raw" / "Dataset007_Test"
    document = json.loads((folder / "dataset.json").read_text())
    assert document["channel_names"] == {"0": "t2f", "1": "t1c"}
    assert document["labels"] == {"background": 0, "WT": [1, 2, 3], "TC": [1, 3], "ET": 3}
    assert document["regions_class_order"] == [2, 1, 3]
    assert document["numTraining"] == 2
    assert sorted(p.name for p in (folder / "imagesTr").iterdir()) == [f"{e}_000{n}.nii.gz" for e in "ab" for n in (0, 1)]
    for name in "ab":
        assert read_labels(folder / "labelsTr" / f"{name}.nii.gz").data.flat[:4].tolist() == [1, 2, 3, 0]
    assert (folder / "imagesTr" / "a_0000.nii.gz").read_bytes() == (tmp_path / "a-t2f.nii.gz").read_bytes()


@pytest.mark.parametrize("scheme", ["brats-2023", "brats-2024-gli", "brats-ped", "brats-2021", "brats-2024-met"])
def test_painting_the_regions_in_order_gives_back_the_labels(tmp_path: Path, scheme: str) -> None:
    from glioscope.core import SCHEMES

    values = list(SCHEMES[scheme].labels)
    folder = export_nnunet_raw(
        [_exam(tmp_path, "a", values)], tmp_path / "raw", dataset=1, name="T", channels=("t1c",), scheme=scheme
    )
    document = json.loads((folder / "dataset.json").read_text())
    written = read_labels(folder / "labelsTr" / "a.nii.gz").data.ravel()[: len(values)]
    assert written.tolist() == list(range(1, len(values) + 1))
    painted = np.zeros(len(values), int)
    regions = [np.atleast_1d(numbers) for region, numbers in document["labels"].items() if region != "background"]
    for numbers, value in zip(regions, document["regions_class_order"], strict=True):
        painted[np.isin(written, numbers)] = value
    assert painted.tolist() == written.tolist()


def test_wrong_cohorts_cost_a_sentence(tmp_path: Path) -> None:
    exam = _exam(tmp_path, "a", [1, 2, 4])
    raw = tmp_path / "raw"
    with pytest.raises(MissingSequence, match="Exam 'a' lacks t1n, t2w"):
        export_nnunet_raw([exam], raw, dataset=1, name="T")
    with pytest.raises(InputUnreadable, match="no exam"):
        export_nnunet_raw([], raw, dataset=1, name="T")
    with pytest.raises(InputUnreadable, match="1 to 999, not 0"):
        export_nnunet_raw([exam], raw, dataset=0, name="T", channels=("t1c",))
    with pytest.raises(InvalidImage, match="value 4"):
        export_nnunet_raw([exam], raw, dataset=1, name="T", channels=("t1c",))
    assert not list(raw.rglob("dataset.json"))
    write_volume(tmp_path / "a-t1c.nii.gz", Volume.of(np.arange(60, dtype=np.float32).reshape(3, 4, 5), np.eye(4)))
    with pytest.raises(InvalidImage, match="different grids"):
        export_nnunet_raw([exam], raw, dataset=1, name="T", channels=("t1c",), scheme="brats-2021")
