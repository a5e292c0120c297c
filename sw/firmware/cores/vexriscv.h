/* What the variants of VexRiscv share: fences, interrupts. */
#ifndef ALHENA_VEXRISCV_H
#define ALHENA_VEXRISCV_H

#include <stdint.h>

/* The instruction `fence`, as assembler text. */
#define ALH_FENCE "  .word 0x0ff0000f\n"

/* Forget fetched instructions, as assembler text. */
#define ALH_FETCH_ANEW "  .word 0x100f\n"

/* Let interrupts come, or hold them off. */
static inline void alh_core_interrupts(int on) {
    const uint32_t both = 1u << 7 | 1u << 11; /* timer, external */
    if (on)
        __asm__ volatile("csrs mie, %0\n csrsi mstatus, 8" ::"r"(both));
    else
        __asm__ volatile("csrc mie, %0" ::"r"(both));
}

/* Whether a trap is an interrupt. */
static inline int alh_core_interrupted(uint32_t cause) { return cause >> 31; }

#endif
