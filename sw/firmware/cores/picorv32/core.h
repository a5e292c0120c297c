/* PicoRV32: interrupts, time. It has no cache, and half of a counter (rdcycle, 32 bits). */
#ifndef ALHENA_CORE_H
#define ALHENA_CORE_H

#include <stdint.h>

/* The instruction `fence`, as assembler text. */
#define ALH_FENCE "  .word 0x0ff0000f\n"

#define ALH_INVALIDATE ""
#define ALH_FETCH_ANEW ""

/* Let interrupts come, or hold them off; its own two always come. */
static inline void alh_core_interrupts(int on) {
    const uint32_t mask = on ? 0 : ~6u;
    __asm__ volatile(".insn r 0x0b, 6, 3, x0, %0, x0" ::"r"(mask)); /* maskirq */
}

/* Whether a trap is an interrupt: `cause` has a bit for each, 1 and 2 are exceptions. */
static inline int alh_core_interrupted(uint32_t cause) { return !(cause & 6); }

uint64_t alh_timer_now(void);
static inline uint64_t alh_core_cycles(void) { return alh_timer_now(); }

#endif
