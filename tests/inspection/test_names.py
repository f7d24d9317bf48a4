from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.core import Sequence
from glioscope.inspection.names import protocol_words, read_name

T1N, T1C, T2W, T2F = Sequence.T1N, Sequence.T1C, Sequence.T2W, Sequence.T2F


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("T1_AX_SE_10_se2d1", T1N),
        ("MRHR_T1_AX_POST_GAD_SE_13_se2d1r", T1C),
        ("MRHR_T2_AX_SE_2_tse2d1_11", T2W),
        ("MRHR_FLAIR_AX_SE_IR_5_tir2d1_21", T2F),
        ("BraTS2021_00006_t1ce", T1C),
        ("BraTS-GLI-00001-000-t2f", T2F),
        ("BraTS.case.12.t1n", T1N),
        ("T1 FLAIR", T1N),
        ("T2 FLAIR", T2F),
        ("t2_tirm_tra_dark-fluid_320", T2F),
        ("AxT1Post", T1C),
        ("AXT1POST", T1C),
        ("AX T1 +C", T1C),
        ("AX T1 C+", T1C),
        ("T1 -C", T1N),
        ("T1 w/o contrast", T1N),
        ("T1 without Gd", T1N),
        ("T1 post op", T1N),
        ("3D BRAVO GD", T1C),
        ("t1_mpr_ns_sag_p2_iso", T1N),
        ("T1W_3D_TFE_AX", T1N),
        ("t1 km", T1C),
        ("sub-01_ce-gadolinium_T1w", T1C),
        ("sub-t2_T1w", T1N),
        ("2_Ax_T1_FSPGR_+C_20200101_2", T1C),
        ("AX T2 FRFSE", T2W),
    ],
)
def test_words_tell_the_sequence(name: str, sequence: Sequence) -> None:
    reading = read_name(name)

    assert reading.sequence is sequence
    assert reading.set_aside is None


@pytest.mark.parametrize("name", ["fat12", "t12", "t1rho", "IM_0001", "brain", "flame", "ct1x"])
def test_letters_inside_a_word_tell_nothing(name: str) -> None:
    assert read_name(name).sequence is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ep2d_diff_ADC", "diffusion"),
        ("T2* GRE", "susceptibility (T2*)"),
        ("mIP_Images(SW)", "projection"),
        ("AX PERF DSC", "perfusion"),
        ("localizer", "localiser"),
        ("BraTS2021_1_seg", "segmentation or mask"),
        ("T1 subtraction", "subtraction"),
        ("t1map", "parameter map"),
        ("PD_AX", "proton density"),
        ("T2 STIR", "other contrast"),
    ],
)
def test_other_kinds_are_set_aside(name: str, why: str) -> None:
    assert read_name(name).set_aside == why


def test_shown_words_leave_out_what_people_type() -> None:
    assert protocol_words("Doe^John 1950 AX T1 POST GAD Dr Smith") == "AX T1 POST GAD"
    assert protocol_words("AX T1 w/o contrast") == "AX T1 without contrast"


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert protocol_words(protocol_words(text)) == protocol_words(text)
    assert read_name(text).weighting in (None, "T1", "T2", "FLAIR")
