"""The contract of `int4-as-int8`."""

from support.random.convolution.packed import PACKED

from search_space.choices.convolution.int4_as_int8 import Int4AsInt8
from velatune.testing import PassContract


class TestInt4AsInt8(PassContract):
    a_pass = Int4AsInt8()
    operators = PACKED
