// Execute, array and local memories with a clock of their own: their cycles in one of the core, and
// commands on their way to execute and back.
#pragma once
#include "crossing.h"
#include "load.h"
#include "store.h"

class ArrayClock {
   public:
    explicit ArrayClock(uint32_t times) : times_(times), pulses_(times) {}

    // A command stands before execute in a cycle of the core; whether it is taken.
    bool takes(const Op& op) {
        if (ops_.open()) ops_.offer(&copies_.push(op, 0));
        return ops_.ready();
    }

    // Whether the core sees, in this cycle, that execute is done with a command.
    bool executed(Cycle now) {
        const bool comes = executed_.shows(now);
        if (comes) executed_.pop(now);
        return comes;
    }

    // The array's cycles in one of the core; what the core sees of what execute does.
    State step(Cycle now, Execute& execute, Load& load, Store& store) {
        const State seen = state_;
        for (Cycle at = now * times_; at < (now + 1) * times_; at++) {
            state_ = execute.step(at, [&](Cycle end, Cycle) { executed_.push(0, pulses_.comes(end)); });
            load.array_step(at, execute);
            store.array_step(at, execute);
            const Op* const* op = ops_.standing();
            const bool taken = op && execute.ready(at, **op);
            if (taken) execute.take(at, **op);
            ops_.clock(taken);
        }
        return seen;
    }

    // The end of a cycle of the core.
    void edge(Cycle now, Load& load, Store& store) {
        load.edge();
        store.edge((now + 1) * times_ - 1);
        ops_.edge();
    }

   private:
    uint32_t times_;
    Fifo<Op, 128> copies_;  // execute's: the core's are there only when a command has been taken
    IntoArray<const Op*> ops_;
    PulsesOutOfArray pulses_;
    Fifo<uint8_t, 128> executed_;
    State state_ = IDLE;
};
