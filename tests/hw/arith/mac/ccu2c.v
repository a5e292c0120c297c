// ECP5's cell of two places of a carry chain, as its data sheet draws it (INJECT1: "NO").
module CCU2C #(
    parameter [15:0] INIT0 = 0, INIT1 = 0,
    parameter INJECT1_0 = "NO", INJECT1_1 = "NO"
) (
    input CIN, A0, B0, C0, D0, A1, B1, C1, D1,
    output S0, S1, COUT
);
    wire p0 = INIT0[{D0, C0, B0, A0}], g0 = INIT0[{2'b00, B0, A0}];
    wire p1 = INIT1[{D1, C1, B1, A1}], g1 = INIT1[{2'b00, B1, A1}];
    wire c1 = p0 ? CIN : g0;
    assign S0 = p0 ^ CIN, S1 = p1 ^ c1, COUT = p1 ? c1 : g1;
endmodule
