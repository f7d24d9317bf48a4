from __future__ import annotations

import nibabel as nib
import numpy as np

from glioscope.atlas.catalogue import VolumeEntry
from glioscope.atlas.cleaning import clean_volume, region_names
from glioscope.atlas.location import carry_labels


def test_probabilities_are_finite_and_stepped() -> None:
    data = np.array([np.nan, 0.5, 2.0, -1.0], np.float32).reshape(1, 2, 2)
    image = nib.Nifti1Image(np.concatenate([data, data]), np.eye(4))
    out = clean_volume(image.to_bytes(), VolumeEntry("p", "probability", "p.nii"))
    assert out.data.dtype == np.float32
    np.testing.assert_allclose(out.data[0].ravel(), [0, 128 / 255, 1, 0], atol=1e-7)


def test_region_names_leave_white_matter_and_blank_rows_out() -> None:
    table = b"Region,Laterality,Matter type,Label\nfrontal,left,wm,30\nfrontal,left,gm,210\n,,,\nbrain_stem,None,,20\n"
    assert region_names(table) == {"20": "brain stem", "210": "left frontal lobe"}


def test_labels_are_carried_by_share_not_by_number() -> None:
    labels = np.zeros((3, 1, 1), np.uint8)
    labels[:, 0, 0] = [2, 9, 9]
    where = np.array([[0.0, 0.4, 0.6, 2.0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert carry_labels(labels, where).tolist() == [2, 2, 9, 9]
