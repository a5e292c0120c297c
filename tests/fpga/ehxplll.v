// An ECP5's clock generator that passes its clock on; it locks after some cycles.
module EHXPLLL #(
    parameter FEEDBK_PATH = "", parameter CLKI_DIV = 1, parameter CLKFB_DIV = 1,
    parameter CLKOP_ENABLE = "", parameter CLKOP_DIV = 1, parameter CLKOP_CPHASE = 0,
    parameter CLKOP_FPHASE = 0
) (
    input CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG,
    input PLLWAKESYNC, ENCLKOP,
    output CLKOP, LOCK
);
    reg [3:0] count = 0;
    assign CLKOP = CLKI;
    assign LOCK = &count;
    always @(posedge CLKI) if (!LOCK) count <= count + 1;
endmodule
