from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from glioscope.bundles import bundles_folder, find_bundle, list_bundles, read_bundle, write_bundle
from glioscope.core import InputUnreadable
from tests.bundles.toy import document_of, write_toy

torch = pytest.importorskip("torch")
pytest.importorskip("dynamic_network_architectures")


REGIONS = {"kind": "regions", "scheme": "brats-2023", "names": ["WT", "TC", "ET"]}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("bundles") / "toy", (0, 1)).folder


@pytest.fixture
def copy(toy: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(toy, tmp_path / "copy"))


def test_what_was_written_is_read(toy: Path) -> None:
    bundle = read_bundle(toy)
    assert (bundle.name, bundle.kind, bundle.regions, bundle.out_channels) == ("toy", "network", ("WT", "TC", "ET"), 3)
    assert [file.name for file in bundle.files] == ["fold-0.safetensors", "fold-1.safetensors"]
    first, second = (network(torch.ones(1, 2, 8, 8, 8)) for network in bundle.networks())
    assert first.shape == (1, 3, 8, 8, 8)
    assert not torch.equal(first, second)


def test_weights_come_back_bit_for_bit(toy: Path) -> None:
    from glioscope.networks import build_network

    torch.manual_seed(0)
    made = build_network("plain-unet", 2, 3, document_of()["network"]["parameters"]).eval()
    window = torch.randn(1, 2, 8, 8, 8)
    assert torch.equal(read_bundle(toy).network(0)(window), made(window))


def test_the_same_bundle_is_the_same_bytes(toy: Path, tmp_path: Path) -> None:
    again = write_toy(tmp_path / "again", (0, 1))
    assert again.checksum == read_bundle(toy).checksum


def test_tensors_under_two_names_are_written_once_and_found_again(tmp_path: Path) -> None:
    from glioscope.bundles.weights import load_weights, write_weights

    class Twice(torch.nn.Module):  # type: ignore[name-defined,misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(3, 2)
            self.decoder = torch.nn.ModuleDict({"encoder": self.encoder})

    one, other = Twice(), Twice()
    write_weights(tmp_path / "w.safetensors", one.state_dict())
    load_weights(other, tmp_path / "w.safetensors")
    assert torch.equal(other.decoder["encoder"].weight, one.encoder.weight)
    assert (tmp_path / "w.safetensors").stat().st_size < 400


def test_reading_imports_no_torch(toy: Path) -> None:
    code = (
        f"import sys; from glioscope.bundles import read_bundle; read_bundle({str(toy)!r}); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'safetensors')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": {"name": "plane-unet", "parameters": {}}}, "no network 'plane-unet'; did you mean 'plain-unet'"),
        ({"inputs": {"channels": ["t9"]}}, "no channel 't9'"),
        ({"target": {"kind": "regions", "scheme": "brats-2023", "names": ["RC"]}}, "no region 'RC'"),
        ({"target": {"kind": "labels", "scheme": "brats-2023", "names": ["NETC"]}}, "no label 'NETC'"),
        ({"target": {**REGIONS, "needs": {"RC": ["t1c"]}}}, "has 'RC', which is not found"),
        ({"target": {**REGIONS, "needs": {"ET": ["t1x"]}}}, "'t1x', which no channel is made of; did you mean 't1c'?"),
        ({"target": {**REGIONS, "needs": {"ET": "t1c"}}}, "'target.needs.ET' is not a list"),
        ({"target": {**REGIONS, "needs": ["ET"]}}, "'target.needs' is not a table"),
        ({"target": {"kind": "labels", "scheme": "brats-2023", "names": ["ET"], "needs": {"ET": ["t1c"]}}}, "'kind: regions'"),
        ({"target": {"kind": "region", "scheme": "brats-2023", "names": ["WT"]}}, "regions or labels"),
        ({"target": {"kind": "regions", "scheme": "brats-1999", "names": ["WT"]}}, "no label scheme 'brats-1999'"),
        ({"inference": {"patch": [8, 8]}}, "'inference.patch' is not a list of three"),
        ({"inference": {"patch": [8, 8, 8], "share_flips": "no"}}, "'inference.share_flips' is true or false"),
        ({"inference": {"patch": [8, 8, 8], "mirrors": True}}, "unknown key 'mirrors'; did you mean 'mirror'"),
        ({"grid": {"space": "moon", "spacing": [1, 1, 1], "orientation": "RAS"}}, "'grid.space'"),
        ({"grid": {"space": "atlas", "spacing": [1, 1], "orientation": "RAS"}}, "'grid.spacing'"),
        ({"kind": "forest"}, "no kind of bundle 'forest'"),
        ({"nmae": "x"}, "unknown key 'nmae'; did you mean 'name'"),
        ({"name": "a/b"}, "the name 'a/b'"),
        ({"members": []}, "'members' is empty"),
        ({"members": [{"file": "../w.safetensors", "sha256": "0"}]}, "does not lie in the bundle's folder"),
        ({"members": [{"file": "w.safetensors"}]}, "lacks the key 'sha256'"),
    ],
)
def test_a_wrong_document_costs_one_sentence_and_writes_nothing(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match=said):
        write_bundle(tmp_path / "wrong", {"members": [{"file": "w.safetensors", "sha256": "0"}], **document_of(**change)})
    assert not (tmp_path / "wrong").exists()


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    document = document_of(members=[{"file": "w.safetensors", "sha256": "0"}])
    for key in ("source", "inputs", "target", "network", "inference", "grid"):
        with pytest.raises(InputUnreadable, match=f"lacks the key '{key}'"):
            write_bundle(tmp_path / "wrong", {k: v for k, v in document.items() if k != key})


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="There is no folder"):
        read_bundle(tmp_path / "nowhere")
    with pytest.raises(InputUnreadable, match=r"no file bundle\.yaml"):
        read_bundle(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "is not YAML"),
        ("- 1", "does not say 'format"),
        ("", "does not say 'format"),
        ("format: glioscope-bundle-7", "of format 'glioscope-bundle-7'"),
        ("format: !!python/object:os.system x", "is not YAML"),
    ],
)
def test_what_is_no_document(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "bundle.yaml").write_text(text)
    with pytest.raises(InputUnreadable, match=said):
        read_bundle(tmp_path)


def test_damaged_weights_are_found(copy: Path) -> None:
    file = copy / "fold-1.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputUnreadable, match=r"fold-1\.safetensors' is damaged or was changed"):
        read_bundle(copy)
    file.unlink()
    with pytest.raises(InputUnreadable, match=r"lacks its file 'fold-1\.safetensors'"):
        read_bundle(copy)
    assert read_bundle(copy, verify=False).name == "toy"


def test_weights_of_another_network_are_refused(copy: Path) -> None:
    from glioscope.bundles.weights import load_weights

    narrow = document_of()["network"]["parameters"] | {"features_per_stage": [4, 6]}
    bundle = read_bundle(copy)
    other = write_bundle(
        copy,
        {**bundle.document, "network": {"name": "plain-unet", "parameters": narrow}},
    )
    with pytest.raises(InputUnreadable, match=r"another network: '.*' has the shape"):
        other.network(0)
    (copy / "fold-0.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputUnreadable, match="not a file of weights"):
        load_weights(bundle.network(1), copy / "fold-0.safetensors")


def test_names_are_looked_up_in_the_users_folder_first(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    shutil.copytree(toy, bundles_folder() / "mine")
    assert [folder.name for folder in list_bundles()] == ["mine"]
    assert find_bundle("mine") == bundles_folder() / "mine"
    assert find_bundle(toy) == toy
    assert find_bundle("other") is None


def test_whoever_may_read_the_document_may_read_the_weights(tmp_path: Path) -> None:
    """A bundle in a shared folder was useless to anybody but its maker."""
    bundle = write_toy(tmp_path / "toy")
    assert bundle.files[0].stat().st_mode == (tmp_path / "toy" / "bundle.yaml").stat().st_mode
