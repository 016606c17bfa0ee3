"""The built-in models: one net per file, looked up by name, imported only when asked for."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.models.types import SourceModel


@dataclass(frozen=True)
class BuiltIn:
    """A built-in model: calling it imports its file and makes the net."""

    description: str
    module: str
    function: str = "load"

    def __call__(self) -> "SourceModel":
        loader: Callable[[], SourceModel] = getattr(
            importlib.import_module(f"workers.models.suite.{self.module}"), self.function
        )
        return loader()


MODELS: dict[str, BuiltIn] = {
    "mlperf-tiny/ds-cnn": BuiltIn(
        "keyword spotting, depthwise separable CNN, 49x10 MFCC (random weights)", "mlperf_tiny", "load_ds_cnn"
    ),
    "mlperf-tiny/resnet8": BuiltIn(
        "image classification, ResNet-8, 32x32 (random weights)", "mlperf_tiny", "load_resnet8"
    ),
    "mlperf-tiny/mobilenet-v1-025": BuiltIn(
        "visual wake words, MobileNetV1 0.25, 96x96 (random weights)", "mlperf_tiny", "load_mobilenet_v1_025"
    ),
    "mlperf-tiny/deep-autoencoder": BuiltIn(
        "anomaly detection, fully connected, 640 features (random weights)",
        "mlperf_tiny",
        "load_deep_autoencoder",
    ),
    "silero-vad": BuiltIn("voice activity detection, STFT + CNN + LSTM cell (trained weights)", "audio.silero_vad"),
    "crepe-tiny": BuiltIn("pitch of a voice, six convolutions along 1024 samples (trained weights)", "audio.crepe"),
    "mtcnn-pnet": BuiltIn("face candidates in a 96x128 image, PReLU (trained weights)", "vision.mtcnn", "load_pnet"),
    "mtcnn-onet": BuiltIn("face and landmarks in a 48x48 image, PReLU (trained weights)", "vision.mtcnn", "load_onet"),
    "wav2letter": BuiltIn(
        "speech to letters, 1-D convolutions on 1 s of raw audio (random weights)", "audio.wav2letter"
    ),
    "channel-shuffle": BuiltIn("ShuffleNetV2 units: split, concat, channel shuffle", "vision.channel_shuffle"),
    "pixel-shuffle": BuiltIn("super-resolution with a pixel shuffle", "vision.pixel_shuffle"),
    "squeeze-excite": BuiltIn("inverted residuals with squeeze-and-excitation", "vision.squeeze_excite"),
    "mobilenet-v3": BuiltIn(
        "inverted residuals with hand-written hard-swish and hard sigmoid, 72x72", "vision.mobilenet_v3"
    ),
    "yolo-head": BuiltIn("two-scale detection head: view, permute, concat", "vision.yolo_head"),
    "fire": BuiltIn("SqueezeNet fire modules: concat of two convolutions", "vision.fire"),
    "vit": BuiltIn("vision transformer, 2 blocks, 65 tokens of width 96", "vision.vit"),
    "conformer": BuiltIn("Conformer encoder, 2 blocks, 32 frames of width 64", "audio.conformer"),
    "tcn": BuiltIn("dilated depthwise 1-D convolutions over 128 frames", "audio.tcn"),
    "convnext": BuiltIn("ConvNeXt blocks: patch stem, LayerNorm, GELU", "vision.convnext"),
    "unet": BuiltIn("U-Net with transposed convolutions and skip concats", "vision.unet"),
    "crnn": BuiltIn("text-line recogniser: conv, permute + reshape, linear, conv1d", "vision.crnn"),
}
