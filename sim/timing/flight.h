// Loops in flight: what their five streams have in common (hw/control/loops/flight.py), and the
// commands that they offer to the sequencer.
#pragma once
#include "common.h"
#include "decoder.h"

enum Stream { A, B, D, TILES, C, STREAMS };

// A command that a loop has for a unit; `free`: it takes no place in the unit's queue.
struct Offer {
    bool valid = false, free = false, parity = false;
};

// Two loops at a time: which of the streams has taken which.
struct Flight {
    bool valid = false, parity = false, turn[STREAMS] = {}, take[STREAMS] = {};

    // Whether each stream takes the plan over in this cycle; TILES follows the loads, C the TILES.
    void decide(const bool* busy) {
        const bool loads = turn[A] != parity && turn[B] != parity && turn[D] != parity;
        for (int n = 0; n < STREAMS; n++) {
            const bool leads = n < TILES || (n == TILES ? loads : turn[TILES] != parity);
            take[n] = valid && !busy[n] && turn[n] == parity && leads;
        }
    }
    bool past(const bool* busy, int leader, int follower) const {
        return turn[leader] != turn[follower] || !busy[leader];
    }
    bool behind(int follower, int leader) const { return turn[leader] != turn[follower]; }
    bool loop(int name) const { return !turn[name]; }

    // One cycle; returns whether anything changed.
    bool clock(bool accept) {
        bool taken = valid, changed = accept;
        for (int n = 0; n < STREAMS; n++) taken &= turn[n] != parity;
        for (int n = 0; n < STREAMS; n++) {
            turn[n] ^= take[n];
            changed |= take[n];
        }
        if (taken) {
            valid = false;
            parity = !parity;
        }
        if (accept) valid = true;
        return changed || taken;
    }
};

inline uint32_t bits_of(uint64_t value) { return value ? 64 - __builtin_clzll(value) : 0; }

inline uint64_t acc_address(uint64_t row, bool accumulate, bool full = false, uint32_t norm = 0) {
    return 1ull << 31 | uint64_t(accumulate) << 30 | uint64_t(full) << 29 | uint64_t(norm) << 26 | row;
}
