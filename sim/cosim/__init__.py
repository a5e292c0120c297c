"""cocotb benches: any component, Verilated with VPI, driven from Python coroutines."""
