"""Glioscope: from a raw brain-tumour MRI exam to sub-regions, volumes, a quality statement and a report."""
