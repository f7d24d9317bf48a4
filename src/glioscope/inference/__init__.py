"""Networks over whole volumes: a sliding window, and the fastest way to run it on this machine."""

from glioscope.inference.predict import Forward, predict
from glioscope.inference.settings import WindowSettings

__all__ = ["Forward", "WindowSettings", "predict"]
