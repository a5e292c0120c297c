/* PicoRV32: start, traps. The core wakes up here with nothing set; traps come 16 bytes behind it
 * (hw/soc/cores/picorv32.py), with the address to go on in q0 and the pending interrupts in q1. */
#include "start.h"

    .section .text.start, "ax"
    .globl _start
_start:
    j       _begin
    .balign 16
_trap:
    addi    sp, sp, -64
    registers sw
    .insn r 0x0b, 4, 0, a0, x1, x0 /* getq a0, q1 */
    .insn r 0x0b, 4, 0, a1, x0, x0 /* getq a1, q0 */
    call    alh_trap
    .insn r 0x0b, 2, 1, x0, a0, x0 /* setq q0, a0 */
    registers lw
    addi    sp, sp, 64
    .insn r 0x0b, 0, 2, x0, x0, x0 /* retirq */
_begin:
    pointers
    li      t0, ~6 /* its own two: illegal instructions, misaligned accesses */
    .insn r 0x0b, 6, 3, x0, t0, x0 /* maskirq */
    begin
