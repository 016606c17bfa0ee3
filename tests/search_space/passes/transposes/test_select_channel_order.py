"""The contract of `select-channel-order`."""

from support.random.convolution.channels import CHANNEL_ORDERS

from search_space.passes.transposes.select_channel_order import SelectChannelOrder
from velatune.testing import PassContract


class TestSelectChannelOrder(PassContract):
    a_pass = SelectChannelOrder()
    operators = CHANNEL_ORDERS
