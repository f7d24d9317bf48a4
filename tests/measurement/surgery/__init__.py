"""Tests of what is measured after surgery."""
