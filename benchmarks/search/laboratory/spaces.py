"""Which spaces are recorded: models of different kinds, with what helps them and what does not."""

from __future__ import annotations

from benchmarks.search.laboratory.record import Space

_U55, _U85 = "ethos-u55-128", "ethos-u85-256"

SPACES = (
    # 1-D convolutions, few programs: small enough to be searched whole by anybody
    Space(
        "tcn",
        _U55,
        "sink-transposes,space-to-batch,space-to-batch@profitable-by-both,space-to-batch@profitable,transpose-as-conv@profitable,"
        "select-transposes,fold-channel-permutation,through-elementwise,hoist-transposes,space-to-depth,"
        "widen-conv{by_taps=true}@profitable",
    ),
    # convolutions, concatenations
    Space(
        "fire",
        _U85,
        "sum-as-depthwise,sum-as-depthwise@profitable-by-both,space-to-depth@profitable-by-both,sink-transposes,fold-channel-permutation,"
        "transpose-as-conv@profitable-by-both,block-diagonal-conv@profitable-by-both,table,identity-conv-copy@profitable-by-both,hoist-transposes,through-rescale{up=true}",
        most=400,
    ),
    # depthwise separable convolutions
    Space(
        "mlperf-tiny/ds-cnn",
        _U55,
        "space-to-depth,space-to-depth@profitable-by-both,swap-height-width,sink-transposes,select-transposes,avg-pool-as-depthwise{global_pools=true},"
        "hoist-transposes,transpose-as-conv@profitable",
    ),
    # spectrogram, convolutions and an LSTM cell; nearly all of the gain is in lowering choices
    Space(
        "silero-vad",
        _U85,
        "sink-transposes,space-to-depth,im2col,slice-conv-channels@profitable-by-both,identity-max-before-table,through-rescale",
        by_site=(("trim-kernel", 2),),
    ),
    # PReLU: choices that pay only together, site by site
    Space(
        "mtcnn-pnet",
        _U85,
        "sink-transposes,channel-affine-as-depthwise,tree-reduce-max,select-transposes,transpose-as-conv@profitable,"
        "widen-conv{by_taps=true}@profitable",
        by_site=(("prelu", 3),),
    ),
    # inverted residuals with scales for channels
    Space(
        "squeeze-excite",
        _U55,
        "table@profitable,table@profitable-by-both,sum-as-depthwise@profitable,avg-pool-as-depthwise{global_pools=true}@profitable,"
        "space-to-depth@profitable,sink-transposes,transpose-as-conv@profitable,pack-pixels-into-channels,select-transposes,widen-conv,hoist-transposes",
        most=250,
    ),
    # attention
    Space(
        "vit",
        _U85,
        "sink-transposes,cse,table@profitable-by-both,flatten-pixels,fuse-transposes,slice-conv-channels@profitable-by-both,unbatch,"
        "tree-reduce-max@profitable-by-both,through-rescale,select-transposes",
        most=80,
    ),
)
