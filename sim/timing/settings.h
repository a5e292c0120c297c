// Local addresses, load parameters, and what loops must know of the configuration (hw/control/loops/settings.py).
#pragma once
#include "common.h"

// What loops see of the configuration that other commands have left.
struct Settings {
    bool weight_stationary, relu, blocks[3], shrunk[3], packed, strided, pooling;
    uint32_t shift;
};

// One of the three sets of load parameters.
struct LoadSet {
    uint32_t stride, block_stride, lane, more;
    bool shrunk, scaled, weights;
};

inline bool finite(uint32_t scale) { return (scale >> 23 & 0xFF) != 0xFF; }

constexpr uint32_t GARBAGE = ~0u, ONE = 0x3F800000;

struct Local {
    bool garbage, acc, accumulate, full;
    uint32_t row, norm;

    explicit Local(uint64_t address)
        : garbage(uint32_t(address) == GARBAGE),
          acc(address >> 31 & 1),
          accumulate(acc && (address >> 30 & 1)),
          full(acc && (address >> 29 & 1)),
          row(address & 0x3FFFFFF),
          norm(acc ? address >> 26 & 7 : 0) {}
};
