/* alh_issue_any(rs1, rs2) at 8 * funct: a custom instruction with every funct, for commands that
 * come from memory (the function code is part of the instruction). */
#ifdef ALH_OPCODE
    .section .text.alh_issue_any, "ax"
    .globl alh_issue_any
    .balign 8
alh_issue_any:
    .set    funct, 0
    .rept   128
    .word   ALH_OPCODE | 10 << 7 | 10 << 15 | 11 << 20 | funct << 25 /* a0 = issue(a0, a1) */
    ret
    .set    funct, funct + 1
    .endr
#endif
