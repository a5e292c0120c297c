/* Written against Gemmini's public interface only: parameters, encodings, fence, rdcycle. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "include/gemmini_params.h"
#include "rocc-software/src/xcustom.h"

#define COMMAND(rs1, rs2, funct) ROCC_INSTRUCTION_0_R_R(XCUSTOM_ACC, rs1, rs2, funct)
#define TILE(address) \
    ((uint64_t)(DIM) << (ADDR_LEN + 16)) | ((uint64_t)(DIM) << ADDR_LEN) | (uint64_t)(address)
#define FENCE() asm volatile("fence")

static elem_t A[DIM][DIM] row_align(1), B[DIM][DIM] row_align(1), C[DIM][DIM] row_align(1);
static acc_t D[DIM][DIM] row_align_acc(1), E[DIM][DIM] row_align_acc(1);

static acc_scale_t_bits bits_of(acc_scale_t x) {
    union {
        acc_scale_t f;
        acc_scale_t_bits b;
    } u = {x};
    return u.b;
}

static uint64_t cycles(void) {
    uint64_t count;
    asm volatile("rdcycle %0" : "=r"(count));
    return count;
}

int main(void) {
    const float scale = 0.037f;
    const uint32_t acc = 1u << (ADDR_LEN - 1), a = 0, b = DIM;
    for (int i = 0; i < DIM; i++)
        for (int j = 0; j < DIM; j++) {
            A[i][j] = (elem_t)(rand() >> 8), B[i][j] = (elem_t)(rand() >> 8);
            D[i][j] = rand() % 5000 - 2500;
        }
    const uint32_t start = (uint32_t)cycles();
    COMMAND(0, 0, 7)
    COMMAND(((uint64_t)bits_of(1.0f) << 32) | (1 << 16) | (1 << 2), (uint64_t)1 << 48, 0)
    COMMAND(((uint64_t)bits_of(MVIN_SCALE_IDENTITY) << 32) | ((uint64_t)DIM << 16) | 1, DIM, 0)
    COMMAND((uintptr_t)A, TILE(a), 2)
    COMMAND((intptr_t)B, TILE(b), 2) /* sign-extended pointers must do */
    COMMAND(((uint64_t)bits_of(1.0f) << 32) | ((uint64_t)DIM << 16) | (1 << 3) | 1,
            DIM * sizeof(acc_t), 0)
    COMMAND((uintptr_t)D, TILE(acc), 1)
    COMMAND(TILE(b), TILE(acc | 1u << (ADDR_LEN - 2)), 6)
    COMMAND(TILE(a), TILE((uint32_t)-1), 4)
    COMMAND((1 << 2) | 2, ((uint64_t)bits_of(scale) << 32) | DIM * sizeof(elem_t), 0)
    COMMAND((uintptr_t)C, TILE(acc), 3)
    COMMAND(2, ((uint64_t)bits_of(1.0f) << 32) | DIM * sizeof(acc_t), 0)
    COMMAND((uintptr_t)E, TILE(acc | 1u << (ADDR_LEN - 3)), 3)
    FENCE();
    const uint32_t took = (uint32_t)cycles() - start;
    int wrong = 0;
    for (int i = 0; i < DIM; i++)
        for (int j = 0; j < DIM; j++) {
            acc_t sum = D[i][j];
            for (int k = 0; k < DIM; k++) sum += A[i][k] * B[k][j];
            const elem_t small = ACC_SCALE(sum < 0 ? 0 : sum, scale);
            wrong += E[i][j] != sum;
            wrong += C[i][j] != small;
        }
    uint32_t answer = 1, counted = 1;
    ROCC_INSTRUCTION_R_R_R(XCUSTOM_ACC, answer, 0, 0, 37)
    ROCC_INSTRUCTION(XCUSTOM_ACC, counted, 0, 0, 126)
    answer |= counted;
    printf("%d wrong, error %x, rounding %lld %lld %lld %d %d, %s\n", wrong, (unsigned)answer,
           (long long)ROUNDING_RIGHT_SHIFT(5, 1), (long long)ROUNDING_RIGHT_SHIFT(-7, 1),
           (long long)ROUNDING_RIGHT_SHIFT(11, 2), (int)ROUND_NEAR_EVEN(2.5f), (int)ROUND_NEAR_EVEN(-3.5),
           took > 20 && took < 5000 ? "in time" : "strange time");
    for (int n = 0; n < 3; n++) { /* no fence: printf must wait */
        E[0][0] = -1;
        FENCE();
        COMMAND((uintptr_t)E, TILE(acc | 1u << (ADDR_LEN - 3)), 3)
    }
    printf("%s\n", "done");
    exit(E[0][0] == -1);
}
