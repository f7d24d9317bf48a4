"""Tests of glioscope.quality."""
