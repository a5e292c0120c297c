// What the iCE40's block RAM does in netlists, for simulation.

// 256 words of 16 bits, with a write and a read port. In mode m a port sees words of 16 >> m bits:
// of each group of 1 << m bits it takes one, which its upper address bits choose.
module SB_RAM40_4K #(
    parameter WRITE_MODE = 0, parameter READ_MODE = 0,
    parameter [255:0] INIT_0 = 0, INIT_1 = 0, INIT_2 = 0, INIT_3 = 0, INIT_4 = 0, INIT_5 = 0,
    parameter [255:0] INIT_6 = 0, INIT_7 = 0, INIT_8 = 0, INIT_9 = 0, INIT_A = 0, INIT_B = 0,
    parameter [255:0] INIT_C = 0, INIT_D = 0, INIT_E = 0, INIT_F = 0
) (
    input RCLK, RCLKE, RE, WCLK, WCLKE, WE, input [10:0] RADDR, WADDR,
    input [15:0] MASK, WDATA, output reg [15:0] RDATA
);
    localparam W = 1 << WRITE_MODE, R = 1 << READ_MODE;
    localparam [4095:0] INIT = {INIT_F, INIT_E, INIT_D, INIT_C, INIT_B, INIT_A, INIT_9, INIT_8,
                                INIT_7, INIT_6, INIT_5, INIT_4, INIT_3, INIT_2, INIT_1, INIT_0};
    reg [15:0] words [0:255];
    wire [2:0] w = WADDR[10:8] & (W - 1), r = RADDR[10:8] & (R - 1);
    integer n;
    initial for (n = 0; n < 256; n = n + 1) words[n] = INIT[16 * n +: 16];
    always @(posedge WCLK)
        if (WCLKE && WE)
            for (n = 0; n < 16; n = n + 1)
                if (n % W == w && !(WRITE_MODE == 0 && MASK[n]))
                    words[WADDR[7:0]][n] <= WDATA[n - n % W + (W > 1 ? W / 2 - 1 : 0)];
    always @(posedge RCLK)
        if (RCLKE && RE)
            for (n = 0; n < 16; n = n + 1)
                if (n % R == r) RDATA[n - n % R + (R > 1 ? R / 2 - 1 : 0)] <= words[RADDR[7:0]][n];
endmodule
