"""Performance beside published figures; every row says how to measure it again."""
