"""Training losses by name; listing them imports no engine."""

from glioscope.losses.registry import LOSSES, LossEntry, build_loss, list_losses

__all__ = ["LOSSES", "LossEntry", "build_loss", "list_losses"]
