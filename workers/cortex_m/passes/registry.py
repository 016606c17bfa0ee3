"""All rewrites by name."""

from __future__ import annotations

from workers.cortex_m.passes.base import Rewrite
from workers.cortex_m.passes.edge.drop_clones import DropClones
from workers.cortex_m.passes.edge.fold_clones import FoldClones
from workers.cortex_m.passes.edge.sink_elementwise import SinkElementwise
from workers.cortex_m.passes.edge.sink_splits import SinkSplits
from workers.cortex_m.passes.lowered.channels_to_four import ChannelsToFour
from workers.cortex_m.passes.lowered.depthwise_to_convolution import DepthwiseToConvolution
from workers.cortex_m.passes.lowered.linear_to_convolution import LinearToConvolution
from workers.cortex_m.passes.lowered.pad_apart import PadApart
from workers.cortex_m.passes.lowered.pad_into_convolution import PadIntoConvolution
from workers.cortex_m.passes.lowered.row_along_height import RowAlongHeight
from workers.cortex_m.passes.lowered.stride_to_channels import StrideToChannels

#: In the order in which a recipe that takes all of them is sensible.
REWRITES: tuple[type[Rewrite], ...] = (
    DropClones,
    FoldClones,
    SinkElementwise,
    SinkSplits,
    PadIntoConvolution,
    DepthwiseToConvolution,
    StrideToChannels,
    LinearToConvolution,
    ChannelsToFour,
    PadApart,
    RowAlongHeight,
)

#: ExecuTorch's passes that change the cost alone, so that they may be left out.
COST_ONLY = (
    "CortexMCanonicalizeViewCopyPermutePass",
    "RemovePermutesAroundElementwiseOps",
    "ReplaceSqueezeAndUnsqueezeWithViewPass",
)


def rewrites() -> dict[str, type[Rewrite]]:
    """Rewrites by the names that recipes write."""
    return {one.name: one for one in REWRITES}
