/* Every RV32IM operation on given operands; the host knows the right answers. */
#include <stdint.h>

#include "cases.h" /* COUNT, operands[COUNT][2] */
#include "runtime.h"

#define BINARY(name)                                                                      \
    static uint32_t do_##name(uint32_t x, uint32_t y) {                                   \
        uint32_t z;                                                                       \
        __asm__ volatile(#name " %0, %1, %2" : "=r"(z) : "r"(x), "r"(y));                 \
        return z;                                                                         \
    }
#define ALL(X) \
    X(add) X(sub) X(sll) X(slt) X(sltu) X(xor) X(srl) X(sra) X(or) X(and) \
    X(mul) X(mulh) X(mulhsu) X(mulhu) X(div) X(divu) X(rem) X(remu)
ALL(BINARY)

#define POINTER(name) do_##name,
static uint32_t (*const operations[])(uint32_t, uint32_t) = {ALL(POINTER)};
enum { OPERATIONS = sizeof operations / sizeof *operations };

volatile uint32_t results[OPERATIONS][COUNT];
volatile uint32_t memory[8];

int main(void) {
    for (int o = 0; o < OPERATIONS; o++)
        for (int n = 0; n < COUNT; n++) results[o][n] = operations[o](operands[n][0], operands[n][1]);
    /* bytes and halves, signed and not, and what branches decide */
    memory[0] = 0x80f1827f;
    volatile uint8_t *bytes = (volatile uint8_t *)memory;
    memory[1] = (uint32_t)(int8_t)bytes[3] ^ (uint32_t)(*(volatile int16_t *)bytes);
    bytes[9] = 0xab;
    *(volatile uint16_t *)(bytes + 10) = 0xcdef;
    int taken = 0;
    for (volatile int i = -3; i < 4; i++) taken = taken * 2 + ((unsigned)i < 2u) + (i < 1);
    memory[3] = (uint32_t)taken;
    const uint64_t start = alh_cycles();
    for (volatile int i = 0; i < 100; i++) {}
    memory[4] = (uint32_t)(alh_cycles() - start);
    return 0;
}
