"""SDRAM on boards: the chip's data, its controller from LiteDRAM's generator, and their unit."""
