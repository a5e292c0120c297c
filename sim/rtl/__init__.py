"""The accelerator's RTL as a Python object: Verilated, driven through a C interface."""
