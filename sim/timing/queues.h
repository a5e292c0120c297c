// Commands on their way through the units, and the halves of the memories that they touch.
#pragma once
#include "common.h"

// The commands of one unit from dispatch to completion, in order.
struct UnitQueue {
    Fifo<const Op*, 64> waiting;
    Fifo<Op, 128> inside;  // rows that are in use, until the completion can be seen
    Fifo<uint32_t, 128> finished, soon;
    uint32_t depth = 0;
    uint64_t dispatched = 0, retired = 0, announced = 0;
    uint32_t read = 0, wrote = 0;  // halves of memories since it was idle (in_order)
    Cycle settles = 0;       // when the last slow completion counts
    uint32_t ended = 0;      // commands inside that wrote their last row

    bool room() const { return dispatched - retired < depth; }
    bool idle() const { return dispatched == retired; }
    // Commands that one which waits for this unit need not wait for any more.
    uint64_t passed(const Op& op) const {
        return op.follows ? std::max(retired, announced) : retired;
    }
};

// The halves of its memory that a span touches, a bit each (hw/control/in_order.py).
inline uint32_t halves(const Shape& shape, const Span& span) {
    if (!span.valid) return 0;
    const uint32_t half = (span.acc ? shape.acc_rows : shape.sp_rows) / 2, at = 2 * span.acc;
    return uint32_t(span.first < half) << at | uint32_t(span.last >= half) << (at + 1);
}

inline uint32_t read_halves(const Shape& shape, const Op& op) {
    uint32_t found = 0;
    for (const Span& span : op.reads) found |= halves(shape, span);
    return found;
}
