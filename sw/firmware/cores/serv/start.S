/* SERV: start, traps. */
#include "start.h"

    machine_start
    csrw    mepc, t0 /* an interrupt writes bits 29:0 only, these two are those of any program */
    begin
    machine_traps
