// Between the clocks of core and array (hw/bus/crossing.py). Both sides see what registers hold; the
// array's change with every `clock`, the core's with every `edge`, which ends the last of its cycles.
#pragma once
#include "common.h"

template <typename T>
class IntoArray {
   public:
    // In a cycle of the core: it gives an item, which is taken if the crossing is `ready`.
    void offer(const T& item) {
        if (there_) return;
        offered_ = true;
        held_ = item;
    }
    bool open() const { return !there_; }
    bool ready() const { return ready_; }

    // In a cycle of the array: what stands there, and whether it is taken.
    const T* standing() const { return valid_ ? &kept_ : nullptr; }
    void clock(bool taken) {
        done_ = seen_ && (!valid_ || taken);
        if (there_ && !seen_) {
            kept_ = held_;
            valid_ = true;
        } else if (taken) {
            valid_ = false;
        }
        seen_ = there_;
    }
    void edge() {
        if (ready_)
            there_ = ready_ = false;
        else if (there_)
            ready_ = done_;
        else
            there_ = offered_;
        offered_ = false;
    }

   private:
    T held_{}, kept_{};
    bool offered_ = false, there_ = false, ready_ = false;
    bool seen_ = false, valid_ = false, done_ = false;
};

class OutOfArray {
   public:
    bool valid() const { return full_; }
    void take() { taken_ = true; }

    // Whether the array's item is taken in the last cycle of the array.
    bool room() const { return !full_; }
    void edge(bool came) {
        full_ = full_ ? !taken_ : came;
        taken_ = false;
    }

   private:
    bool full_ = false, taken_ = false;
};

class PulsesOutOfArray {
   public:
    explicit PulsesOutOfArray(uint32_t times) : times_(times) {}

    // The core's cycle in which a pulse in that cycle of the array comes.
    Cycle comes(Cycle at) {
        const Cycle ends = (at + 1) / times_;  // in whose last cycle of the array it is owed
        return last_ = std::max(ends, last_) + 1;
    }

   private:
    uint32_t times_;
    Cycle last_ = 0;
};
