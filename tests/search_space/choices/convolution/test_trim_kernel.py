"""The contract of `trim-kernel`."""

from support.random.convolution.convolutions import NARROW

from search_space.choices.convolution.trim_kernel import TrimKernel
from velatune.testing import PassContract


class TestTrimKernel(PassContract):
    a_pass = TrimKernel()
    operators = NARROW
