/* Timer interrupts while custom instructions are in flight: results must not suffer. */
#include "matrix.h"

#ifndef SLOWER /* the core is that many times slower than the fastest one */
#define SLOWER 1
#endif

static volatile uint32_t ticks, sum;
static uint32_t period;

static void tick(void) {
    ticks++;
    for (uint32_t i = 0; i < (ticks & 7); i++) sum += i ^ ticks; /* use some registers */
    alh_timer_at(alh_timer_now() + period * SLOWER + (ticks & 15));
}

int main(void) {
    int bad = 0;
    for (period = 160; period < 440; period += SLOWER < 2 ? 13 : 90) {
        fill();
        alh_on_timer(tick);
        alh_timer_at(alh_timer_now() + period * SLOWER);
        const uint32_t before = ticks;
        issue_product();
        alh_wait();
        alh_on_timer(NULL);
        const int errors = wrong();
        printf("period %u: %u interrupts, %d wrong\n", (unsigned)period,
               (unsigned)(ticks - before), errors);
        bad += errors || ticks == before;
    }
    alh_check();
    printf("%u interrupts\n", (unsigned)ticks);
    return bad;
}
