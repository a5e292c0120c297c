/* A matrix product on the accelerator, tile by tile, checked against plain C. */
#ifndef MATRIX_H
#define MATRIX_H

#include <stdio.h>
#include <stdlib.h>

#include "runtime.h"

#ifndef TILES
#define TILES 3
#endif
enum { SIZE = TILES * ALH_DIM };

static int8_t a[SIZE][SIZE], b[SIZE][SIZE];
static int32_t c[SIZE][SIZE];

static void fill(void) {
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) a[i][j] = (int8_t)rand(), b[i][j] = (int8_t)(rand() >> 3);
}

/* Issue c = a * b; does not wait. */
static void issue_product(void) {
    const uint32_t b_rows = TILES * TILES * ALH_DIM;
    alh_config_ex(1, 0, 0, 0, 0, 1, 0, 0, 1);
    alh_config_ld(0, 0, 0, ALH_DIM, ALH_SCALE_ONE, SIZE, 0, 0);
    alh_config_st(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, SIZE * 4, ALH_SCALE_ONE);
    for (uint32_t i = 0; i < TILES; i++)
        for (uint32_t k = 0; k < TILES; k++) {
            const uint32_t row = (i * TILES + k) * ALH_DIM;
            alh_mvin((uint32_t)(uintptr_t)&a[i * ALH_DIM][k * ALH_DIM], row, ALH_DIM, ALH_DIM);
            alh_mvin((uint32_t)(uintptr_t)&b[i * ALH_DIM][k * ALH_DIM], b_rows + row, ALH_DIM,
                     ALH_DIM);
        }
    for (uint32_t i = 0; i < TILES; i++)
        for (uint32_t j = 0; j < TILES; j++) {
            const uint32_t out = ALH_LOCAL_ACC | (i * TILES + j) * ALH_DIM;
            for (uint32_t k = 0; k < TILES; k++) {
                alh_preload(b_rows + (k * TILES + j) * ALH_DIM, ALH_DIM, ALH_DIM,
                            out | (k ? ALH_LOCAL_ACCUMULATE : 0), ALH_DIM, ALH_DIM);
                alh_compute_preloaded((i * TILES + k) * ALH_DIM, ALH_DIM, ALH_DIM, ALH_GARBAGE,
                                      ALH_DIM, ALH_DIM);
            }
            alh_mvout((uint32_t)(uintptr_t)&c[i * ALH_DIM][j * ALH_DIM], out | ALH_LOCAL_FULL,
                      ALH_DIM, ALH_DIM);
        }
}

/* How many elements of c are wrong. */
static int wrong(void) {
    int count = 0;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIZE; k++) sum += a[i][k] * b[k][j];
            count += sum != c[i][j];
        }
    return count;
}

#endif
