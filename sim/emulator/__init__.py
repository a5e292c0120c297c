"""Fast matrix products that equal the array's bit for bit, tile order included."""

from .gemm import Product, gemm
from .mac import Mac

__all__ = ["Mac", "Product", "gemm"]
