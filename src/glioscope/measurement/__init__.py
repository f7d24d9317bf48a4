"""What a segmentation says in millilitres and millimetres: volumes, diameters, lesions, location."""

from glioscope.measurement.diameters import AxialDiameters, axial_diameters, feret_diameter
from glioscope.measurement.lesions import lesion_sizes, separate_lesions
from glioscope.measurement.location import Location, Share, locate
from glioscope.measurement.measure import DEFINITIONS, Measurements, RegionMeasurements, measure

__all__ = [
    "DEFINITIONS",
    "AxialDiameters",
    "Location",
    "Measurements",
    "RegionMeasurements",
    "Share",
    "axial_diameters",
    "feret_diameter",
    "lesion_sizes",
    "locate",
    "measure",
    "separate_lesions",
]
