/* Interrupts on completion, on an error and on a bus fault; errors by name. */
#include "matrix.h"

static volatile uint32_t seen, calls;

static void event(uint32_t pending) {
    seen |= pending;
    calls++;
}

static void expect(const char *what, uint32_t mask) {
    for (int i = 0; i < 1000 && !(seen & mask); i++) {}
    printf("%s: events %x, %u calls\n", what, (unsigned)seen, (unsigned)calls);
    seen = calls = 0;
}

int main(void) {
    uint32_t index;
    fill();
    alh_on_events(ALH_EVENT_IDLE | ALH_EVENT_ERROR | ALH_EVENT_FAULT, event);
    issue_product();
    const uint32_t early = seen;
    alh_wait();
    expect("completion", ALH_EVENT_IDLE);
    printf("early %x, wrong %d\n", (unsigned)early, wrong());

    alh_on_events(ALH_EVENT_ERROR, event);
    alh_mvin(64, ALH_SP_ROWS - 1, ALH_DIM, 2); /* leaves the scratchpad */
    alh_mvin(64, 0, ALH_DIM, ALH_DIM + 1);     /* later, so not reported */
    alh_wait();
    expect("error", ALH_EVENT_ERROR);
    const alh_code code = alh_last_error(&index);
    printf("%s at %u of %u\n", alh_error_name(code), (unsigned)index,
           (unsigned)ALH_REGISTER(ALH_ACCELERATOR_ACCEPTED));
    printf("response %x\n", (unsigned)alh_error(1));
    printf("after clear: %s\n", alh_error_name(alh_wait()));
    alh_issue(99, 0, 0);
    printf("%s\n", alh_error_name(alh_wait()));
    alh_clear_error();
    printf("after clear: %s\n", alh_error_name(alh_wait()));

    alh_on_events(ALH_EVENT_FAULT, event);
    seen = calls = 0;
    (void)*(volatile uint32_t *)0x3ffffff0; /* no memory there */
    expect("load fault", ALH_EVENT_FAULT);
    printf("at %x\n", (unsigned)ALH_REGISTER(ALH_EVENTS_FAULT_ADDRESS) & ~31u);
    *(volatile uint32_t *)0x3ffffff0 = 1;
    expect("store fault", ALH_EVENT_FAULT);
    (void)*(volatile uint32_t *)0x8000f000; /* no peripheral there */
    expect("register fault", ALH_EVENT_FAULT);
    return 0;
}
