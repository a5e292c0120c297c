/* VexRiscv Lite: start, traps. The core wakes up here with nothing set. */
#include "start.h"
#define CSR_INTERRUPTS 0xbc0 /* external interrupt mask */

    .section .text.start, "ax"
    .globl _start
_start:
    pointers
    la      t0, _trap
    csrw    mtvec, t0
    li      t0, 1
    csrw    CSR_INTERRUPTS, t0
    begin

    .section .text.trap, "ax"
    .balign 4
_trap:
    machine_trap
