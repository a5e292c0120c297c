"""What Amaranth's `platform` is while a design is elaborated for a device."""


class Platform:
    """Tells units the device, and takes the Verilog of the parts that come as such."""

    def __init__(self, device: str):
        self.device = device
        self.files: dict[str, str] = {}

    def add_file(self, name: str, text: str):
        """A Verilog file that belongs to the design."""
        self.files[name] = text
