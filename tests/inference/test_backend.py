from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from glioscope.core import InvalidImage, ProcessingFailed
from glioscope.inference import backend
from glioscope.inference.backend import make_forward
from glioscope.inference.model_store import ModelStore, network_key
from glioscope.inference.openvino_quietly import openvino
from glioscope.inference.torch_forward import TorchForward
from glioscope.inference.variant import VARIANTS, variants_for

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


def small(seed: int = 0) -> Any:
    """Two levels with a joined skip connection, instance norm and a transposed convolution."""

    class Small(torch.nn.Module):  # type: ignore[name-defined,misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Sequential(torch.nn.Conv3d(2, 4, 3, padding=1), torch.nn.InstanceNorm3d(4, affine=True))
            self.down = torch.nn.Conv3d(4, 6, 3, stride=2, padding=1)
            self.up = torch.nn.ConvTranspose3d(6, 4, 2, stride=2)
            self.join = torch.nn.Conv3d(8, 5, 3, padding=1)
            self.last = torch.nn.Conv3d(5, 3, 1)

        def forward(self, image: Any) -> Any:
            kept = torch.nn.functional.leaky_relu(self.first(image))
            below = torch.nn.functional.leaky_relu(self.down(kept))
            return self.last(torch.nn.functional.leaky_relu(self.join(torch.cat([self.up(below), kept], 1))))

    torch.manual_seed(seed)
    return Small().eval()


EXAMPLE = torch.randn(1, 2, 8, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path)


def test_variants_of_a_cpu_without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    from glioscope.inference import variant

    monkeypatch.setattr(variant, "openvino_installed", lambda: False)
    monkeypatch.setattr(variant, "_computes_bf16", lambda device: False)
    assert [v.name for v in variants_for("cpu")] == ["torch-fp32", "torch-fp32-channels-last"]
    assert [v.name for v in variants_for("cpu", precision="bf16")] == ["torch-bf16", "torch-bf16-channels-last"]
    with pytest.raises(InvalidImage, match="no INT8 version"):
        variants_for("cpu", precision="int8")
    with pytest.raises(InvalidImage, match="does not run there"):
        variants_for("cuda", "openvino")
    with pytest.raises(InvalidImage, match="no backend 'tensorrt'"):
        variants_for("cpu", "tensorrt")


def test_int8_is_tried_only_where_it_was_accepted() -> None:
    assert "openvino-int8" not in [v.name for v in variants_for("cpu", "openvino")]
    assert "openvino-int8" in [v.name for v in variants_for("cpu", "openvino", int8=True)]
    assert "openvino-int8" not in [v.name for v in variants_for("cpu", "openvino", "float", int8=True)]


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Seconds that each variant will be found to take; nothing is measured but agreement."""
    seconds = {"torch-fp32": 3.0, "torch-fp32-channels-last": 1.0}

    def timed(forward: Any, example: Any, best: float) -> tuple[float, Any]:
        return seconds[forward.variant.name], forward(example).float()

    monkeypatch.setattr(backend, "_timed", timed)
    monkeypatch.setattr(backend, "variants_for", lambda *_, **__: list(VARIANTS[:2]))
    return seconds


def test_the_fastest_is_taken_and_remembered(store: ModelStore, stopwatch: dict[str, float]) -> None:
    network = small()
    assert make_forward(network, example=EXAMPLE, store=store).variant.name == "torch-fp32-channels-last"
    stopwatch["torch-fp32"] = 0.1  # a second look would find this one
    assert make_forward(network, example=EXAMPLE, store=store).variant.name == "torch-fp32-channels-last"
    (file,) = (store.folder / "choices").iterdir()
    answer = json.loads(file.read_text())["answer"]
    assert answer["seconds"] == {"torch-fp32": 3.0, "torch-fp32-channels-last": 1.0}
    assert answer["agreement"] == {"torch-fp32": 1.0, "torch-fp32-channels-last": 1.0}


def test_other_weights_another_size_or_another_machine_ask_anew(
    store: ModelStore, stopwatch: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = small()
    make_forward(network, example=EXAMPLE, store=store)
    stopwatch["torch-fp32"] = 0.1
    assert make_forward(small(1), example=EXAMPLE, store=store).variant.name == "torch-fp32"
    assert make_forward(network, example=EXAMPLE[..., :6], store=store).variant.name == "torch-fp32"
    monkeypatch.setattr(backend, "machine", lambda: {"processor": "another"})
    assert make_forward(network, example=EXAMPLE, store=store).variant.name == "torch-fp32"


def test_a_damaged_memory_is_asked_anew(store: ModelStore, stopwatch: dict[str, float]) -> None:
    make_forward(small(), example=EXAMPLE, store=store)
    (file,) = (store.folder / "choices").iterdir()
    file.write_text("{")
    stopwatch["torch-fp32"] = 0.1
    assert make_forward(small(), example=EXAMPLE, store=store).variant.name == "torch-fp32"


def test_the_members_of_a_family_share_a_choice(store: ModelStore, stopwatch: dict[str, float]) -> None:
    make_forward(small(0), example=EXAMPLE, store=store, family="both")
    stopwatch["torch-fp32"] = 0.1
    assert make_forward(small(1), example=EXAMPLE, store=store, family="both").variant.name == "torch-fp32-channels-last"


def test_a_variant_that_decides_otherwise_is_never_taken(
    store: ModelStore, stopwatch: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(forward: Any, example: Any, best: float) -> tuple[float, Any]:
        logits = forward(example).float()
        return stopwatch[forward.variant.name], -logits if forward.variant.channels_last else logits

    monkeypatch.setattr(backend, "_timed", timed)
    assert make_forward(small(), example=EXAMPLE, store=store).variant.name == "torch-fp32"


def test_a_variant_that_fails_leaves_the_others(
    store: ModelStore, stopwatch: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(forward: Any, example: Any, best: float) -> tuple[float, Any]:
        if forward.variant.channels_last:
            raise RuntimeError("no kernel")
        return 1.0, forward(example)

    monkeypatch.setattr(backend, "_timed", timed)
    assert make_forward(small(), example=EXAMPLE, store=store).variant.name == "torch-fp32"


def test_measuring_for_real_finds_something_that_agrees(store: ModelStore) -> None:
    network = small()
    forward = make_forward(network, backend="torch", precision="fp32", example=EXAMPLE, store=store)
    assert isinstance(forward, TorchForward)
    torch.testing.assert_close(forward(EXAMPLE), network(EXAMPLE).detach(), atol=1e-5, rtol=1e-4)


def test_bf16_is_near(store: ModelStore) -> None:
    network = small()
    found = TorchForward(network, VARIANTS[2])(EXAMPLE)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), network(EXAMPLE).detach(), atol=0.05, rtol=0.05)


def test_the_key_follows_weights_and_structure() -> None:
    one = small()
    assert network_key(one) == network_key(small())
    with torch.no_grad():
        one.last.bias[0] += 1
    assert network_key(one) != network_key(small())


class TestOpenVino:
    @pytest.fixture(autouse=True)
    def needs_openvino(self) -> None:
        pytest.importorskip("openvino")

    def test_it_answers_as_torch_does(self, store: ModelStore) -> None:
        network = small()
        forward = make_forward(network, backend="openvino", precision="fp32", example=EXAMPLE, store=store)
        assert forward.variant.name == "openvino-fp32"
        with torch.no_grad():
            for windows in (EXAMPLE, torch.cat([EXAMPLE, EXAMPLE.flip(2), 2 * EXAMPLE])):
                torch.testing.assert_close(forward(windows), network(windows), atol=1e-5, rtol=1e-4)

    def test_a_converted_network_is_kept_and_the_network_not_made_again(self, store: ModelStore) -> None:
        first = make_forward(small, backend="openvino", precision="fp32", example=EXAMPLE, key="k", store=store)

        def never() -> Any:
            raise AssertionError("the network was built")

        second = make_forward(never, backend="openvino", precision="fp32", example=EXAMPLE, key="k", store=store)
        assert torch.equal(first(EXAMPLE).clone(), second(EXAMPLE))
        with pytest.raises(AssertionError):
            make_forward(never, backend="openvino", precision="fp32", example=EXAMPLE, key="other", store=store)
        assert len(list((store.folder / "models").iterdir())) == 1

    def test_the_join_is_gone_and_the_result_the_same(self) -> None:
        from glioscope.inference.conversion import to_openvino

        kinds = [node.get_type_name() for node in to_openvino(small(), EXAMPLE).get_ops()]
        assert "Concat" not in kinds
        assert kinds.count("Convolution") == 5  # four of the network, one of them in two parts

    def test_one_conversion_serves_windows_of_other_sizes(self, store: ModelStore) -> None:
        network, larger = small(), torch.randn(1, 2, 12, 8, 16, generator=torch.Generator().manual_seed(1))
        forward = make_forward(network, backend="openvino", precision="fp32", example=EXAMPLE, store=store, window=(12, 8, 16))
        with torch.no_grad():
            torch.testing.assert_close(forward(larger), network(larger), atol=1e-5, rtol=1e-4)
        assert len(list((store.folder / "models").iterdir())) == 1

    def test_a_network_that_holds_its_size_is_converted_again(self, store: ModelStore) -> None:
        class Fixed(torch.nn.Module):  # type: ignore[name-defined,misc,unused-ignore]
            def __init__(self) -> None:
                super().__init__()
                self.first = torch.nn.Conv3d(2, 3, 3, padding=1)

            def forward(self, image: Any) -> Any:
                sides = [int(side) for side in image.shape[2:]]
                return torch.nn.functional.interpolate(self.first(image)[:, :, ::2, ::2, ::2], size=sides)

        network, larger = Fixed().eval(), torch.ones(1, 2, 12, 8, 16)
        forward = make_forward(network, backend="openvino", precision="fp32", example=EXAMPLE, store=store, window=(12, 8, 16))
        with torch.no_grad():
            torch.testing.assert_close(forward(larger), network(larger), atol=1e-5, rtol=1e-4)
        assert len(list((store.folder / "models").iterdir())) == 2

    def test_what_it_does_not_know_is_said(self) -> None:
        from glioscope.inference.conversion import to_openvino

        class Odd(torch.nn.Module):  # type: ignore[name-defined,misc,unused-ignore]
            def forward(self, image: Any) -> Any:
                return torch.linalg.eigvals(image)

        with pytest.raises(ProcessingFailed, match="OpenVINO cannot convert the network"):
            to_openvino(Odd(), EXAMPLE)

    def test_a_signal_after_several_networks_does_not_kill_the_process(self, tmp_path: Path) -> None:
        # A core that is let go takes the stack for signals of the thread with it; CI died of that.
        code = f"""
import faulthandler, gc, os, signal, torch
from glioscope.inference.openvino_forward import OpenVinoForward
from glioscope.inference.openvino_quietly import openvino
from glioscope.inference.variant import Variant
faulthandler.enable()
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
window = torch.zeros(1, 1, 8, 8, 8)
model = openvino().convert_model(torch.nn.Conv3d(1, 2, 3), example_input=window, input=[list(window.shape)])
file = {str(tmp_path / "model.xml")!r}
openvino().save_model(model, file)
first, second = [OpenVinoForward(file, Variant("openvino-fp32", "openvino", "fp32")) for _ in range(2)]
first(window), second(window)
del first, model; gc.collect()
del second; gc.collect()
os.kill(os.getpid(), signal.SIGUSR1)
"""
        done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "handled\n")

    def test_it_cannot_report_its_use(self) -> None:
        code = (
            "import sys; from glioscope.inference.openvino_quietly import openvino; openvino(); "
            "sys.exit(any(n.startswith('openvino_telemetry') and m for n, m in sys.modules.items()))"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_nor_where_somebody_else_imported_it_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[str] = []

        class Telemetry:
            def send_event(self, *_: object) -> None:
                sent.append("event")

            def start_session(self, *_: object) -> None:
                sent.append("session")

        monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace())
        monkeypatch.setitem(sys.modules, "openvino_telemetry", SimpleNamespace(Telemetry=Telemetry))
        openvino()
        Telemetry().send_event("ov", "import")
        Telemetry().start_session("ov")
        assert not sent

    def test_int8_is_near(self, store: ModelStore) -> None:
        pytest.importorskip("nncf")
        from glioscope.inference.int8 import to_int8
        from glioscope.inference.openvino_forward import OpenVinoForward

        network = small()
        make_forward(network, backend="openvino", precision="fp32", example=EXAMPLE, key="k", store=store)
        windows = [EXAMPLE[0].numpy(), EXAMPLE[0].flip(1).contiguous().numpy()]
        model = to_int8(store.model("k", EXAMPLE.shape), windows)
        assert any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())
        store.save(model, store.model("k", EXAMPLE.shape, "int8"))
        found = make_forward(network, precision="int8", example=EXAMPLE, key="k", store=store)
        assert isinstance(found, OpenVinoForward)
        with torch.no_grad():
            expected = network(EXAMPLE)
        assert float((found(EXAMPLE) - expected).abs().mean()) < 0.1 * float(expected.abs().mean())
