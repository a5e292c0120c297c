// MULT9X9 and MULT18X18 as the Gowin DSP guide (UG287) describes them, as far as they are used:
// registers at both operands and behind the product.
module Multiplier #(
    parameter BITS = 9, parameter AREG = 0, parameter BREG = 0, parameter OUT_REG = 0
) (
    input [BITS-1:0] A, B, SIA, SIB,
    input ASIGN, BSIGN, ASEL, BSEL, CLK, CE, RESET,
    output reg [2*BITS-1:0] DOUT
);
    reg [BITS-1:0] a = 0, b = 0;
    wire signed [BITS:0] wide_a = {ASIGN & a[BITS-1], a}, wide_b = {BSIGN & b[BITS-1], b};
    wire signed [2*BITS+1:0] product = wide_a * wide_b;
    initial DOUT = 0;
    initial if (!AREG || !BREG || !OUT_REG) $fatal(1, "this model has all registers");
    always @(posedge CLK)
        if (RESET) begin
            a <= 0; b <= 0; DOUT <= 0;
        end else if (CE) begin
            a <= ASEL ? SIA : A;
            b <= BSEL ? SIB : B;
            DOUT <= product[2*BITS-1:0];
        end
endmodule

module MULT9X9 #(parameter AREG = 0, parameter BREG = 0, parameter OUT_REG = 0) (
    input [8:0] A, B, SIA, SIB,
    input ASIGN, BSIGN, ASEL, BSEL, CLK, CE, RESET,
    output [17:0] DOUT
);
    Multiplier #(9, AREG, BREG, OUT_REG) unit (.*);
endmodule

module MULT18X18 #(parameter AREG = 0, parameter BREG = 0, parameter OUT_REG = 0) (
    input [17:0] A, B, SIA, SIB,
    input ASIGN, BSIGN, ASEL, BSEL, CLK, CE, RESET,
    output [35:0] DOUT
);
    Multiplier #(18, AREG, BREG, OUT_REG) unit (.*);
endmodule
