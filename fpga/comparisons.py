"""Comparisons for yosys: `a <= b` as `not b < a`, with constants as gates.

Yosys takes `<` from the end of a carry chain, but `<=` from it and from a comparison of all bits,
which doubles the gates (measured with 0.70: the scoreboard of the lean 8×8 has 3,802 LUTs and
carries with `<=`, 2,581 with `<`). It builds a chain for constants, too, a LUT per bit: `x > 8` of
16 bits are 5 gates.
"""

FILE = "comparisons.v"

_HEAD = """(* techmap_celltype = "{cell}" *)
module \\{cell}_{title} (A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  parameter _TECHMAP_CONSTMSK_A_ = 0, _TECHMAP_CONSTVAL_A_ = 0;
  parameter _TECHMAP_CONSTMSK_B_ = 0, _TECHMAP_CONSTVAL_B_ = 0;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
"""

_SWAPPED = (
    _HEAD
    + """  generate
    if (A_WIDTH == 0 || B_WIDTH == 0 || !({wanted})) wire _TECHMAP_FAIL_ = 1;
    else begin
      wire less;
      \\$lt #(
        .A_SIGNED({left}_SIGNED), .B_SIGNED({right}_SIGNED),
        .A_WIDTH({left}_WIDTH), .B_WIDTH({right}_WIDTH), .Y_WIDTH(1)
      ) _TECHMAP_REPLACE_ (.A({left}), .B({right}), .Y(less));
      assign Y = {sign}less;
    end
  endgenerate
endmodule
"""
)

_CONSTANT = (
    _HEAD
    + """  localparam WIDTH = A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH;
  generate
    if (A_WIDTH == 0 || B_WIDTH == 0 || A_SIGNED || B_SIGNED || !({constant}))
      wire _TECHMAP_FAIL_ = 1;
    else begin
      wire [WIDTH-1:0] a = A, b = B;
      wire [WIDTH:0] less;  // of the bits below
      genvar n;
      assign less[0] = 1'b0;
      for (n = 0; n < WIDTH; n = n + 1)
        assign less[n+1] = (!a[n] && b[n]) || (a[n] == b[n] && less[n]);
      assign Y = less[WIDTH];
    end
  endgenerate
endmodule
"""
)

_KNOWN = "&_TECHMAP_CONSTMSK_A_ || &_TECHMAP_CONSTMSK_B_"

MAP = "".join(
    _SWAPPED.format(cell=cell, title="as_lt", left=left, right=right, wanted=wanted, sign=sign)
    for cell, left, right, wanted, sign in (
        ("$le", "B", "A", "1", "!"),
        ("$ge", "A", "B", "1", "!"),
        ("$gt", "B", "A", _KNOWN, ""),
    )
) + _CONSTANT.format(cell="$lt", title="of_constant", constant=_KNOWN)
"""Text of `FILE`."""

COMMAND = f"techmap -map {FILE}"
"""Before the synthesis proper."""
