/* The runtime of a program on the soft core: command port, console, time, interrupts, end.
 *
 * Commands go out with the inline functions of alhena.h (generated). An interrupt handler must not
 * issue commands: it would come between the two halves of one.
 */
#ifndef ALHENA_RUNTIME_H
#define ALHENA_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "alhena.h"
#include "core.h"

#define ALH_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Accelerator ------------------------------------------------------------------------------- */

/* A command in memory, as alh_run replays it; lists are aligned to 8 bytes, as C lays them. */
typedef struct {
    uint32_t funct, reserved;
    uint64_t rs1, rs2;
} alh_command;

/* Issue `count` commands from memory. Without `room` the command port fetches them by itself, the
 * call returns at once and later commands queue up behind them. Otherwise the core issues them one
 * by one, leaves the first `room` answers in `answers` and returns how many commands answered. */
size_t alh_run(const alh_command *list, size_t count, uint32_t *answers, size_t room);

/* What a list came to: cycles from its first command to idle. */
typedef struct {
    uint32_t answered, error, error_index, reserved;
    uint64_t cycles;
} alh_outcome;

/* alh_run, then alh_wait. */
alh_outcome alh_carry_out(const alh_command *list, size_t count, uint32_t *answers, size_t room);

/* Wait until every command has retired; what they wrote is then visible to loads. Interrupts are
 * served meanwhile. Returns the error code, ALH_OK if there is none. */
alh_code alh_wait(void);

/* The same, but prints the error by name and ends the program with it if there is one; also if the
 * core or the command port met a bus error. */
void alh_check(void);

/* Forget what the data cache holds: the next loads see memory. */
static inline void alh_invalidate(void) { __asm__ volatile(ALH_INVALIDATE ::: "memory"); }

/* Code, name and index of the first failed command; clear empties the error register. */
alh_code alh_last_error(uint32_t *index);
const char *alh_error_name(alh_code code);
void alh_clear_error(void);

/* Time -------------------------------------------------------------------------------------- */

/* Clock cycles since reset, from the core's counter or the timer. */
uint64_t alh_cycles(void);

/* The timer: cycles since reset, and when its interrupt comes next. */
uint64_t alh_timer_now(void);
void alh_timer_at(uint64_t when);

/* Interrupts -------------------------------------------------------------------------------- */

typedef void (*alh_handler)(void);
typedef void (*alh_event_handler)(uint32_t pending);

/* Call `handler` when the timer is due (it should set the next time); NULL turns it off and forgets
 * when it was due. */
void alh_on_timer(alh_handler handler);

/* Call `handler` for events of `mask` (ALH_EVENT_*), cleared before the call; 0 or
 * NULL turns it off. */
void alh_on_events(uint32_t mask, alh_event_handler handler);

/* Console and end --------------------------------------------------------------------------- */

void alh_putchar(char c);
int alh_getchar(void); /* -1 if nothing came */
void alh_mark(uint32_t marker); /* for timelines */
_Noreturn void alh_exit(int code);

/* Hand `code` to whoever runs the system, and go on when it lets the core run again. */
void alh_yield(int code);

#endif
