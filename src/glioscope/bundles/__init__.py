"""Trained systems as folders: what they are given, what they give, their weights and their card."""

from glioscope.bundles.bundle import Bundle, read_bundle, write_bundle
from glioscope.bundles.channels import Channel, Inputs, build_channels, parse_channel, parse_inputs
from glioscope.bundles.folder import SHIPPED, bundles_folder, find_bundle, list_bundles, shipped_bundles
from glioscope.bundles.measured import Measured, measured_with

__all__ = [
    "SHIPPED",
    "Bundle",
    "Channel",
    "Inputs",
    "Measured",
    "build_channels",
    "bundles_folder",
    "find_bundle",
    "list_bundles",
    "measured_with",
    "parse_channel",
    "parse_inputs",
    "read_bundle",
    "shipped_bundles",
    "write_bundle",
]
