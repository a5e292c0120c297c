/* VexRiscv Lite has no data cache, and its counters cannot be read. */
#ifndef ALHENA_CORE_H
#define ALHENA_CORE_H

#include "vexriscv.h"

#define ALH_INVALIDATE ""

uint64_t alh_timer_now(void);
static inline uint64_t alh_core_cycles(void) { return alh_timer_now(); }

#endif
