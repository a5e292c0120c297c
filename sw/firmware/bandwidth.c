/* What the memory gives: `BYTES` in a row, loaded and stored by the accelerator, read by the core. */
#include <stdio.h>

#include "runtime.h"

#ifndef BYTES
#define BYTES 65536u
#endif

/* Bytes of the rows that a command loads or stores, one behind the other in memory. */
enum { ROW = ALH_MAX_BLOCK_LEN * ALH_ROW_BYTES, LOADED = ALH_DIM * ROW };
enum { STORED = ALH_DIM * ALH_ACC_ROW_BYTES };

static void say(const char *what, uint64_t cycles) {
    printf("%s: %u bytes in %u cycles\n", what, BYTES, (unsigned)cycles);
}

int main(void) {
    alh_config_ld(0, 0, 0, ALH_DIM, ALH_SCALE_ONE, ROW, 0, 0);
    alh_config_st(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ALH_ACC_ROW_BYTES, ALH_SCALE_ONE);
    uint64_t start = alh_cycles();
    for (uint32_t at = 0; at < BYTES; at += STORED)
        alh_mvout(at, ALH_LOCAL_ACC | ALH_LOCAL_FULL, ALH_DIM, ALH_DIM);
    alh_check();
    say("stores", alh_cycles() - start);

    start = alh_cycles();
    for (uint32_t at = 0; at < BYTES; at += LOADED)
        alh_mvin(at, at / ALH_ROW_BYTES % ALH_SP_ROWS, ALH_MAX_BLOCK_LEN * ALH_DIM, ALH_DIM);
    alh_check();
    say("loads", alh_cycles() - start);

    start = alh_cycles();
    for (const volatile uint32_t *at = 0, *end = (const uint32_t *)BYTES; at != end; at++) (void)*at;
    say("reads of the core", alh_cycles() - start);
    return 0;
}
