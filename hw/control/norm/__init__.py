"""Softmax, layernorm and GELU in integers, on the way from the accumulator memory to the scaler."""
