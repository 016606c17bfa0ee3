"""Executed instructions of a user's own kernel: an ELF file runs under QEMU, and what lies between two markers in it is
counted, in all and by class."""
