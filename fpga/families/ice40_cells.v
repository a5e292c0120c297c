// What the cells of an iCE40 that designs name do, for simulation. What is not here (delays, most
// modes) no design of ours uses.

// A clock generator that passes its clock on; it locks after some cycles.
module SB_PLL40_PAD #(
    parameter FEEDBACK_PATH = "", parameter DIVR = 0, parameter DIVF = 0, parameter DIVQ = 0,
    parameter FILTER_RANGE = 0
) (input PACKAGEPIN, RESETB, BYPASS, output PLLOUTGLOBAL, LOCK);
    reg [3:0] count = 0;
    assign PLLOUTGLOBAL = PACKAGEPIN;
    assign LOCK = &count;
    always @(posedge PACKAGEPIN) if (!LOCK) count <= count + 1;
endmodule

// A pin whose two outputs take turns with the clock; our D_OUT_0 and D_OUT_1 are constants.
module SB_IO #(parameter PIN_TYPE = 0) (input OUTPUT_CLK, D_OUT_0, D_OUT_1, output PACKAGE_PIN);
    assign PACKAGE_PIN = OUTPUT_CLK ? D_OUT_0 : D_OUT_1;
endmodule
