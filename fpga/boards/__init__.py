"""The boards, one file each (docs/board.md says how to add one)."""
