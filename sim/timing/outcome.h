// What a run of the cycle model leaves behind.
#pragma once
#include <cstdint>

#include "states.h"

extern "C" {
// Mirror of `Outcome` in model.py.
struct Outcome {
    uint64_t cycles;
    uint64_t states[UNITS][STATES];  // cycles that each unit spent in each state
    uint64_t bounds[BOUNDS];
    uint32_t stuck;                  // the commands wait for each other, or a limit was reached
};
// What became of a dispatched command: its index in the program (a loop's are the loop's), its
// unit, and when it was dispatched, issued and complete.
struct Times {
    uint64_t index, unit, dispatched, issued, done;
};
}
