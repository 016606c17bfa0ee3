"""The contract of `transpose-matmul`."""

from support.random.sums import TURNED_PRODUCTS

from search_space.choices.matmul.transpose_matmul import TransposeMatmul
from velatune.testing import PassContract


class TestTransposeMatmul(PassContract):
    a_pass = TransposeMatmul()
    operators = TURNED_PRODUCTS
