// What the cells of a Gowin that designs name do, for simulation. What is not here (delays, most
// modes) no design of ours uses.

// A clock generator that passes its clock on; it locks after some cycles.
module rPLL #(
    parameter FCLKIN = "", parameter DEVICE = "", parameter IDIV_SEL = 0, parameter FBDIV_SEL = 0,
    parameter ODIV_SEL = 8, parameter CLKFB_SEL = ""
) (
    input CLKIN, CLKFB, RESET, RESET_P,
    input [5:0] FBDSEL, IDSEL, ODSEL,
    input [3:0] PSDA, DUTYDA, FDLY,
    output CLKOUT, LOCK
);
    reg [3:0] count = 0;
    assign CLKOUT = CLKIN;
    assign LOCK = &count;
    always @(posedge CLKIN) if (!LOCK) count <= count + 1;
endmodule

// D0 in a clock's first half, D1 in its second; our D0 and D1 are constants.
module ODDR (input D0, D1, TX, CLK, output Q0);
    assign Q0 = CLK ? D0 : D1;
endmodule
