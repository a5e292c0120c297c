/* Stays resident and executes the command lists that the host leaves in memory (engine.py). */
#include "runtime.h"

/* The host fills the first part and lets the core run; the rest is the answer. */
volatile struct {
    uint32_t list, count; /* address and length of alh_command[] */
    uint32_t answers, room; /* where answers of commands go */
    uint32_t answered, error, error_index, reserved;
    uint64_t cycles; /* from the first command to idle */
} mailbox = {0};

int main(void) {
    for (;;) {
        alh_yield(0);
        const uint64_t start = alh_cycles();
        mailbox.answered =
            alh_run((const alh_command *)(uintptr_t)mailbox.list, mailbox.count,
                    (uint32_t *)(uintptr_t)mailbox.answers, mailbox.room);
        alh_wait();
        mailbox.cycles = alh_cycles() - start;
        uint32_t index;
        mailbox.error = alh_last_error(&index);
        mailbox.error_index = index;
    }
}
