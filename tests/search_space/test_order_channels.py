"""The contract of `order-channels`."""

from support.random.channels import CHANNEL_ORDERS

from search_space.passes.order_channels import OrderChannels
from velatune.testing import PassContract


class TestOrderChannels(PassContract):
    a_pass = OrderChannels()
    operators = CHANNEL_ORDERS
