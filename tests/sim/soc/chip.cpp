// The SDRAM's chip alone, clocked from Python.
#include "sdram.h"

extern "C" {
Sdram* chip_create(double period_ns) { return new Sdram(period_ns); }
void chip_destroy(Sdram* chip) { delete chip; }
const char* chip_violation(Sdram* chip) { return chip->violation().c_str(); }
// `command`: cs_n, ras_n, cas_n, we_n from bit 3 on.
uint32_t chip_edge(Sdram* chip, uint32_t command, uint32_t ba, uint32_t a, uint32_t dm, uint32_t dq,
                   uint32_t driven) {
    return chip->edge({true, bool(command & 8), bool(command & 4), bool(command & 2),
                       bool(command & 1), ba, a, dm, dq, driven});
}
}
