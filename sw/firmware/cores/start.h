/* What every core does before main and around a trap (assembler). */

/* Zeros in .bss, then the program. */
.macro begin
    la      t0, __bss_start
    la      t1, __bss_end
1:  bgeu    t0, t1, 2f
    sw      zero, 0(t0)
    addi    t0, t0, 4
    j       1b
2:  li      a0, 0
    li      a1, 0
    call    main
    call    exit
.endm

/* Registers that hold for all of a program. */
.macro pointers
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      sp, __stack_top
.endm

/* What a call may change, onto the stack and back. */
.macro registers what
    \what   ra, 0(sp)
    \what   t0, 4(sp)
    \what   t1, 8(sp)
    \what   t2, 12(sp)
    \what   t3, 16(sp)
    \what   t4, 20(sp)
    \what   t5, 24(sp)
    \what   t6, 28(sp)
    \what   a0, 32(sp)
    \what   a1, 36(sp)
    \what   a2, 40(sp)
    \what   a3, 44(sp)
    \what   a4, 48(sp)
    \what   a5, 52(sp)
    \what   a6, 56(sp)
    \what   a7, 60(sp)
.endm

/* Every trap of a core with machine-mode CSRs: alh_trap(mcause, mepc) -> where to go on. */
.macro machine_trap
    addi    sp, sp, -64
    registers sw
    csrr    a0, mcause
    csrr    a1, mepc
    call    alh_trap
    csrw    mepc, a0
    registers lw
    addi    sp, sp, 64
    mret
.endm

/* Where a core with machine-mode CSRs wakes up, with nothing set; leaves the address of its traps,
 * which machine_traps makes, in t0. */
.macro machine_start
    .section .text.start, "ax"
    .globl _start
_start:
    pointers
    la      t0, _trap
    csrw    mtvec, t0
.endm

.macro machine_traps
    .section .text.trap, "ax"
    .balign 4
_trap:
    machine_trap
.endm

/* Start and traps of a VexRiscv, whose CSR 0xbc0 is the external interrupts' mask, with bit 31 for
 * the port of custom functions. */
.macro vexriscv_start mask
    machine_start
    li      t0, \mask
    csrw    0xbc0, t0
    begin
    machine_traps
.endm
