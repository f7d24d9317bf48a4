"""A trained system in one folder: `bundle.yaml` and files of weights, each with its checksum."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glioscope.bundles.channels import Inputs, parse_inputs
from glioscope.bundles.document import CARD, DOCUMENT, FORMAT, check_document, dump_document, parse_document, target_regions
from glioscope.core import InputUnreadable
from glioscope.core.files import atomic, sha256

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Bundle", "read_bundle", "write_bundle"]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle that was read and checked; its weights are read when they are asked for.

    Attributes:
        folder: Where it lies.
        document: What `bundle.yaml` says.
        checksum: SHA-256 of `bundle.yaml`, which holds those of the weights: it stands for the whole bundle.
    """

    folder: Path
    document: Mapping[str, Any]
    checksum: str

    @property
    def name(self) -> str:
        """What the bundle is called."""
        return str(self.document["name"])

    @property
    def kind(self) -> str:
        """`network`, `ensemble`, `cascade` or `external`."""
        return str(self.document.get("kind", "network"))

    @cached_property
    def inputs(self) -> Inputs:
        """The channels of the network."""
        return parse_inputs(self.document["inputs"])

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The regions that a bundle of kind `network` finds."""
        return target_regions(self.document["target"])

    @property
    def out_channels(self) -> int:
        """Channels of the network's output: one a region, or one a label and one for the background."""
        target = self.document["target"]
        return len(list(target["names"])) + int(target["kind"] == "labels")

    @property
    def files(self) -> list[Path]:
        """Files of weights, in the order of the members."""
        return [self.folder / str(member["file"]) for member in self.document.get("members", ()) if "file" in member]

    @property
    def model_card(self) -> str:
        """What `card.md` beside the document says, in Markdown; empty where there is none."""
        try:
            return (self.folder / CARD).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    @property
    def figures(self) -> list[Path]:
        """The card's pictures: what is PNG beside it."""
        return sorted(self.folder.glob("*.png")) if self.model_card else []

    @property
    def member_keys(self) -> list[str]:
        """For each member a word that changes whenever its network or its weights do."""
        network = self.document["network"]
        return [f"{network['name']}-{member['sha256']}" for member in self.document["members"]]

    def network(self, member: int, device: str = "cpu") -> nn.Module:
        """The network of one member, with its weights, in evaluation mode.

        Raises:
            InputUnreadable: the weights are not those of this network.
            EngineMissing: a Python package that it needs is not installed.
        """
        from glioscope.bundles.weights import load_weights
        from glioscope.networks.registry import build_network

        told = self.document["network"]
        network: nn.Module = build_network(
            told["name"], len(self.inputs.channels), self.out_channels, told.get("parameters") or {}
        )
        load_weights(network, self.files[member])
        return network.to(device).eval()

    def networks(self, device: str = "cpu") -> list[nn.Module]:
        """The networks of all members, as `network` gives them."""
        return [self.network(member, device) for member in range(len(self.files))]


def read_bundle(folder: str | PathLike[str], *, verify: bool = True) -> Bundle:
    """Read and check a bundle: its format, its keys, and that every file of weights is the one it was written with.

    Checksums of files that did not change since are not computed again. No engine is imported.

    Args:
        folder: The bundle.
        verify: Whether to look at the files of weights at all; a list of bundles need not.

    Raises:
        InputUnreadable: one sentence that names the file or key which is wrong.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputUnreadable(f"There is no folder '{place}'; a bundle is a folder with a file {DOCUMENT}.")
    file = place / DOCUMENT
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise InputUnreadable(f"'{place}' is not a bundle: it has no file {DOCUMENT}.") from None
    except OSError as error:
        raise InputUnreadable(f"'{file}' cannot be read ({error.strerror}); check its permissions.") from None
    except UnicodeDecodeError:
        raise InputUnreadable(f"'{file}' is not UTF-8 text; copy the bundle again.") from None
    document = parse_document(text, str(file))
    check_document(document, str(file))
    for member in document.get("members", ()) if verify else ():
        if "file" in member:
            _verify(place / str(member["file"]), str(member["sha256"]))
    return Bundle(place, document, sha256(file))


def write_bundle(
    folder: str | PathLike[str], document: Mapping[str, Any], members: Mapping[str, Mapping[str, Tensor]] | None = None
) -> Bundle:
    """Write a bundle and read it back.

    Args:
        folder: Made where it is not there; files of the same name are replaced, `bundle.yaml` last.
        document: What is to stand in `bundle.yaml`; `format` is added, and `members` where `members` is given.
        members: File name such as `fold-0.safetensors` -> weights by name.

    Raises:
        InputUnreadable: the document is wrong.
        OutputUnwritable: the folder cannot be written, or the disk is full. Then, too, what was there is there still.
    """
    from glioscope.bundles.weights import write_weights

    place = Path(folder)
    complete: dict[str, Any] = {"format": FORMAT, **{key: value for key, value in document.items() if key != "format"}}
    if members is not None:
        complete["members"] = [{"file": name, "sha256": ""} for name in members]
    check_document(complete, str(place / DOCUMENT))
    new = not place.exists()
    try:
        with ExitStack() as stack:  # nothing gets its name before all is written; what is opened first gets it last
            described = stack.enter_context(atomic(place / DOCUMENT))
            for entry in complete["members"] if members is not None else ():
                scratch = stack.enter_context(atomic(place / entry["file"]))
                write_weights(scratch, (members or {})[entry["file"]])
                entry["sha256"] = sha256(scratch)
            described.write_text(dump_document(complete), "utf-8")
    except BaseException:
        if new:
            with suppress(OSError):
                place.rmdir()
        raise
    return read_bundle(place)


def _verify(file: Path, checksum: str) -> None:
    try:
        stat = file.stat()
    except OSError:
        raise InputUnreadable(f"The bundle '{file.parent.name}' lacks its file '{file.name}'; copy the whole folder.") from None
    try:
        found = _sha256(file, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise InputUnreadable(f"'{file}' cannot be read ({error.strerror}).") from None
    if found != checksum:
        raise InputUnreadable(
            f"'{file}' is damaged or was changed: its checksum is not the one in {DOCUMENT}; copy the bundle again."
        )


@lru_cache(maxsize=256)
def _sha256(file: Path, _modified: int, _size: int) -> str:
    return sha256(file)
