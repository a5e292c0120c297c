/* Stays resident and executes the command lists that the host leaves in memory (engine.py). */
#include "runtime.h"

/* The host fills the first part and lets the core run; the rest is the answer. */
volatile struct {
    uint32_t list, count; /* address and length of alh_command[] */
    uint32_t answers, room; /* where answers of commands go */
    alh_outcome outcome;
} mailbox = {0};

int main(void) {
    for (;;) {
        alh_yield(0);
        mailbox.outcome =
            alh_carry_out((const alh_command *)(uintptr_t)mailbox.list, mailbox.count,
                          (uint32_t *)(uintptr_t)mailbox.answers, mailbox.room);
    }
}
