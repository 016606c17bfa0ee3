"""The contract of `channels-into-weights`."""

from support.random.channels import CHANNEL_ORDERS

from search_space.passes.channels_into_weights import ChannelsIntoWeights
from velatune.testing import PassContract


class TestChannelsIntoWeights(PassContract):
    a_pass = ChannelsIntoWeights()
    operators = CHANNEL_ORDERS
