"""Brain atlases: what exists, installing it on this machine, and where its volumes are."""

from glioscope.atlas.catalogue import CATALOGUE, AtlasEntry, VolumeEntry
from glioscope.atlas.installation import Installed, install_atlases
from glioscope.atlas.location_volumes import (
    HOW_TO_GET,
    LocationVolumes,
    find_location_volumes,
    opened_volumes,
    parcel_names,
)
from glioscope.atlas.store import AtlasStatus, atlas_volume, atlases_folder, list_atlases, remove_atlas, verify_atlas

__all__ = [
    "CATALOGUE",
    "HOW_TO_GET",
    "AtlasEntry",
    "AtlasStatus",
    "Installed",
    "LocationVolumes",
    "VolumeEntry",
    "atlas_volume",
    "atlases_folder",
    "find_location_volumes",
    "install_atlases",
    "list_atlases",
    "opened_volumes",
    "parcel_names",
    "remove_atlas",
    "verify_atlas",
]
