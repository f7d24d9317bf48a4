from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from glioscope.bundles.import_monai import import_monai
from glioscope.core import InputUnreadable
from tests.bundles.foreign import write_monai

pytest.importorskip("monai")


def test_layout_is_read_and_logits_stay(tmp_path: Path) -> None:
    from monai.networks.nets.segresnet import SegResNet

    torch.set_num_threads(1)
    source = write_monai(tmp_path / "in")
    bundle = import_monai(source, tmp_path / "out", name="m")
    document = bundle.document
    assert document["inputs"] == {"channels": ["t1c", "t1n", "t2w", "t2f"], "normalisation": "zscore"}
    assert document["target"] == {"kind": "regions", "scheme": "brats-2023", "names": ["TC", "WT", "ET"]}
    assert document["inference"] == {"patch": [16, 16, 8], "overlap": 0.5, "mirror": False}
    assert document["network"]["parameters"] == {"init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1], "dropout": 0.2}
    theirs = SegResNet(init_filters=8, in_channels=4, out_channels=3, blocks_down=(1, 1), blocks_up=(1,), dropout_prob=0.2)
    theirs.load_state_dict(torch.load(source / "models" / "model.pt", weights_only=True))
    image = torch.randn(1, 4, 16, 16, 8)
    with torch.inference_mode():
        torch.testing.assert_close(bundle.network(0)(image), theirs.eval()(image))


def test_what_cannot_be_imported_costs_a_sentence(tmp_path: Path) -> None:
    for n, (given, sentence) in enumerate(
        [
            ({"network": {"_target_": "monai.networks.nets.DynUNet"}}, "asks for the network 'DynUNet'"),
            ({"network": {"init_filters": "$2 ** 3"}}, "'init_filters' of the network is an expression"),
            ({"network": {"upsample_mode": "deconv"}}, "asks for 'upsample_mode: deconv', which"),
            ({"network": {"wings": 2}}, "nothing like the parameter 'wings'"),
            ({"network": {"out_channels": 2}}, "4 inputs and 2 outputs"),
            ({"network": {"blocks_down": [1, 2]}}, "lacks the weight"),
            ({"normalise": {"_target_": "ScaleIntensityd", "keys": "image"}}, "non-zero voxels"),
        ]
    ):
        with pytest.raises(InputUnreadable, match=sentence.replace("(", r"\(")):
            import_monai(write_monai(tmp_path / f"in{n}", **given), tmp_path / "out", name="m")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_channels_can_be_told_where_the_metadata_do_not(tmp_path: Path) -> None:
    source = write_monai(tmp_path / "in")
    file = source / "configs" / "metadata.json"
    metadata = json.loads(file.read_text())
    metadata["network_data_format"]["inputs"] = {}
    file.write_text(json.dumps(metadata))
    with pytest.raises(InputUnreadable, match="say so with --channels"):
        import_monai(source, tmp_path / "out", name="m")
    bundle = import_monai(source, tmp_path / "out", name="m", channels=["T1ce", "t1", "t2", "flair"])
    assert bundle.document["inputs"]["channels"] == ["t1c", "t1n", "t2w", "t2f"]


@pytest.mark.parametrize("size", [{"feature_size": 12}, {}])
def test_a_swin_unetr_gives_the_same_logits(tmp_path: Path, size: dict[str, int]) -> None:
    pytest.importorskip("einops")
    from monai.networks.nets.swin_unetr import SwinUNETR

    torch.set_num_threads(1)
    told = {"in_channels": 4, "out_channels": 3, "depths": [1, 2, 1, 1], "num_heads": [1, 2, 3, 4], **size}
    source = write_monai(tmp_path / "in")
    file = source / "configs" / "inference.json"
    config = json.loads(file.read_text())
    # As MONAI's tutorials write it: the size is of older versions, the rates matter in training only.
    config["network_def"] = {"_target_": "monai.networks.nets.SwinUNETR", "img_size": [32, 32, 32], **told}
    config["network_def"] |= {
        "drop_rate": 0.0,
        "attn_drop_rate": 0.0,
        "dropout_path_rate": 0.1,
        "use_checkpoint": True,
        "mlp_ratio": 4.0,
    }
    config["inferer"]["roi_size"] = [32, 32, 32]
    file.write_text(json.dumps(config))
    torch.manual_seed(1)
    theirs = SwinUNETR(**told).eval()
    torch.save({"epoch": 3, "state_dict": theirs.state_dict()}, source / "models" / "model.pt")
    bundle = import_monai(source, tmp_path / "out", name="swin")
    assert bundle.document["network"] == {
        "name": "swin-unetr",
        "parameters": {"feature_size": size.get("feature_size", 24), "depths": [1, 2, 1, 1], "num_heads": [1, 2, 3, 4]},
    }
    image = torch.randn(1, 4, 64, 32, 32)
    with torch.inference_mode():
        expected = theirs(image)
        torch.testing.assert_close(bundle.network(0)(image), expected)
    assert expected.std() > 0.1
