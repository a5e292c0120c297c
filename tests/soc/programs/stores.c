/* Commands see the stores before them, without any fence; loads after a wait see the results. */
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>

static int8_t rows[64][ALH_DIM] __attribute__((aligned(64)));
static int8_t back[64][ALH_DIM] __attribute__((aligned(64)));

#ifndef ROUNDS
#define ROUNDS 50
#endif

int main(void) {
    int wrong = 0;
    alh_config_ld(0, 0, 0, ALH_DIM, ALH_SCALE_ONE, ALH_DIM, 0, 0);
    alh_config_st(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ALH_DIM, ALH_SCALE_ONE);
    for (int round = 0; round < ROUNDS; round++) {
        for (int r = 0; r < 64; r++) { /* store, load: with the mvin right behind the store */
            const int8_t value = (int8_t)rand();
            for (int j = 0; j < ALH_DIM; j++) rows[r][j] = (int8_t)(value + j);
            alh_mvin((uint32_t)(uintptr_t)rows[r], (uint32_t)r, ALH_DIM, 1);
        }
        for (int r = 0; r < 64; r++) (void)*(volatile int8_t *)&back[r][0]; /* into the cache */
        for (uint32_t r = 0; r < 64; r += ALH_DIM)
            alh_mvout((uint32_t)(uintptr_t)back[r], r, ALH_DIM, ALH_DIM);
        alh_wait();
        for (int r = 0; r < 64; r++)
            for (int j = 0; j < ALH_DIM; j++) wrong += back[r][j] != rows[r][j];
        for (int r = 0; r < 64; r++) back[r][0] = 0;
    }
    printf("%d wrong\n", wrong);
    return wrong != 0;
}
