"""A board at the end of a serial line: frames, the link that repeats them, the engine."""
