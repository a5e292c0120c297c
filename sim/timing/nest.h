// Counters nested in one another, with the addresses that follow them (hw/control/loops/nest.py).
#pragma once
#include <cstdint>

// LEVELS from the outermost to the innermost. Where an address does not hop, `hop` stays 0.
template <int LEVELS, int ADDRESSES>
class Nest {
   public:
    uint32_t count[LEVELS] = {}, step[LEVELS] = {};
    uint64_t origin[ADDRESSES] = {}, hop[ADDRESSES][LEVELS] = {}, mask[ADDRESSES] = {};

    bool busy() const { return busy_; }
    bool valid() const { return valid_; }
    uint32_t left(int level) const { return left_[level]; }
    bool last(int level) const { return last_[level]; }
    uint64_t at(int address) const { return at_[address][LEVELS - 1]; }
    // The level that the coming step moves; -1: none.
    int advances() const { return advances_; }

    void start() {
        busy_ = true;
        for (int level = 0; level < LEVELS; level++) begin(level);
    }
    void next() {
        valid_ = false;
        busy_ = !ends_;
        if (advances_ < 0) return;
        left_[advances_] -= step[advances_];
        for (int level = advances_ + 1; level < LEVELS; level++) left_[level] = count[level];
        for (int n = 0; n < ADDRESSES; n++) {
            const uint64_t place = (at_[n][advances_] + hop[n][advances_]) & mask[n];
            for (int level = advances_; level < LEVELS; level++) at_[n][level] = place;
        }
    }
    // The cycle before a place stands; returns whether it was one.
    bool settle() {
        if (!busy_ || valid_) return false;
        valid_ = true;
        advances_ = -1;
        for (int level = LEVELS - 1; level >= 0; level--) {
            last_[level] = left_[level] <= step[level];
            if (!last_[level] && advances_ < 0) advances_ = level;
        }
        ends_ = advances_ < 0;
        return true;
    }

   private:
    bool busy_ = false, valid_ = false, ends_ = false, last_[LEVELS] = {};
    uint32_t left_[LEVELS] = {};
    uint64_t at_[ADDRESSES][LEVELS] = {};
    int advances_ = -1;

    void begin(int level) {
        left_[level] = count[level];
        for (int n = 0; n < ADDRESSES; n++) at_[n][level] = origin[n] & mask[n];
    }
};
