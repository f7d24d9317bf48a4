"""Segmentation networks by name; listing them imports no engine."""

from glioscope.networks.presets import PRESETS, Preset, preset_parameters
from glioscope.networks.registry import NETWORKS, NetworkEntry, build_network, list_networks

__all__ = ["NETWORKS", "PRESETS", "NetworkEntry", "Preset", "build_network", "list_networks", "preset_parameters"]
