/* Command port, time, interrupts, end (runtime.h). */
#include "runtime.h"

/* Small messages, for programs without printf too. */
static void say(const char *text) {
    while (*text) alh_putchar(*text++);
}

static void say_number(uint32_t value, uint32_t base) {
    char digits[11], *at = digits + sizeof digits;
    *--at = 0;
    do *--at = "0123456789abcdef"[value % base];
    while (value /= base);
    say(at);
}

size_t alh_run(const alh_command *list, size_t count, uint32_t *answers, size_t room) {
    size_t answered = 0;
    if (!room) {
        alh_replay((uint32_t)(uintptr_t)list, count);
        return 0;
    }
    for (const alh_command *command = list, *end = list + count; command != end; command++) {
        const uint32_t answer = alh_issue(command->funct, command->rs1, command->rs2);
        if (alh_responds(command->funct)) {
            if (answered < room) answers[answered] = answer;
            answered++;
        }
    }
    return answered;
}

alh_outcome alh_carry_out(const alh_command *list, size_t count, uint32_t *answers, size_t room) {
    alh_outcome outcome = {0};
    const uint64_t start = alh_cycles();
    outcome.answered = alh_run(list, count, answers, room);
    alh_wait();
    outcome.cycles = alh_cycles() - start;
    outcome.error = alh_last_error(&outcome.error_index);
    return outcome;
}

alh_code alh_wait(void) {
    uint32_t status;
    do status = alh_status();
    while (status & ALH_STATUS_BUSY);
    alh_invalidate();
    return (alh_code)(status >> ALH_STATUS_ERROR_LSB & 0xff);
}

alh_code alh_last_error(uint32_t *index) {
    if (index) *index = ALH_REGISTER(ALH_ACCELERATOR_ERROR_INDEX);
    return (alh_code)(ALH_REGISTER(ALH_ACCELERATOR_STATUS) >> ALH_STATUS_ERROR_LSB & 0xff);
}

void alh_clear_error(void) { ALH_REGISTER(ALH_ACCELERATOR_CLEAR) = 1; }

const char *alh_error_name(alh_code code) {
    static const char *const names[] = ALH_ERROR_NAMES;
    return (unsigned)code < sizeof names / sizeof *names ? names[code] : "unknown error";
}

void alh_check(void) {
    uint32_t index;
    const alh_code waited = alh_wait();
    if (ALH_REGISTER(ALH_EVENTS_PENDING) & ALH_EVENT_FAULT) {
        say("bus error at ");
        say_number(ALH_REGISTER(ALH_EVENTS_FAULT_ADDRESS), 16);
        say("\n");
        alh_exit(129);
    }
    if (waited == ALH_OK) return;
    const alh_code code = alh_last_error(&index);
    say("command ");
    say_number(index, 10);
    say(" failed: ");
    say(alh_error_name(code));
    say("\n");
    alh_exit(code);
}

uint64_t alh_cycles(void) { return alh_core_cycles(); }

uint64_t alh_timer_now(void) {
    const uint32_t low = ALH_REGISTER(ALH_TIMER_NOW_LOW);
    return (uint64_t)ALH_REGISTER(ALH_TIMER_NOW_HIGH) << 32 | low;
}

void alh_timer_at(uint64_t when) {
    ALH_REGISTER(ALH_TIMER_COMPARE_HIGH) = ~0u; /* never due between the two halves */
    ALH_REGISTER(ALH_TIMER_COMPARE_LOW) = (uint32_t)when;
    ALH_REGISTER(ALH_TIMER_COMPARE_HIGH) = (uint32_t)(when >> 32);
    (void)ALH_REGISTER(ALH_TIMER_COMPARE_HIGH); /* the new time is in force */
}

/* Traps: whatever the core tells, the timer and the events are asked. */

static alh_handler timer_handler;
static alh_event_handler event_handler;

static void allow(void) {
    if (timer_handler || event_handler) alh_core_interrupts(1);
}

void alh_on_timer(alh_handler handler) {
    alh_core_interrupts(0); /* none may come while the handler changes */
    timer_handler = handler;
    if (!handler) alh_timer_at(~0ull);
    allow();
}

void alh_on_events(uint32_t mask, alh_event_handler handler) {
    alh_core_interrupts(0);
    event_handler = mask ? handler : NULL;
    ALH_REGISTER(ALH_EVENTS_ENABLE) = event_handler ? mask : 0;
    (void)ALH_REGISTER(ALH_EVENTS_ENABLE); /* the mask is in force */
    allow();
}

uint32_t alh_trap(uint32_t cause, uint32_t pc) {
    if (!alh_core_interrupted(cause)) {
        say("trap: cause ");
        say_number(cause, 16);
        say(" at ");
        say_number(pc, 16);
        say("\n");
        alh_exit(128);
    }
    const uint32_t pending = ALH_REGISTER(ALH_EVENTS_PENDING) & ALH_REGISTER(ALH_EVENTS_ENABLE);
    if (pending) {
        ALH_REGISTER(ALH_EVENTS_PENDING) = pending;
        (void)ALH_REGISTER(ALH_EVENTS_PENDING); /* the line is low before we return */
        event_handler(pending);
    }
    if (ALH_REGISTER(ALH_TIMER_DUE)) {
        if (timer_handler)
            timer_handler();
        else
            alh_timer_at(~0ull);
    }
    return pc;
}

/* Console and end */

void alh_putchar(char c) { ALH_REGISTER(ALH_UART_DATA) = (uint8_t)c; }

int alh_getchar(void) {
    const uint32_t word = ALH_REGISTER(ALH_UART_DATA);
    return word >> 31 ? -1 : (int)(word & 0xff);
}

void alh_mark(uint32_t marker) { ALH_REGISTER(ALH_CONTROL_MARK) = marker; }

void alh_yield(int code) {
    while (alh_status() & ALH_STATUS_BUSY) {}
    alh_invalidate();
    ALH_REGISTER(ALH_CONTROL_EXIT) = (uint32_t)code;
    (void)ALH_REGISTER(ALH_CONTROL_EXIT);
    alh_invalidate();
}

_Noreturn void alh_exit(int code) {
    for (;;) alh_yield(code);
}
