// Steps of depthwise lines inside the mesh (hw/array/lines.py).
#pragma once
#include "common.h"

class LineSteps {
   public:
    explicit LineSteps(const Shape& shape)
        : depth_(shape.dw_lines ? 3 * (shape.dw_lines - 1) : 0), before_(shape.before) {}

    bool valid() const { return valid_ >> before_ & 1; }
    bool idle() const { return ended_ && !(below() || moved_ || summed_ || valid_); }
    bool swapping() const { return (swaps_ & mask()) || (moved_ && (swaps_ & lines())); }

    // One cycle, with a step or without.
    void clock(bool step, bool swap, bool wanted, bool end) {
        const bool advance = step || (ended_ && below());
        const bool ready = moved_ && (wanted_ >> depth_ & 1);
        valid_ = (valid_ << 1 | ready_) & ((2u << before_) - 1);
        ready_ = ready;
        summed_ = moved_;
        moved_ = advance;
        if (step) ended_ = end;
        if (!advance) return;
        wanted_ = (wanted_ << 1 | (step && wanted)) & (2 * mask() + 1);
        swaps_ = (swaps_ << 1 | (step && swap)) & (2 * mask() + 1);
    }

   private:
    uint32_t depth_, before_, wanted_ = 0, swaps_ = 0;
    uint32_t valid_ = 0;  // by age
    bool ended_ = true, moved_ = false, summed_ = false, ready_ = false;

    uint32_t mask() const { return (1u << depth_) - 1; }
    uint32_t lines() const { return depth_ == 6 ? 0b1001001 : depth_ == 3 ? 0b1001 : 1; }
    bool below() const { return wanted_ & mask(); }
};
