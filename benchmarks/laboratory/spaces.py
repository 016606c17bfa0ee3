"""Which spaces are recorded: models of different kinds, with what helps them and what does not."""

from __future__ import annotations

from benchmarks.laboratory.record import Space

_U55, _U85 = "ethos-u55-128", "ethos-u85-256"

SPACES = (
    # 1-D convolutions, few programs: small enough to be searched whole by anybody
    Space(
        "tcn",
        _U55,
        "sink-moves,dilation-to-grid,dilation-to-grid@agreed,dilation-to-grid@paying,move-by-convolution@paying,"
        "plan-moves,channels-into-weights,through-elementwise,hoist-moves,stride-to-depth,"
        "widen-conv{by_taps=true}@paying",
    ),
    # convolutions, concatenations
    Space(
        "fire",
        _U85,
        "sum-by-depthwise,sum-by-depthwise@agreed,stride-to-depth@agreed,sink-moves,channels-into-weights,"
        "move-by-convolution@agreed,group-pixels@agreed,table,copy-by-conv@agreed,hoist-moves,through-rescale{up=true}",
        most=400,
    ),
    # depthwise separable convolutions
    Space(
        "mlperf-tiny/ds-cnn",
        _U55,
        "stride-to-depth,stride-to-depth@agreed,turn-convolution,sink-moves,plan-moves,pool-by-depthwise{whole=true},"
        "hoist-moves,move-by-convolution@paying",
    ),
    # spectrogram, convolutions and an LSTM cell; nearly all of the gain is in lowering choices
    Space(
        "silero-vad",
        _U85,
        "sink-moves,stride-to-depth,window-to-depth,split-projection@agreed,carried-table,through-rescale",
        by_site=(("trim-kernel", 2),),
    ),
    # PReLU: choices that pay only together, site by site
    Space(
        "mtcnn-pnet",
        _U85,
        "sink-moves,channel-by-depthwise,max-tree,plan-moves,move-by-convolution@paying,"
        "widen-conv{by_taps=true}@paying",
        by_site=(("prelu", 3),),
    ),
    # inverted residuals with scales for channels
    Space(
        "squeeze-excite",
        _U55,
        "table@paying,table@agreed,sum-by-depthwise@paying,pool-by-depthwise{whole=true}@paying,"
        "stride-to-depth@paying,sink-moves,move-by-convolution@paying,fill-channels,plan-moves,widen-conv,hoist-moves",
        most=250,
    ),
    # attention
    Space(
        "vit",
        _U85,
        "sink-moves,share-equal,table@agreed,flatten-pixels,fuse-transposes,split-projection@agreed,unbatch,"
        "max-tree@agreed,through-rescale,plan-moves",
        most=80,
    ),
)
