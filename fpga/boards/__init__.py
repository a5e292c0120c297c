"""The boards, one file each (docs/fpga.md says how to add one)."""
