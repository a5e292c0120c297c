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

// What an arriving command has to wait for.
inline void find_hazards(const Shape& shape, const UnitQueue (&queues)[3], Op& op) {
    const uint32_t mask = shape.dim - 1;
    const auto aligned = [&](const Span& a, const Span& b) {  // they start at the same row of a tile
        return (shape.dim & mask) == 0 && ((a.first ^ b.first) & mask) == 0;
    };
    op.follows = op.in_order;
    for (uint32_t n = 0; n < 3; n++) {
        const UnitQueue& queue = queues[n];
        if (n == op.unit && n == LOAD) continue;
        for (uint32_t age = 0, level = queue.inside.level(); age < level; age++) {
            const Op& old = queue.inside.newest(age);
            bool hit = false;
            for (const Span& span : op.reads) hit |= span.meets(old.write);
            if (n != op.unit) {
                hit |= op.write.meets(old.write);
                for (const Span& span : old.reads) hit |= op.write.meets(span);
            }
            if (!hit) continue;
            op.needs[n] = std::max(op.needs[n], queue.dispatched - age);
            if (n != EXECUTE || op.unit != STORE) break;
            op.follows &= (op.single || aligned(old.write, op.reads[0])) &&
                          op.reads[0].first <= old.write.first;
        }
    }
}
