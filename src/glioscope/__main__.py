"""`python -m glioscope` is `glioscope`."""

from glioscope.cli import main

main()
