"""Tests of glioscope.measurement."""
