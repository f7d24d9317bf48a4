"""`glioscope import-model`: a model of another program as a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glioscope.bundles import Bundle
from glioscope.core import InputUnreadable, OutputUnwritable

__all__ = ["KINDS", "import_model"]

KINDS = ("nnunet", "monai", "cascade", "external")


def import_model(
    kind: str,
    source: str,
    out: Path,
    *,
    name: str | None = None,
    channels: Sequence[str] | None = None,
    scheme: str | None = None,
    orientation: str | None = None,
    space: str = "atlas",
    licence: str | None = None,
    folds: Sequence[str] | None = None,
    time_limit_s: float | None = None,
) -> Bundle:
    """Write the bundle `out`.

    Args:
        kind: `nnunet`, `monai`, `cascade` or `external`.
        source: The model's folder; for `external` the command.
        out: The bundle to write; a folder that is not there, or an empty one.
        name: What it is to be called; by default the folder's name.
        channels: See the importers, as for all that follows; None leaves each its default.
        scheme: Label scheme.
        orientation: Of the training images.
        space: `atlas`, `native` or `any`.
        licence: Of the weights.
        folds: nnU-Net only.
        time_limit_s: External programs only.

    Raises:
        InputUnreadable: another kind, an option that the kind does not have, or what the importer cannot use.
        OutputUnwritable: the folder for the bundle holds something.
    """
    if kind not in KINDS:
        raise InputUnreadable(f"There is nothing to import of kind '{kind}'; known are {', '.join(KINDS)}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputUnwritable(f"'{out}' exists already; give the bundle another folder.")
    if space not in ("atlas", "native", "any"):
        raise InputUnreadable(f"'--space' is atlas, native or any, not '{space}'.")
    if folds and kind != "nnunet":
        raise InputUnreadable(f"'--fold' is for nnU-Net, not for {kind}.")
    if time_limit_s is not None and kind != "external":
        raise InputUnreadable(f"'--time-limit' is for external programs, not for {kind}.")
    given: dict[str, Any] = {"channels": channels, "scheme": scheme, "orientation": orientation}
    if kind == "cascade":
        if any(given.values()) or space != "atlas" or licence or name:
            raise InputUnreadable("The cascade of BraTS 2017 has its own name, channels, scheme and space; give none of them.")
        from glioscope.bundles.import_cascade import import_cascade

        return import_cascade(Path(source), out)
    given |= {"space": space, "name": name or out.name}
    if licence:
        given["licence"] = licence
    if kind == "external":
        from glioscope.bundles.external_program import import_external

        if time_limit_s is not None:
            given["time_limit_s"] = time_limit_s
        return import_external(source, out, **given)
    if not Path(source).is_dir():
        raise InputUnreadable(f"There is no folder '{source}'.")
    if kind == "monai":
        from glioscope.bundles.import_monai import import_monai

        return import_monai(Path(source), out, **given)
    from glioscope.bundles.import_nnunet import import_nnunet

    return import_nnunet(Path(source), out, folds=folds, **given)
