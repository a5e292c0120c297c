/* The table of a network in memory (sw/network/table.py writes it). */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { NETWORK_MAGIC = 0x4e484c41, LAYER_CONV = 0, LAYER_FC = 1 };

typedef struct {
    uint32_t kind, in_h, in_w, in_c, out_h, out_w, out_c;
    uint32_t kernel, stride, padding, relu, scale;
    uint32_t weights, bias, input, output;
    uint32_t commands, count;
    uint32_t cycles; /* ours: all images */
} layer_record;

typedef struct {
    uint32_t magic, layers, images;
    layer_record layer[];
} network_table;

/* The host writes the table's address here before the program starts. */
__attribute__((section(".data"))) volatile uint32_t arguments[4] = {0};

/* The table, or the end of the program with a message if there is none. */
static network_table *network_find(void) {
    network_table *table = (network_table *)(uintptr_t)arguments[0];
    if (table->magic != NETWORK_MAGIC) {
        printf("no network at %x\n", (unsigned)arguments[0]);
        exit(2);
    }
    return table;
}

#endif
