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

// One multiplier of 16 bits, or two of 8 with A and B split in halves, and an adder for each half of
// the product, with C above and D below: registers where they are asked for, those of operands and
// sums may hold. The lower adder's carry enters the upper one if that asks for it.
module SB_MAC16 #(
    parameter A_REG = 0, parameter B_REG = 0, parameter C_REG = 0, parameter D_REG = 0,
    parameter MODE_8x8 = 0, parameter A_SIGNED = 0, parameter B_SIGNED = 0,
    parameter TOP_8x8_MULT_REG = 0, parameter BOT_8x8_MULT_REG = 0,
    parameter PIPELINE_16x16_MULT_REG2 = 0,
    parameter TOPOUTPUT_SELECT = 0, parameter BOTOUTPUT_SELECT = 0,
    parameter TOPADDSUB_UPPERINPUT = 0, parameter TOPADDSUB_LOWERINPUT = 0,
    parameter BOTADDSUB_UPPERINPUT = 0, parameter BOTADDSUB_LOWERINPUT = 0,
    parameter TOPADDSUB_CARRYSELECT = 0
) (
    input CLK, CE, AHOLD, BHOLD, CHOLD, DHOLD, IRSTTOP, IRSTBOT, ORSTTOP, ORSTBOT,
    input OLOADTOP, OLOADBOT, ADDSUBTOP, ADDSUBBOT, OHOLDTOP, OHOLDBOT, CI, ACCUMCI, SIGNEXTIN,
    input [15:0] A, B, C, D, output [31:0] O
);
    reg [15:0] ra, rb, rc, rd, top8, bottom8, upper, lower;
    reg [31:0] whole;
    wire [15:0] a = A_REG ? ra : A, b = B_REG ? rb : B, c = C_REG ? rc : C, d = D_REG ? rd : D;
    function [15:0] product(input [7:0] x, input [7:0] y);
        product = {{8{A_SIGNED != 0 & x[7]}}, x} * {{8{B_SIGNED != 0 & y[7]}}, y};
    endfunction
    wire [15:0] up = product(a[15:8], b[15:8]), down = product(a[7:0], b[7:0]);
    wire [31:0] full = {{16{A_SIGNED != 0 & a[15]}}, a} * {{16{B_SIGNED != 0 & b[15]}}, b};
    wire [15:0] top = TOP_8x8_MULT_REG ? top8 : up, bottom = BOT_8x8_MULT_REG ? bottom8 : down;
    wire [31:0] both = PIPELINE_16x16_MULT_REG2 ? whole : full;
    wire [15:0] below = BOTADDSUB_LOWERINPUT == 2 ? both[15:0] : bottom;
    wire [15:0] above = TOPADDSUB_LOWERINPUT == 2 ? both[31:16] : top;
    wire [16:0] sum = (BOTADDSUB_UPPERINPUT ? d : lower) + below;
    wire [15:0] higher = (TOPADDSUB_UPPERINPUT ? c : upper) + above
        + (TOPADDSUB_CARRYSELECT == 2 & sum[16]);
    always @(posedge CLK) begin
        if (!AHOLD) ra <= A;
        if (!BHOLD) rb <= B;
        if (!CHOLD) rc <= C;
        if (!DHOLD) rd <= D;
        {top8, bottom8, whole} <= {up, down, full};
        if (!OHOLDTOP) upper <= higher;
        if (!OHOLDBOT) lower <= sum[15:0];
    end
    function [15:0] out(input integer choice, input [15:0] now, kept, half, part);
        out = choice == 0 ? now : choice == 1 ? kept : choice == 2 ? half : part;
    endfunction
    assign O = {out(TOPOUTPUT_SELECT, higher, upper, top, both[31:16]),
                out(BOTOUTPUT_SELECT, sum[15:0], lower, bottom, both[15:0])};
endmodule
