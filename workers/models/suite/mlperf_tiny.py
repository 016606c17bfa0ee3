"""The four MLPerf Tiny nets as the executorch wheel carries them (with random weights: it carries none)."""

from executorch.examples.models.mlperf_tiny import DSCNNKWS, DeepAutoEncoder, MobileNetV1025, ResNet8

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


def load_ds_cnn() -> SourceModel:
    return random_model("mlperf-tiny/ds-cnn", DSCNNKWS, (1, 1, 49, 10), seed=31)


def load_resnet8() -> SourceModel:
    return random_model("mlperf-tiny/resnet8", ResNet8, (1, 3, 32, 32), seed=32)


def load_mobilenet_v1_025() -> SourceModel:
    return random_model("mlperf-tiny/mobilenet-v1-025", MobileNetV1025, (1, 3, 96, 96), seed=33)


def load_deep_autoencoder() -> SourceModel:
    return random_model("mlperf-tiny/deep-autoencoder", DeepAutoEncoder, (1, 640), seed=34)
