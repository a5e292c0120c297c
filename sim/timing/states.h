// What a unit does in a cycle, and what the accelerator as a whole is bound by. Shared by the
// cycle model and the Verilated accelerator's harness.
#pragma once
#include <cstdint>

enum Unit : uint32_t { LOAD, EXECUTE, STORE, COMMANDS, UNITS };

// States of one unit exclude each other.
enum State : uint32_t {
    IDLE,        // no command
    ON_LOAD,     // its next command waits for one of load (commands: load's queue is full)
    ON_EXECUTE,  // likewise
    ON_STORE,
    REQUESTS,  // load: a request does not leave (memory does not take it, or too many are away)
    MEMORY,    // load: rows are awaited; store: a word does not leave
    LOCAL,     // load: a row stands ready and the local memory does not take it
    ROWS,      // execute: rows of A or D are awaited; store: local rows
    WEIGHTS,   // execute: a row stands ready, its weights do not
    DISTANCE,  // execute: a row waits for an earlier one that adds to the same row
    SCALER,    // store: rows are being scaled and packed
    ACKS,      // store: acknowledgements are awaited
    DRAIN,     // everything has been sent; the last command is not complete
    ANSWER,    // commands: an answer is awaited
    ACTIVE,
    STATES
};

// What keeps the array from the rest of its work in a cycle.
enum Bound : uint32_t { COMPUTE, MEMORY_IN, MEMORY_OUT, TOO_FEW_COMMANDS, DEPENDENCY, BOUNDS };

// What a load or store that somebody waits for is bound by.
inline Bound bound_of(uint32_t unit, const State* states) {
    const State state = states[unit];
    if (state == ON_EXECUTE) return DEPENDENCY;
    if (unit == LOAD) return state == ON_STORE ? MEMORY_OUT : MEMORY_IN;
    return state == ON_LOAD ? MEMORY_IN : MEMORY_OUT;
}

// What holds up the commands behind a full queue.
inline Bound bound_of_queue(const State* states) {
    if (states[COMMANDS] == ON_LOAD) return bound_of(LOAD, states);
    return states[COMMANDS] == ON_STORE ? bound_of(STORE, states) : DEPENDENCY;
}

// `more`: commands are still to come or under way to their units.
inline Bound bound_by(const State* states, bool more) {
    switch (states[EXECUTE]) {
        case ACTIVE: return COMPUTE;
        case WEIGHTS:
        case ROWS: {  // the array's own, unless it catches up after something else
            const Bound bound = bound_of_queue(states);
            return bound == DEPENDENCY ? COMPUTE : bound;
        }
        case ON_LOAD: return bound_of(LOAD, states);
        case ON_STORE: return bound_of(STORE, states);
        case IDLE:
        case DRAIN: break;
        default: return DEPENDENCY;
    }
    if (states[COMMANDS] != IDLE && states[COMMANDS] != ACTIVE) return bound_of_queue(states);
    if (more) return TOO_FEW_COMMANDS;
    if (states[STORE] != IDLE && states[STORE] != DRAIN) return bound_of(STORE, states);
    return states[LOAD] != IDLE && states[LOAD] != DRAIN ? MEMORY_IN : DEPENDENCY;
}
