// What the blocks of an ECP5 that synthesis makes do, for simulation of netlists: in the modes that
// yosys uses (Lattice FPGA-TN-02204, FPGA-TN-02205).

// A product, with registers in front of it and behind it or without. No register is ever reset.
module MULT18X18D #(
    parameter REG_INPUTA_CLK = "NONE", REG_INPUTB_CLK = "NONE", REG_OUTPUT_CLK = "NONE"
) (
    input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
    output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19,
    P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1,
    A0};
    wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1,
    B0};
    reg [17:0] a_kept = 0, b_kept = 0;
    wire [17:0] a_used = REG_INPUTA_CLK == "NONE" ? a : a_kept;
    wire [17:0] b_used = REG_INPUTB_CLK == "NONE" ? b : b_kept;
    wire signed [18:0] a_signed = {SIGNEDA & a_used[17], a_used};
    wire signed [18:0] b_signed = {SIGNEDB & b_used[17], b_used};
    wire signed [37:0] product = a_signed * b_signed;
    reg [35:0] kept = 0;
    always @(posedge CLK0) if (CE0) begin
        a_kept <= a;
        b_kept <= b;
        kept <= product[35:0];
    end
    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19,
    P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} =
        REG_OUTPUT_CLK == "NONE" ? product[35:0] : kept;
endmodule

// 18 Kbit with two ports of 1 to 18 bits, or one of 36 bits that writes (A) and one that reads (B),
// whose lower half is then at A. Words of up to 4 bits lie in the lower 8 of 9 bits; wider ones
// have an enable for each 9 bits in place of the address' lowest bits. Outputs have no second
// register.
module DP16KD #(
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18, CLKAMUX = "CLKA", CLKBMUX = "CLKB",
    parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", GSR = "AUTO",
    parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC",
    parameter ASYNC_RESET_RELEASE = "SYNC", CSDECODE_A = "0b000", CSDECODE_B = "0b000",
    parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0,
    parameter [319:0] INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0,
    parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0,
    parameter [319:0] INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0,
    parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0,
    parameter [319:0] INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0,
    parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0,
    parameter [319:0] INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0,
    parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0,
    parameter [319:0] INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0,
    parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0,
    parameter [319:0] INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0,
    parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0,
    parameter [319:0] INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0,
    parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0,
    parameter [319:0] INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0
) (
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5,
    DIA4, DIA3, DIA2, DIA1, DIA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
    DOA4, DOA3, DOA2, DOA1, DOA0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5,
    DIB4, DIB3, DIB2, DIB1, DIB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
    DOB4, DOB3, DOB2, DOB1, DOB0
);
    wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3,
    ADA2, ADA1, ADA0};
    wire [17:0] in_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7,
    DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3,
    ADB2, ADB1, ADB0};
    wire [17:0] in_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7,
    DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
    localparam [20479:0] INITIAL = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
        INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
        INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
        INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
    };
    reg [8:0] memory [0:2047];
    integer n;
    initial for (n = 0; n < 2048; n = n + 1)
        memory[n] = INITIAL[n / 2 * 20 + n % 2 * 9 +: 9];

    function [35:0] word(input integer width, input [13:0] address);
        case (width)
            36: word = {memory[{address[13:5], 2'd3}], memory[{address[13:5], 2'd2}],
                        memory[{address[13:5], 2'd1}], memory[{address[13:5], 2'd0}]};
            18: word = {18'd0, memory[{address[13:4], 1'd1}], memory[{address[13:4], 1'd0}]};
            9: word = {27'd0, memory[address[13:3]]};
            default: word = {27'd0, memory[address[13:3]] >> (address[2:0] & ~(width - 1))};
        endcase
    endfunction

    task write(input integer width, input [13:0] address, input [35:0] value);
        case (width)
            36: for (n = 0; n < 4; n = n + 1)
                if (address[n]) memory[{address[13:5], n[1:0]}] <= value[9 * n +: 9];
            18: for (n = 0; n < 2; n = n + 1)
                if (address[n]) memory[{address[13:4], n[0]}] <= value[9 * n +: 9];
            9: memory[address[13:3]] <= value[8:0];
            4: memory[address[13:3]][address[2] * 4 +: 4] <= value[3:0];
            2: memory[address[13:3]][address[2:1] * 2 +: 2] <= value[1:0];
            1: memory[address[13:3]][address[2:0]] <= value[0];
        endcase
    endtask

    wire [35:0] value_a = {in_b, in_a};
    wire clock_a = CLKAMUX == "INV" ? ~CLKA : CLKA, clock_b = CLKBMUX == "INV" ? ~CLKB : CLKB;
    reg [35:0] out_a = 0, out_b = 0;
    always @(posedge clock_a) begin
        if (RSTA) out_a <= 0;
        else if (CEA && DATA_WIDTH_A != 36) begin
            if (!WEA || WRITEMODE_A == "READBEFOREWRITE") out_a <= word(DATA_WIDTH_A, address_a);
            else if (WRITEMODE_A == "WRITETHROUGH") out_a <= {18'd0, in_a};
        end
        if (CEA && WEA && !RSTA) write(DATA_WIDTH_A, address_a, value_a);
    end
    always @(posedge clock_b) begin
        if (RSTB) out_b <= 0;
        else if (CEB) begin
            if (!WEB || WRITEMODE_B == "READBEFOREWRITE") out_b <= word(DATA_WIDTH_B, address_b);
            else if (WRITEMODE_B == "WRITETHROUGH") out_b <= {18'd0, in_b};
        end
        if (CEB && WEB && !RSTB) write(DATA_WIDTH_B, address_b, {18'd0, in_b});
    end
    reg [35:0] late_a = 0, late_b = 0;
    always @(posedge clock_a) if (RSTA) late_a <= 0; else if (OCEA) late_a <= out_a;
    always @(posedge clock_b) if (RSTB) late_b <= 0; else if (OCEB) late_b <= out_b;
    wire [35:0] shown_a = REGMODE_A == "OUTREG" ? late_a : out_a;
    wire [35:0] shown_b = REGMODE_B == "OUTREG" ? late_b : out_b;
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
    DOA4, DOA3, DOA2, DOA1, DOA0} =
        DATA_WIDTH_B == 36 ? shown_b[17:0] : shown_a[17:0];
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
    DOB4, DOB3, DOB2, DOB1, DOB0} =
        DATA_WIDTH_B == 36 ? shown_b[35:18] : shown_b[17:0];
endmodule
