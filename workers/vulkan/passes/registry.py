"""The rewrites for Vulkan, by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable

from workers.vulkan.passes.base import Rewrite
from workers.vulkan.passes.clamps.drop_relu6 import DropRelu6
from workers.vulkan.passes.clamps.quantise_behind_clamp import QuantiseBehindClamp
from workers.vulkan.passes.factors.fold_alpha import FoldAlpha
from workers.vulkan.passes.factors.multiply_factors import MultiplyFactors
from workers.vulkan.passes.forms.fill_group_norm_weights import FillGroupNormWeights
from workers.vulkan.passes.forms.fill_norm_weights import FillNormWeights
from workers.vulkan.passes.forms.flatten_layer_norms import FlattenLayerNorms
from workers.vulkan.passes.forms.fold_batch_norms import FoldBatchNorms
from workers.vulkan.passes.forms.gather_dims import GatherDims
from workers.vulkan.passes.forms.give_scalars_a_dimension import GiveScalarsADimension
from workers.vulkan.passes.forms.instance_norms import InstanceNorms
from workers.vulkan.passes.forms.multiply_in_a_batch import MultiplyInABatch
from workers.vulkan.passes.forms.name_pool_strides import NamePoolStrides
from workers.vulkan.passes.forms.norms_of_images import NormsOfImages
from workers.vulkan.passes.forms.pad_depthwise_apart import PadDepthwiseApart
from workers.vulkan.passes.forms.spell_rms_norms import SpellRmsNorms
from workers.vulkan.passes.fusion.fuse_linear_qcs4w import FuseLinearQcs4w
from workers.vulkan.passes.fusion.fuse_linear_qcs8w import FuseLinearQcs8w
from workers.vulkan.passes.fusion.leave_unfused import LeaveUnfused
from workers.vulkan.passes.keep_on_cpu import KeepOnCpu
from workers.vulkan.passes.keep_reduced_dims import KeepReducedDims
from workers.vulkan.passes.spelling.spell_attention import SpellAttention
from workers.vulkan.passes.spelling.spell_circular_pads import SpellCircularPads
from workers.vulkan.passes.spelling.spell_reflection_pads import SpellReflectionPads
from workers.vulkan.passes.spelling.spell_remainders import SpellRemainders
from workers.vulkan.passes.tensor_scalars import TensorScalars
from workers.vulkan.passes.weights.fold_normed_weights import FoldNormedWeights
from workers.vulkan.passes.weights.fold_weights import FoldWeights

REWRITES: dict[str, type[Rewrite]] = {
    one.name: one
    for one in (
        FoldWeights,
        FoldNormedWeights,
        SpellAttention,
        SpellRmsNorms,
        SpellRemainders,
        SpellCircularPads,
        SpellReflectionPads,
        KeepReducedDims,
        NamePoolStrides,
        PadDepthwiseApart,
        InstanceNorms,
        FillNormWeights,
        FillGroupNormWeights,
        FoldBatchNorms,
        FlattenLayerNorms,
        NormsOfImages,
        GatherDims,
        GiveScalarsADimension,
        MultiplyFactors,
        MultiplyInABatch,
        QuantiseBehindClamp,
        DropRelu6,
        FoldAlpha,
        FuseLinearQcs8w,
        FuseLinearQcs4w,
        TensorScalars,
        LeaveUnfused,
        KeepOnCpu,
    )
}

_ORDER = list(REWRITES)


def in_order(passes: Iterable[Rewrite]) -> tuple[Rewrite, ...]:
    """Rewrites in the order in which they run.

    Args:
        passes: of one recipe, in any order.

    Returns:
        The same; those of one name in alphabetical order of what they say.
    """
    return tuple(sorted(passes, key=lambda one: (_ORDER.index(one.name), str(one))))
