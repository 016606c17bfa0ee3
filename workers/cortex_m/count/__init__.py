"""Executed instructions of a user's own kernel. An ELF file runs under QEMU. What lies between two markers in it is
counted, in all and by class."""
