// What the cells of an ECP5 that designs name do, for simulation. What is not here (delays, most
// modes) no design of ours uses.

// A clock generator that passes its clock on; it locks after some cycles. With a second output it
// is that one that it passes on, and the first has a pulse of it in every so-manieth of its cycles.
module EHXPLLL #(
    parameter FEEDBK_PATH = "", parameter CLKI_DIV = 1, parameter CLKFB_DIV = 1,
    parameter CLKOP_ENABLE = "", parameter CLKOP_DIV = 1, parameter CLKOP_CPHASE = 0,
    parameter CLKOP_FPHASE = 0, parameter CLKOS_ENABLE = "", parameter CLKOS_DIV = CLKOP_DIV,
    parameter CLKOS_CPHASE = 0, parameter CLKOS_FPHASE = 0
) (
    input CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG,
    input PLLWAKESYNC, ENCLKOP,
    output CLKOP, CLKOS, LOCK
);
    localparam TIMES = CLKOP_DIV / CLKOS_DIV;
    reg [3:0] count = 0;
    reg [7:0] turn = 0;
    reg pulse = 1;
    assign CLKOS = CLKI;
    assign CLKOP = CLKI & pulse;
    assign LOCK = &count;
    always @(posedge CLKOP) if (!LOCK) count <= count + 1;
    always @(negedge CLKI) begin
        turn <= turn == TIMES - 1 ? 0 : turn + 1;
        pulse <= turn == TIMES - 1;
    end
endmodule

// D0 in a clock's first half, D1 in its second; our D0 and D1 are constants.
module ODDRX1F (input D0, D1, SCLK, RST, output Q);
    assign Q = SCLK ? D0 : D1;
endmodule

// A flip-flop with asynchronous set.
module FD1S3BX (input D, CK, PD, output reg Q = 1);
    always @(posedge CK or posedge PD) if (PD) Q <= 1; else Q <= D;
endmodule

// Flip-flops beside a pin; synchronous set, enable.
module OFS1P3BX (input D, SP, SCLK, PD, output reg Q = 1);
    always @(posedge SCLK) if (PD) Q <= 1; else if (SP) Q <= D;
endmodule

module IFS1P3BX (input D, SP, SCLK, PD, output reg Q = 1);
    always @(posedge SCLK) if (PD) Q <= 1; else if (SP) Q <= D;
endmodule

// A pin.
module TRELLIS_IO #(parameter DIR = "INPUT") (inout B, input I, T, output O);
    assign B = T ? 1'bz : I;
    assign O = B;
endmodule
