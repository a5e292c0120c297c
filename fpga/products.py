"""Products with small constants for yosys: as sums, not in multiplier blocks.

Yosys gives a product its block however small it is: how many bytes so many rows have, say. Where an
array takes all blocks but the outermost, the way there and back is most of a core's cycle (measured
with 0.70, 12×12 on an 85F: 18 of 24 ns).
"""

FILE = "products.v"

BITS = 8
"""Of the largest constants."""

_SUM = """(* techmap_celltype = "$mul" *)
module \\$mul_{title} (A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  parameter _TECHMAP_CONSTMSK_{which}_ = 0, _TECHMAP_CONSTVAL_{which}_ = 0;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  generate
    if (A_SIGNED || B_SIGNED || {which}_WIDTH > {bits} || !(&_TECHMAP_CONSTMSK_{which}_))
      wire _TECHMAP_FAIL_ = 1;
    else begin
      wire [Y_WIDTH-1:0] x = {other};
      wire [Y_WIDTH*({which}_WIDTH+1)-1:0] sums;
      genvar n;
      assign sums[Y_WIDTH-1:0] = 0;
      for (n = 0; n < {which}_WIDTH; n = n + 1)
        assign sums[Y_WIDTH*(n+1) +: Y_WIDTH] =
          sums[Y_WIDTH*n +: Y_WIDTH] + (_TECHMAP_CONSTVAL_{which}_[n] ? x << n : 0);
      assign Y = sums[Y_WIDTH*{which}_WIDTH +: Y_WIDTH];
    end
  endgenerate
endmodule
"""

MAP = "".join(
    _SUM.format(title=title, which=which, other=other, bits=BITS)
    for title, which, other in (("by_constant", "B", "A"), ("of_constant", "A", "B"))
)
"""Text of `FILE`."""

COMMAND = f"techmap -map {FILE}"
"""Before the synthesis proper."""
