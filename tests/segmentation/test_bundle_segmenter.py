from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from glioscope.bundles import bundles_folder, write_bundle
from glioscope.cli.main import app
from glioscope.core import EngineMissing, Grid, InputUnreadable, InvalidImage, MissingSequence, Sequence, Volume
from glioscope.segmentation import choose_segmenter, find_entry, get_segmenter, list_segmenters
from glioscope.segmentation.bundle_segmenter import BundleSegmenter
from tests.bundles.toy import document_of, write_toy

torch = pytest.importorskip("torch")
pytest.importorskip("dynamic_network_architectures")

T1N, T1C, T2W, T2F = Sequence
SHAPE = (12, 14, 10)


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Choices and bundles of the test, not of whoever runs it; and no measuring, which OpenVINO makes slow."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("glioscope.bundles.folder.SHIPPED", tmp_path / "shipped")
    from glioscope.inference import variant

    monkeypatch.setattr(variant, "openvino_installed", lambda: False)
    torch.set_num_threads(1)


def exam(grid: Grid | None = None, orientation: str = "RAS") -> tuple[dict[Sequence, Volume], Volume]:
    rng = np.random.default_rng(3)
    grid = grid or Grid(SHAPE, np.eye(4))
    inside = np.zeros(grid.shape, bool)
    inside[1:-1, 2:-1, 1:-2] = True
    brain = Volume(inside, grid).reoriented(orientation)
    images = {s: Volume(rng.gamma(2, 100, grid.shape).astype(np.float32) * inside, grid) for s in Sequence}
    return {s: volume.reoriented(orientation) for s, volume in images.items()}, brain


def test_a_bundle_at_a_path_segments(tmp_path: Path) -> None:
    bundle = write_toy(tmp_path / "toy", (0, 1))
    segmenter = get_segmenter(str(tmp_path / "toy"))
    assert (segmenter.name, segmenter.needs, segmenter.regions) == ("toy", frozenset({T1C, T2F}), ("WT", "TC", "ET"))
    assert segmenter.identity == bundle.checksum
    images, brain = exam()
    found = segmenter.segment(images, brain)
    assert found.labels.data.shape == SHAPE
    assert set(np.unique(found.labels.data)) <= {0, 1, 2, 3}
    assert not found.labels.data[~brain.data].any()
    assert found.facts["members"] == 2
    assert found.facts["bundle"] == bundle.checksum
    likely = {region: volume.data >= 0.5 for region, volume in found.probabilities.items()}
    assert ((found.labels.data > 0) == likely["WT"]).all()
    assert ((found.labels.data == 3) == (likely["WT"] & likely["TC"] & likely["ET"])).all()


def test_two_members_are_the_mean_of_each(tmp_path: Path) -> None:
    images, brain = exam()
    each = []
    for seeds in ((0,), (1,), (0, 1)):
        write_toy(tmp_path / f"toy{seeds}", seeds)
        each.append(get_segmenter(str(tmp_path / f"toy{seeds}")).segment(images, brain).probabilities["TC"].data)
    np.testing.assert_allclose(each[2], (each[0] + each[1]) / 2, atol=2e-3)


def test_orientation_does_not_matter(tmp_path: Path) -> None:
    write_toy(tmp_path / "toy")
    segmenter = get_segmenter(str(tmp_path / "toy"))
    one = segmenter.segment(*exam()).probabilities["WT"]
    other = segmenter.segment(*exam(orientation="LPI")).probabilities["WT"]
    np.testing.assert_allclose(other.reoriented("RAS").data, one.data, atol=2e-3)


def test_labels_are_the_most_probable_and_regions_their_sum(tmp_path: Path) -> None:
    target = {"kind": "labels", "scheme": "brats-2023", "names": ["NCR", "ED", "ET"]}
    write_toy(tmp_path / "toy", document=document_of(target=target))
    found = get_segmenter(str(tmp_path / "toy")).segment(*exam())
    assert list(found.probabilities) == ["WT", "TC", "ET"]
    whole, core, enhancing = (found.probabilities[region].data for region in ("WT", "TC", "ET"))
    assert (whole >= core - 1e-3).all()
    assert (core >= enhancing - 1e-3).all()
    background = found.labels.data == 0
    assert (whole[background] <= 0.75 + 1e-3).all()  # the background is the largest of four
    assert (enhancing[found.labels.data == 3] >= 0.25 - 1e-3).all()


def test_the_postprocessing_of_the_bundle_is_done(tmp_path: Path) -> None:
    chain = {"format": "glioscope-postprocessing", "version": 1, "thresholds": {"WT": 1e-6}, "steps": []}
    write_toy(tmp_path / "toy", document=document_of(postprocess=chain))
    images, brain = exam()
    found = get_segmenter(str(tmp_path / "toy")).segment(images, brain)
    assert (found.labels.data[brain.data] == 2).all()
    write_toy(tmp_path / "bad", document=document_of(postprocess={"format": "other"}))
    with pytest.raises(InputUnreadable, match="post-processing of bundle 'toy' cannot be used"):
        get_segmenter(str(tmp_path / "bad"))


def test_images_of_another_spacing_come_back_on_their_own_grid(tmp_path: Path) -> None:
    write_toy(tmp_path / "toy")
    grid = Grid((9, 20, 11), np.diag([1.3, 0.7, 1.0, 1.0]))
    images, brain = exam(grid)
    found = get_segmenter(str(tmp_path / "toy")).segment(images, brain)
    assert found.labels.grid.same_as(grid)
    assert found.probabilities["ET"].data.max() <= 1


def test_a_network_of_the_whole_volume_sees_a_fixed_size(tmp_path: Path) -> None:
    grid = {"space": "atlas", "spacing": [1, 1, 1], "orientation": "RAS", "size": [8, 8, 8]}
    write_toy(tmp_path / "toy", document=document_of(grid=grid))
    found = get_segmenter(str(tmp_path / "toy")).segment(*exam())
    assert found.labels.data.shape == SHAPE


def test_missing_sequences_are_named_or_optional(tmp_path: Path) -> None:
    write_toy(tmp_path / "toy")
    inputs = {"channels": ["t1c", "t2f"], "normalisation": "zscore", "optional": ["t1c"]}
    write_toy(tmp_path / "easy", document=document_of(inputs=inputs))
    images, brain = exam()
    with pytest.raises(MissingSequence, match=r"'toy' needs T1 \+ contrast"):
        get_segmenter(str(tmp_path / "toy")).segment({T2F: images[T2F]}, brain)
    easy = get_segmenter(str(tmp_path / "easy"))
    assert (easy.needs, easy.uses) == (frozenset({T2F}), frozenset({T1C}))
    without = easy.segment({T2F: images[T2F]}, brain).probabilities["WT"].data
    assert not np.allclose(without, easy.segment(images, brain).probabilities["WT"].data, atol=1e-2)


def test_a_region_that_needs_an_image_is_not_told_without_it(tmp_path: Path) -> None:
    inputs = {"channels": ["t1c", "t2f"], "normalisation": "zscore", "optional": ["t1c"]}
    target = {**document_of()["target"], "needs": {"ET": ["t1c"]}}
    write_toy(tmp_path / "asks", document=document_of(inputs=inputs, target=target))
    write_toy(tmp_path / "guesses", document=document_of(inputs=inputs))
    asks, guesses = (get_segmenter(str(tmp_path / name)) for name in ("asks", "guesses"))
    images, brain = exam()
    for have, told in ((images, ("WT", "TC", "ET")), ({T2F: images[T2F]}, ("WT", "TC"))):
        found, guess = (segmenter.segment(have, brain) for segmenter in (asks, guesses))
        assert asks.regions_from(have) == tuple(found.probabilities) == told
        assert tuple(guess.probabilities) == ("WT", "TC", "ET")
        core = np.isin(guess.labels.data, [1, 3])
        np.testing.assert_array_equal(np.isin(found.labels.data, [1, 3]), core)
        assert (found.labels.data == 3).any() == ("ET" in told)
    empty = asks.segment({T2F: images[T2F]}, brain.with_data(np.zeros_like(brain.data)))
    assert tuple(empty.probabilities) == ("WT", "TC")


def test_who_believes_flair_threshold_keeps_nothing_that_it_dismisses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def left_half(mask: np.ndarray[Any, Any], enhancing: np.ndarray[Any, Any], *_: Any) -> np.ndarray[Any, Any]:
        assert not (enhancing & ~mask).any()
        gone = mask & (np.arange(mask.shape[0]) < 6)[:, None, None]
        asked.append(gone.sum() / 1000)
        return gone

    monkeypatch.setattr("glioscope.segmentation.bundle_segmenter.dismissed_parts", left_half)
    for name, channels in (("free", ["t1c", "t2f"]), ("believer", ["t1c", "t2f", "flair-threshold:WT"])):
        inputs = {"channels": channels, "normalisation": "zscore", "optional": ["t2f"]}
        write_toy(tmp_path / name, document=document_of(inputs=inputs))
    images, brain = exam()
    assert "dismissed_ml" not in get_segmenter(str(tmp_path / "free")).segment(images, brain).facts
    believer = get_segmenter(str(tmp_path / "believer"))
    assert (believer.segment({T1C: images[T1C]}, brain).labels.data > 0).any()
    assert not asked  # nothing to see without FLAIR
    found = believer.segment(images, brain)
    assert not found.labels.data[:7].any()  # the brain's box begins one voxel in
    assert found.labels.data.any()
    assert found.facts["dismissed_ml"] == pytest.approx(asked[0], abs=1e-3)


def looks_back(folder: Path, **more: Any) -> str:
    inputs = {"channels": ["t1c", "pre-t1c", "pre-mask"], "normalisation": "zscore", **more}
    write_toy(folder, document=document_of(inputs=inputs))
    return str(folder)


def test_an_earlier_exam_is_asked_for_and_looked_at(tmp_path: Path) -> None:
    segmenter = get_segmenter(looks_back(tmp_path / "back"))
    assert (segmenter.needs, segmenter.needs_earlier) == (frozenset({T1C}), frozenset({"pre-t1c", "pre-mask"}))
    images, brain = exam()
    with pytest.raises(MissingSequence, match=r"'toy' needs the T1 \+ contrast and the tumour mask of an earlier"):
        segmenter.segment(images, brain)
    tumour = np.zeros(SHAPE, bool)
    tumour[4:8, 5:9, 3:6] = True
    before = {"pre-t1c": images[T1N], "pre-mask": brain.with_data(tumour)}
    found = segmenter.segment(images, brain, before).probabilities["WT"]
    for other in ({"pre-t1c": images[T2W]}, {"pre-mask": brain.with_data(~tumour)}):
        differs = segmenter.segment(images, brain, {**before, **other}).probabilities["WT"].data
        assert not np.allclose(differs, found.data, atol=1e-2)
    turned = {s: volume.reoriented("LPI") for s, volume in before.items()}
    again = segmenter.segment(*exam(orientation="LPI"), turned).probabilities["WT"]
    np.testing.assert_allclose(again.reoriented("RAS").data, found.data, atol=2e-3)
    elsewhere = Volume(images[T1N].data, Grid(SHAPE, np.diag([1.0, 1, 2, 1])))
    with pytest.raises(InvalidImage, match=r"The T1 \+ contrast of the earlier exam and the brain mask lie on different grids"):
        segmenter.segment(images, brain, {**before, "pre-t1c": elsewhere})


def test_of_an_earlier_exam_too_a_part_may_be_optional(tmp_path: Path) -> None:
    segmenter = get_segmenter(looks_back(tmp_path / "back", optional=["pre-mask"]))
    assert (segmenter.needs_earlier, segmenter.uses_earlier) == (frozenset({"pre-t1c"}), frozenset({"pre-mask"}))
    images, brain = exam()
    segmenter.segment(images, brain, {"pre-t1c": images[T1N]})


def test_who_needs_an_earlier_exam_is_listed_so_and_not_proposed_instead_of_others(tmp_path: Path) -> None:
    write_toy(bundles_folder() / "plain")
    looks_back(bundles_folder() / "back")
    assert find_entry("back").needs_earlier == {"pre-t1c", "pre-mask"}
    card = find_entry("back").document()
    assert (card["needs"], card["needs_earlier"], card["uses_earlier"]) == ([T1C], ["pre-mask", "pre-t1c"], [])
    images, brain = exam()
    with pytest.raises(MissingSequence, match="no other segmenter could work"):
        get_segmenter("plain").segment({T1C: images[T1C]}, brain)


@pytest.mark.parametrize("method", ["mean", "staple"])
def test_an_ensemble_hands_the_earlier_exam_on(tmp_path: Path, method: str) -> None:
    looks_back(tmp_path / "e" / "a")
    write_toy(tmp_path / "e" / "b")
    both = get_segmenter(ensemble(tmp_path / "e", {"method": method}, [{"bundle": "a"}, {"bundle": "b"}]))
    assert both.needs_earlier == {"pre-t1c", "pre-mask"}
    images, brain = exam()
    tumour = brain.with_data(np.indices(SHAPE).sum(0) < 15)
    found = both.segment(images, brain, {"pre-t1c": images[T1N], "pre-mask": tumour})
    alone = get_segmenter(str(tmp_path / "e" / "a")).segment(images, brain, {"pre-t1c": images[T1N], "pre-mask": tumour})
    assert found.probabilities["WT"].data.shape == alone.probabilities["WT"].data.shape
    with pytest.raises(MissingSequence, match="'both' needs the T1"):
        both.segment(images, brain)


def test_bundles_in_the_users_folder_are_listed_and_shown_but_never_chosen_unasked(tmp_path: Path) -> None:
    write_toy(bundles_folder() / "mine", document=document_of(published="Dice 0.9", training={"seed": 0}))
    broken = bundles_folder() / "broken"
    shutil.copytree(bundles_folder() / "mine", broken)
    (broken / "bundle.yaml").write_text("format: glioscope-bundle-9")
    entries = {entry.name: entry for entry in list_segmenters()}
    assert entries["mine"].trained
    assert entries["mine"].regions == ("WT", "TC", "ET")
    assert entries["broken"].title.startswith("cannot be used: ")
    assert choose_segmenter({T1C, T2F, T1N, T2W}) == "subtraction"
    card = find_entry("mine").document()
    assert card["published"] == "Dice 0.9"
    assert card["members"] == 1
    assert get_segmenter("mine").name == "toy"
    assert find_entry(str(bundles_folder() / "mine")).title == "a toy network"
    with pytest.raises(InputUnreadable, match="glioscope-bundle-9"):
        get_segmenter("broken")


def test_a_folder_that_is_no_bundle_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match=r"has no file bundle\.yaml"):
        get_segmenter(str(tmp_path))
    with pytest.raises(InvalidImage, match=r"no segmenter 'nothing/there'.*the folder of any bundle"):
        get_segmenter("nothing/there")


def test_damaged_weights_are_refused_before_any_work(tmp_path: Path) -> None:
    bundle = write_toy(tmp_path / "toy")
    bundle.files[0].write_bytes(b"rubbish")
    with pytest.raises(InputUnreadable, match="damaged or was changed"):
        get_segmenter(str(tmp_path / "toy"))


def test_listing_bundles_imports_no_torch(tmp_path: Path) -> None:
    write_toy(bundles_folder() / "mine")
    code = (
        "import sys; from glioscope.segmentation import list_segmenters; "
        "assert 'mine' in [e.name for e in list_segmenters()]; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def ensemble(folder: Path, method: dict[str, Any], members: list[dict[str, Any]]) -> str:
    document = {"kind": "ensemble", "name": "both", "title": "both", "source": "none", "licence": "CC0-1.0"}
    write_bundle(folder, {**document, "members": members, "ensemble": method})
    return str(folder)


def test_ensembles_average_and_weigh(tmp_path: Path) -> None:
    members = [{"bundle": "a", "sha256": write_toy(tmp_path / "e" / "a", (0,)).checksum}, {"bundle": "b"}]
    write_toy(tmp_path / "e" / "b", (1,))
    images, brain = exam()
    apart = [get_segmenter(str(tmp_path / "e" / name)).segment(images, brain).probabilities for name in "ab"]
    mean = get_segmenter(ensemble(tmp_path / "e", {"method": "mean"}, members)).segment(images, brain)
    whole = (apart[0]["WT"].data + apart[1]["WT"].data) / 2
    np.testing.assert_allclose(mean.probabilities["WT"].data, whole, atol=1e-6)
    core = np.minimum((apart[0]["TC"].data + apart[1]["TC"].data) / 2, whole)  # regions stay nested
    np.testing.assert_allclose(mean.probabilities["TC"].data, core, atol=1e-6)
    told = {"method": "weighted", "weights": {"WT": [3.0, 1.0]}}
    weighted = get_segmenter(ensemble(tmp_path / "e", told, members)).segment(images, brain)
    np.testing.assert_allclose(
        weighted.probabilities["WT"].data, 0.75 * apart[0]["WT"].data + 0.25 * apart[1]["WT"].data, atol=1e-6
    )
    assert weighted.facts["members"] == ["toy", "toy"]


def test_staple_of_equal_raters_is_each_of_them(tmp_path: Path) -> None:
    write_toy(tmp_path / "e" / "a")
    members = [{"bundle": "a"}, {"bundle": "a"}, {"bundle": "a"}]
    images, brain = exam()
    one = get_segmenter(str(tmp_path / "e" / "a")).segment(images, brain)
    found = get_segmenter(ensemble(tmp_path / "e", {"method": "staple"}, members)).segment(images, brain)
    assert 0 < (one.labels.data > 0).sum() < one.labels.data.size
    assert (found.labels.data == one.labels.data).all()


def test_an_ensemble_changes_with_its_members_and_refuses_strangers(tmp_path: Path) -> None:
    write_toy(tmp_path / "e" / "a", (0,))
    path = ensemble(tmp_path / "e", {"method": "mean"}, [{"bundle": "a"}])
    before = get_segmenter(path).identity
    write_toy(tmp_path / "e" / "a", (5,))
    assert get_segmenter(path).identity != before
    with pytest.raises(InputUnreadable, match="not the bundle that it was made with"):
        get_segmenter(ensemble(tmp_path / "e", {"method": "mean"}, [{"bundle": "a", "sha256": "0"}]))
    with pytest.raises(InputUnreadable, match="'c' of ensemble 'both' is not there"):
        get_segmenter(ensemble(tmp_path / "e", {"method": "mean"}, [{"bundle": "c"}]))
    with pytest.raises(InputUnreadable, match="is not there"):
        get_segmenter(ensemble(tmp_path / "e", {"method": "mean"}, [{"bundle": "../e"}]))
    with pytest.raises(InputUnreadable, match="one weight for each of the 1 members"):
        ensemble(tmp_path / "e", {"method": "weighted", "weights": {"WT": [1, 2]}}, [{"bundle": "a"}])
    labels = {"kind": "labels", "scheme": "brats-ped", "names": ["ET"]}
    write_toy(tmp_path / "e" / "d", document=document_of(target=labels))
    with pytest.raises(InputUnreadable, match="do not go together"):
        get_segmenter(ensemble(tmp_path / "e", {"method": "mean"}, [{"bundle": "a"}, {"bundle": "d"}]))


def test_best_is_the_mean_of_four_views_and_gives_each(tmp_path: Path) -> None:
    write_toy(tmp_path / "toy", document=document_of(inference={"patch": [8, 8, 8], "overlap": 0.5, "mirror": False}))
    best = get_segmenter(str(tmp_path / "toy"), effort="best")
    images, brain = exam()
    found = best.segment(images, brain)
    assert tuple(found.views) == best.views == ("view0", "view1", "view2", "view3")
    plain = get_segmenter(str(tmp_path / "toy"))

    def turned(axis: int | None) -> tuple[dict[Sequence, Volume], Volume]:
        def flip(volume: Volume) -> Volume:
            return volume if axis is None else volume.with_data(np.ascontiguousarray(np.flip(volume.data, axis)))

        return {s: flip(v) for s, v in images.items()}, flip(brain)

    each = []
    for name, axis in zip(best.views, (None, 0, 1, 2), strict=True):
        alone = plain.segment(*turned(axis))
        values, labels = alone.probabilities["WT"].data, alone.labels.data
        each.append(values if axis is None else np.flip(values, axis))
        assert (found.views[name].data == (labels if axis is None else np.flip(labels, axis))).mean() > 0.99
    np.testing.assert_allclose(found.probabilities["WT"].data, np.mean(each, axis=0), atol=4e-3)


def test_fast_grows_the_window_and_flips_nothing(tmp_path: Path) -> None:
    inference = {"patch": [8, 8, 8], "overlap": 0.5, "mirror": True}
    write_toy(tmp_path / "toy", document=document_of(inference=inference))
    fast = get_segmenter(str(tmp_path / "toy"), effort="fast")
    assert (fast.settings.mirror_axes, fast.settings.overlap, fast.settings.stretch) == ((), 0.25, 2.0)  # type: ignore[attr-defined]
    assert fast.segment(*exam()).facts["effort"] == "fast"


def test_an_effort_that_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidImage, match="'subtraction' has one way of working; leave out --fast"):
        get_segmenter("subtraction", effort="fast")


def test_what_ships_is_taken_wherever_it_can_work_and_shows_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glioscope.bundles.folder.SHIPPED", tmp_path / "models")
    inputs = {"channels": ["t1c", "t2w"], "normalisation": "zscore", "optional": ["t1c", "t2w"]}
    bundle = write_toy(tmp_path / "models" / "default", document=document_of(inputs=inputs))
    (bundle.folder / "card.md").write_text("# What it is\n\nNot much.\n")
    (bundle.folder / "failures.png").write_bytes(b"a picture")
    write_toy(tmp_path / "models" / "asked-for", document=document_of(inputs=inputs))
    assert not find_entry("asked-for").automatic
    assert choose_segmenter({T2W}) == "default"
    assert choose_segmenter({T2W, T2F}) == "default"
    assert choose_segmenter({T2F}) == "flair-threshold"  # it knows nothing of FLAIR
    assert choose_segmenter({T1C}) == "default"
    assert choose_segmenter({T1N, T2F}) == "flair-threshold"
    with pytest.raises(MissingSequence):
        choose_segmenter({T1N})
    assert find_entry("default").document()["model_card"].startswith("# What it is")
    assert find_entry("default").document()["figures"] == [str(bundle.folder / "failures.png")]
    done = CliRunner().invoke(app, ["segmenters", "show", "default"])
    assert done.exit_code == 0, done.output
    assert "Not much." in done.output
    assert "failures.png" in done.output
    assert "{" not in done.output


def test_an_exam_with_none_of_the_optional_sequences_is_refused(tmp_path: Path) -> None:
    inputs = {"channels": ["t1c", "t2f"], "normalisation": "zscore", "optional": ["t1c", "t2f"]}
    write_toy(tmp_path / "easy", document=document_of(inputs=inputs))
    images, brain = exam()
    with pytest.raises(MissingSequence):
        get_segmenter(str(tmp_path / "easy")).segment({T1N: images[T1N]}, brain)


def test_warming_up_leaves_what_is_broken_to_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise EngineMissing("OpenVINO is not installed; run `pip install openvino`.")

    monkeypatch.setattr("glioscope.inference.openvino_quietly.openvino", broken)
    write_toy(tmp_path / "toy")
    segmenter = get_segmenter(str(tmp_path / "toy"))
    segmenter.warm_up()
    assert segmenter.segment(*exam()).probabilities


def test_a_part_that_is_dim_on_flair_stays_undecided_where_the_network_believes_flair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sinus that took up contrast was told as a second focus, 97 mm from the tumour."""
    images, brain = exam()
    brain = brain.with_data(np.ones(SHAPE, bool))
    flair = np.random.default_rng(0).normal(100, 10, SHAPE).astype(np.float32)
    flair[2:5, 2:5, 2:5] = 200
    images = {**images, T2F: images[T2F].with_data(flair)}
    maps = np.zeros((3, *SHAPE), np.float32)
    maps[:, 2:5, 2:5, 2:5] = 0.9
    maps[:, 7:9, 7:9, 7:9] = 0.95
    monkeypatch.setattr(BundleSegmenter, "_view", lambda *_: maps)
    inputs = {"channels": ["t1c", "t2f", "flair-threshold:WT"], "normalisation": "zscore"}
    write_toy(tmp_path / "plain")
    write_toy(tmp_path / "bright", document=document_of(inputs=inputs))
    told = get_segmenter(str(tmp_path / "plain")).segment(images, brain)
    assert np.count_nonzero(told.labels.data) == 27 + 8
    told = get_segmenter(str(tmp_path / "bright")).segment(images, brain)
    assert np.count_nonzero(told.labels.data) == np.count_nonzero(told.labels.data[2:5, 2:5, 2:5]) == 27
    for region in ("WT", "TC", "ET"):
        assert told.probabilities[region].data.max() == np.float32(0.9)
        assert told.probabilities[region].data[7:9, 7:9, 7:9].max() == np.float32(0.49)
