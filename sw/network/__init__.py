"""The digits network: its layers, its plain-numpy reference, its image in memory."""
