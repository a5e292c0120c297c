"""Training scripts of the networks in this repository."""
