/* VexRiscv: data cache, time. */
#ifndef ALHENA_CORE_H
#define ALHENA_CORE_H

#include "vexriscv.h"

/* Clean and drop the data cache, as assembler text. */
#define ALH_INVALIDATE "  .word 0x500f\n"

static inline uint64_t alh_core_cycles(void) {
    uint32_t high, low, again;
    do __asm__ volatile("csrr %0, mcycleh\n csrr %1, mcycle\n csrr %2, mcycleh"
                        : "=r"(high), "=r"(low), "=r"(again));
    while (high != again);
    return (uint64_t)high << 32 | low;
}

#endif
