"""What a segmentation says in millilitres and millimetres: volumes, diameters, lesions, foci, RANO, location, surroundings."""

from glioscope.measurement.atlas_maps import AtlasMaps, align_atlases, values_at
from glioscope.measurement.diameters import AxialDiameters, axial_diameters, feret_diameter
from glioscope.measurement.foci import Foci, find_foci, gap_between
from glioscope.measurement.intervals import (
    INTERVAL_PERCENT,
    INTERVAL_RULE,
    VolumeEvidence,
    chance_of_at_least,
    consistent,
    label_interval,
    label_parts,
    volume_interval,
)
from glioscope.measurement.lesion_measurements import LesionMeasurements, measure_lesions
from glioscope.measurement.lesions import lesion_sizes, separate_lesions
from glioscope.measurement.location import Location, Share, locate
from glioscope.measurement.measure import DEFINITIONS, Measurements, RegionMeasurements, measure
from glioscope.measurement.overlaps import Overlap, label_overlaps, tract_overlaps
from glioscope.measurement.rano import RANO_EDITION, RanoDisease, RanoLesion, rano_disease
from glioscope.measurement.resectability import RESECTABILITY_RULE, Resectability, resectability
from glioscope.measurement.surroundings import Neighbourhood, Surroundings
from glioscope.measurement.widening import Widening, needed_factor

__all__ = [
    "DEFINITIONS",
    "INTERVAL_PERCENT",
    "INTERVAL_RULE",
    "RANO_EDITION",
    "RESECTABILITY_RULE",
    "AtlasMaps",
    "AxialDiameters",
    "Foci",
    "LesionMeasurements",
    "Location",
    "Measurements",
    "Neighbourhood",
    "Overlap",
    "RanoDisease",
    "RanoLesion",
    "RegionMeasurements",
    "Resectability",
    "Share",
    "Surroundings",
    "VolumeEvidence",
    "Widening",
    "align_atlases",
    "axial_diameters",
    "chance_of_at_least",
    "consistent",
    "feret_diameter",
    "find_foci",
    "gap_between",
    "label_interval",
    "label_overlaps",
    "label_parts",
    "lesion_sizes",
    "locate",
    "measure",
    "measure_lesions",
    "needed_factor",
    "rano_disease",
    "resectability",
    "separate_lesions",
    "tract_overlaps",
    "values_at",
    "volume_interval",
]
