/* Loops and the output-stationary dataflow through Gemmini's interface, against plain C. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "include/gemmini_params.h"
#include "rocc-software/src/xcustom.h"

#define COMMAND(funct, rs1, rs2) ROCC_INSTRUCTION_0_R_R(XCUSTOM_ACC, rs1, rs2, funct)
#define FENCE() asm volatile("fence")
#define AT(value, bit) ((uint64_t)(value) << (bit))
#define FOUR(a, b, c, d) (AT(a, 0) | AT(b, 16) | AT(c, 32) | AT(d, 48))
#define TILE(rows, cols, address) (AT(rows, 48) | AT(cols, 32) | (uint32_t)(address))
#define ONE AT(0x3f800000, 32)
#define POINTER(x) ((uintptr_t)(x))

enum { M = 2 * DIM - 1, N = 2 * DIM - 2, K = DIM - 1, WIDE = 2 * DIM };
enum { SIZE = 6, CHANNELS = 3, FILTERS = DIM + 1, KERNEL = 3, POOLED = SIZE / 2 };

static elem_t a[M][WIDE] row_align(1), b[WIDE][WIDE] row_align(1), c[M][WIDE] row_align(1);
static elem_t image[SIZE][SIZE][CHANNELS] row_align(1), out[POOLED][POOLED][FILTERS] row_align(1);
static elem_t weights[KERNEL][KERNEL][CHANNELS][FILTERS] row_align(1);
static acc_t d[WIDE] row_align_acc(1);

static uint32_t bits(float x) {
    uint32_t word;
    __builtin_memcpy(&word, &x, 4);
    return word;
}

static void load(int set, int shrunk, uint32_t stride) {
    COMMAND(0, ONE | AT(DIM, 16) | AT(1, 8) | set << 3 | shrunk << 2 | 1, stride)
}

static void store(int activation, float scale, uint32_t stride) {
    COMMAND(0, activation << 2 | 2, AT(bits(scale), 32) | stride)
}

static void execute(int dataflow, int shift) {
    COMMAND(0, ONE | AT(1, 16) | dataflow << 2, AT(1, 48) | shift)
}

static void loop_ws(int depth, const void *bias, int narrow, int residual) {
    COMMAND(9, FOUR(2 * DIM - M, 2 * DIM - N, DIM - K, 0), FOUR(2, 2, depth, 0))
    COMMAND(10, POINTER(a), POINTER(b))
    COMMAND(11, POINTER(bias), POINTER(c))
    COMMAND(12, WIDE, WIDE)
    COMMAND(13, 0, WIDE)
    COMMAND(8, AT(1, 8) | narrow << 2 | (bias != NULL), residual << 2)
}

static elem_t saturated(acc_t x) {
    return x > elem_t_max ? elem_t_max : x < elem_t_min ? elem_t_min : x;
}

static acc_t product(int i, int j) {
    acc_t sum = 0;
    for (int k = 0; k < K; k++) sum += a[i][k] * b[k][j];
    return sum;
}

static int matmul(void) {
    const float scale = 0.03f;
    int wrong = 0;
    execute(1, 0);
    load(0, 0, WIDE * sizeof(elem_t));
    load(1, 0, WIDE * sizeof(elem_t));
    load(2, 0, 0);
    store(1, scale, WIDE * sizeof(elem_t));
    loop_ws(1, d, 0, 0);
    FENCE();
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            const acc_t sum = product(i, j) + d[j];
            wrong += c[i][j] != ACC_SCALE(sum < 0 ? 0 : sum, scale);
        }
    return wrong;
}

static int addition(void) {
    int wrong = 0;
    load(0, 1, WIDE * sizeof(elem_t));
    load(1, 1, WIDE * sizeof(elem_t));
    store(0, 1.0f, WIDE * sizeof(elem_t));
    loop_ws(0, NULL, 0, 1); /* gemmini.h gives no depth */
    FENCE();
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) wrong += c[i][j] != saturated(a[i][j] + b[i][j]);
    return wrong;
}

static acc_t convolved(int row, int col, int filter) {
    acc_t sum = d[filter];
    for (int y = 0; y < KERNEL; y++)
        for (int x = 0; x < KERNEL; x++) {
            const int r = row + y - 1, s = col + x - 1;
            if (r < 0 || r >= SIZE || s < 0 || s >= SIZE) continue;
            for (int n = 0; n < CHANNELS; n++) sum += image[r][s][n] * weights[y][x][n][filter];
        }
    return sum;
}

static int convolution(void) {
    const float scale = 0.01f;
    int wrong = 0, pixels = 1;
#ifdef HAS_FIRST_LAYER_OPTIMIZATIONS
    pixels = DIM / CHANNELS < KERNEL ? DIM / CHANNELS : KERNEL;
#endif
    execute(1, 0);
    store(1, scale, FILTERS * sizeof(elem_t));
    COMMAND(16, FOUR(1, SIZE, CHANNELS, FILTERS), FOUR(SIZE, POOLED, SIZE, 0) | AT(1, 48) | AT(1, 56))
    COMMAND(17, AT(2, 8) | AT(2, 16) | AT(POOLED, 32) | AT(KERNEL, 48), FOUR(FILTERS, POOLED, POOLED, 1))
    COMMAND(18, FOUR(1, CHANNELS, KERNEL, KERNEL), AT(SIZE, 0) | AT(1, 24) | AT(1, 32) | AT(1, 48))
    COMMAND(19, AT(1, 0) | AT(SIZE, 48), FOUR(SIZE, FILTERS, FILTERS, CHANNELS))
    COMMAND(20, POINTER(weights), POINTER(out))
    COMMAND(21, POINTER(d), POINTER(image))
    COMMAND(15, pixels << 8, 1 << 3)
    FENCE();
    for (int y = 0; y < POOLED; y++)
        for (int x = 0; x < POOLED; x++)
            for (int n = 0; n < FILTERS; n++) {
                acc_t most = 0;
                for (int tap = 0; tap < 4; tap++) {
                    const acc_t sum = convolved(2 * y + tap / 2, 2 * x + tap % 2, n);
                    if (sum > most) most = sum;
                }
                wrong += out[y][x][n] != ACC_SCALE(most, scale);
            }
    return wrong;
}

static int output_stationary(void) {
    int wrong = 0;
    execute(0, 5);
    load(0, 0, WIDE * sizeof(elem_t));
    store(0, 1.0f, WIDE * sizeof(elem_t));
    COMMAND(2, POINTER(a), TILE(DIM, K, 0))
    COMMAND(2, POINTER(b), TILE(K, DIM, DIM))
    COMMAND(6, TILE(DIM, DIM, -1), TILE(DIM, DIM, 2 * DIM))
    COMMAND(4, TILE(DIM, K, 0), TILE(K, DIM, DIM))
    COMMAND(3, POINTER(c), TILE(DIM, DIM, 2 * DIM))
    FENCE();
    for (int i = 0; i < DIM; i++)
        for (int j = 0; j < DIM; j++)
            wrong += c[i][j] != saturated(ROUNDING_RIGHT_SHIFT(product(i, j), 5));
    return wrong;
}

int main(void) {
    for (int i = 0; i < WIDE; i++) {
        d[i] = rand() % 5000 - 2500;
        for (int j = 0; j < WIDE; j++) b[i][j] = (elem_t)(rand() >> 8);
    }
    for (int i = 0; i < M; i++)
        for (int j = 0; j < WIDE; j++) a[i][j] = (elem_t)(rand() >> 8);
    elem_t *pixel = &image[0][0][0], *weight = &weights[0][0][0][0];
    for (unsigned n = 0; n < sizeof image; n++) pixel[n] = (elem_t)(rand() >> 8);
    for (unsigned n = 0; n < sizeof weights; n++) weight[n] = (elem_t)(rand() >> 8);
    printf("matmul %d\n", matmul());
    printf("addition %d\n", addition());
    printf("convolution %d\n", convolution());
    printf("output-stationary %d\n", output_stationary());
    return 0;
}
