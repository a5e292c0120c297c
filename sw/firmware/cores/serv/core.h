/* SERV: interrupts, time. It has no cache and no counter (rdcycle reads anything). */
#ifndef ALHENA_CORE_H
#define ALHENA_CORE_H

#include <stdint.h>

/* Nothing: its `fence` reads from anywhere, and memory sees its accesses in order anyway. */
#define ALH_FENCE ""

#define ALH_INVALIDATE ""
#define ALH_FETCH_ANEW ""

/* Let interrupts come, or hold them off: its only one. */
static inline void alh_core_interrupts(int on) {
    const uint32_t timer = 1u << 7;
    if (on)
        __asm__ volatile("csrs mie, %0\n csrsi mstatus, 8" ::"r"(timer));
    else
        __asm__ volatile("csrc mie, %0" ::"r"(timer));
}

/* Whether a trap is an interrupt. */
static inline int alh_core_interrupted(uint32_t cause) { return cause >> 31; }

uint64_t alh_timer_now(void);
static inline uint64_t alh_core_cycles(void) { return alh_timer_now(); }

#endif
