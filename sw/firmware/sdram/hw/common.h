/* What LiteDRAM's headers ask of a system: access to its registers. */
#ifndef ALHENA_SDRAM_COMMON_H
#define ALHENA_SDRAM_COMMON_H

#include "runtime.h"

static inline void csr_write_simple(uint32_t value, uint32_t address) {
    ALH_REGISTER(ALH_SDRAM_ADDRESS) = address;
    ALH_REGISTER(ALH_SDRAM_DATA) = value;
}

static inline uint32_t csr_read_simple(uint32_t address) {
    ALH_REGISTER(ALH_SDRAM_ADDRESS) = address;
    return ALH_REGISTER(ALH_SDRAM_DATA);
}

#endif
