"""Brain atlases: what exists, installing it on this machine, and where its volumes are."""

from glioscope.atlas.catalogue import CATALOGUE, AtlasEntry, VolumeEntry
from glioscope.atlas.installation import Installed, install_atlases
from glioscope.atlas.store import AtlasStatus, atlas_volume, atlases_folder, list_atlases, remove_atlas, verify_atlas

__all__ = [
    "CATALOGUE",
    "AtlasEntry",
    "AtlasStatus",
    "Installed",
    "VolumeEntry",
    "atlas_volume",
    "atlases_folder",
    "install_atlases",
    "list_atlases",
    "remove_atlas",
    "verify_atlas",
]
