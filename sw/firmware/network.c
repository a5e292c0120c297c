/* A network on the accelerator: replays the command list of every layer and counts cycles. */
#include "network.h"

#include "runtime.h"

int main(void) {
    network_table *table = network_find();
    uint32_t total = 0;
    for (uint32_t i = 0; i < table->layers; i++) {
        layer_record *layer = &table->layer[i];
        alh_mark(i + 1);
        const uint64_t start = alh_cycles();
        alh_run((const alh_command *)(uintptr_t)layer->commands, layer->count, NULL, 0);
        alh_check();
        layer->cycles = (uint32_t)(alh_cycles() - start);
        total += layer->cycles;
        printf("layer %u: %u commands, %u cycles\n", (unsigned)i, (unsigned)layer->count,
               (unsigned)layer->cycles);
    }
    printf("%u images, %u cycles each\n", (unsigned)table->images,
           (unsigned)(total / table->images));
    return 0;
}
