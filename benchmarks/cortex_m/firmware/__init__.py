"""A bare-metal program that runs `.pte` files with ExecuTorch's runtime and CMSIS-NN under QEMU."""
