"""The contract of `fold-channel-permutation`."""

from support.random.convolution.channels import CHANNEL_ORDERS

from search_space.passes.fold_channel_permutation import FoldChannelPermutation
from velatune.testing import PassContract


class TestFoldChannelPermutation(PassContract):
    a_pass = FoldChannelPermutation()
    operators = CHANNEL_ORDERS
