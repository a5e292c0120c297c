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

// 16,384 words of 16 bits, of which one is read or written in a cycle; bits of the mask are four each.
module SB_SPRAM256KA (
    input CLOCK, CHIPSELECT, WREN, STANDBY, SLEEP, POWEROFF,
    input [13:0] ADDRESS, input [15:0] DATAIN, input [3:0] MASKWREN, output reg [15:0] DATAOUT
);
    reg [15:0] words [0:16383];
    integer n;
    always @(posedge CLOCK)
        if (CHIPSELECT && WREN) begin
            for (n = 0; n < 4; n = n + 1)
                if (MASKWREN[n]) words[ADDRESS][4*n +: 4] <= DATAIN[4*n +: 4];
            DATAOUT <= 16'hDEAD;
        end else if (CHIPSELECT) DATAOUT <= words[ADDRESS];
endmodule

// Two multipliers of 8 bits, A and B split in halves, with registers of their operands that hold;
// with the adder chosen, C is added to the upper product and D to the lower one.
module SB_MAC16 #(
    parameter A_REG = 0, parameter B_REG = 0, parameter C_REG = 0, parameter D_REG = 0,
    parameter MODE_8x8 = 0, parameter A_SIGNED = 0, parameter B_SIGNED = 0,
    parameter TOPOUTPUT_SELECT = 0, parameter BOTOUTPUT_SELECT = 0,
    parameter TOPADDSUB_UPPERINPUT = 0, parameter TOPADDSUB_LOWERINPUT = 0,
    parameter BOTADDSUB_UPPERINPUT = 0, parameter BOTADDSUB_LOWERINPUT = 0
) (
    input CLK, CE, AHOLD, BHOLD, CHOLD, DHOLD, IRSTTOP, IRSTBOT, ORSTTOP, ORSTBOT,
    input OLOADTOP, OLOADBOT, ADDSUBTOP, ADDSUBBOT, OHOLDTOP, OHOLDBOT, CI, ACCUMCI, SIGNEXTIN,
    input [15:0] A, B, C, D, output [31:0] O
);
    reg [15:0] a, b, c, d;
    always @(posedge CLK) begin
        if (!AHOLD) a <= A;
        if (!BHOLD) b <= B;
        if (!CHOLD) c <= C;
        if (!DHOLD) d <= D;
    end
    function [15:0] product(input [7:0] x, input [7:0] y);
        product = {{8{A_SIGNED != 0 & x[7]}}, x} * {{8{B_SIGNED != 0 & y[7]}}, y};
    endfunction
    wire [15:0] top = product(a[15:8], b[15:8]), bottom = product(a[7:0], b[7:0]);
    assign O = TOPOUTPUT_SELECT == 0 ? {c + top, d + bottom} : {top, bottom};
endmodule
