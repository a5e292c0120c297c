/* SERV: start, traps. The core wakes up here with nothing set. */
#include "start.h"

    .section .text.start, "ax"
    .globl _start
_start:
    pointers
    la      t0, _trap
    csrw    mtvec, t0
    csrw    mepc, t0 /* an interrupt writes bits 29:0 only, these two are those of any program */
    begin

    .section .text.trap, "ax"
    .balign 4
_trap:
    machine_trap
