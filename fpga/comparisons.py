"""Comparisons for yosys: `a <= b` as `not b < a`.

Yosys takes `<` from the end of a carry chain, but `<=` from it and from a comparison of all bits,
which doubles the gates (measured with 0.70: the scoreboard of the lean 8×8 has 3,802 LUTs and
carries with `<=`, 2,581 with `<`).
"""

FILE = "comparisons.v"

_MAP = """(* techmap_celltype = "{cell}" *)
module \\{cell}_as_lt (A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  generate
    if (A_WIDTH == 0 || B_WIDTH == 0) wire _TECHMAP_FAIL_ = 1;
    else begin
      wire less;
      \\$lt #(
        .A_SIGNED({left}_SIGNED), .B_SIGNED({right}_SIGNED),
        .A_WIDTH({left}_WIDTH), .B_WIDTH({right}_WIDTH), .Y_WIDTH(1)
      ) _TECHMAP_REPLACE_ (.A({left}), .B({right}), .Y(less));
      assign Y = !less;
    end
  endgenerate
endmodule
"""

MAP = "".join(
    _MAP.format(cell=cell, left=left, right=right)
    for cell, left, right in (("$le", "B", "A"), ("$ge", "A", "B"))
)
"""Text of `FILE`."""

COMMAND = f"techmap -map {FILE}"
"""Before the synthesis proper."""
