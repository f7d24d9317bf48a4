"""Tests of glioscope.reporting."""
