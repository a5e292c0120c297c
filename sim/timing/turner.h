// The transposer on the way from the scratchpad to the array (hw/array/transposer.py).
#pragma once
#include <cstdint>

// Tiles of `dim` rows in, their columns out; rows of other tiles pass when it is empty.
class Turner {
   public:
    explicit Turner(uint32_t dim) : dim_(dim) {}

    bool busy() const { return row_ || full_[0] || full_[1] || raw_ || out_; }
    bool room() const { return !full_[into_]; }
    bool ready() const { return out_; }
    bool last() const { return out_last_; }

    // One cycle: whether the column that stands is taken, and whether a row is put, of a tile of
    // which `count` columns are wanted.
    void step(bool taken, bool put, uint32_t count) {
        if (!busy() && !put) return;
        const bool steps = !out_ || taken, takes = !raw_ || steps;
        const bool columns = full_[out_of_];
        if (steps) {
            out_ = raw_;
            out_last_ = raw_last_;
        }
        if (takes) {
            raw_ = columns;
            raw_last_ = given_ + 1 == counts_[out_of_];
            if (columns && raw_last_) {
                full_[out_of_] = false;
                out_of_ ^= 1;
                given_ = 0;
            } else if (columns) {
                given_++;
            }
        }
        if (put && ++row_ == dim_) {
            row_ = 0;
            counts_[into_] = count;
            full_[into_] = true;
            into_ ^= 1;
        }
    }

   private:
    uint32_t dim_, row_ = 0, given_ = 0, counts_[2] = {};
    uint32_t into_ = 0, out_of_ = 0;
    bool full_[2] = {}, raw_ = false, raw_last_ = false, out_ = false, out_last_ = false;
};
