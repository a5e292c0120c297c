// The moves of one matrix, tile by tile (hw/control/loops/walk.py).
#pragma once
#include "common.h"

// Where a matrix lies, and the order of its tiles.
struct Matrix {
    uint32_t address = 0, step = 0, row = 0;
    uint32_t down = 0, across = 0, down_pad = 0, across_pad = 0;
    bool zero = false, wide = false, side = false, down_inner = false;
    uint32_t most = 1;  // tiles of one move
};

class Walk {
   public:
    bool busy = false, valid = false;

    explicit Walk(const Shape&) {}

    uint32_t address() const { return at_.address; }
    uint32_t row() const { return at_.row; }
    uint32_t rows(const Shape& shape) const { return shape.dim - (last_down_ ? at_.down_pad : 0); }
    uint32_t cols(const Shape& shape) const {
        return width_ * shape.dim - (last_across_ ? at_.across_pad : 0);
    }
    uint32_t outer() const { return at_.down_inner ? across_ : down_; }
    uint32_t inner() const { return at_.down_inner ? down_ : across_; }
    // Whether the tile with these indices was moved.
    bool moved(uint32_t x, uint32_t y) const { return x < outer() || (x < end_ && y < inner()); }

    void start(const Matrix& matrix) {
        at_ = matrix;
        busy = true;
        address_ = matrix.address;
        row_ = matrix.row;
        goal_ = 1;
    }
    // One cycle, in which the move is taken or not; returns whether anything changed.
    bool clock(bool next, const Shape& shape) {
        if (next) step(shape);
        if (next || !busy || valid) return next;
        const uint32_t left = at_.across - across_;
        valid = true;
        width_ = std::min(left, goal_);
        last_across_ = left <= goal_;
        last_down_ = down_ + 1 == at_.down;
        end_ = at_.down_inner ? across_ + width_ : down_ + 1;
        return true;
    }

   private:
    Matrix at_;  // address and row: of this move
    uint32_t address_ = 0, row_ = 0;  // where the outer loop stands
    uint32_t down_ = 0, across_ = 0, goal_ = 1, width_ = 0, end_ = 0;
    bool last_down_ = false, last_across_ = false;

    void step(const Shape& shape) {
        const bool inner_end = at_.down_inner ? last_down_ : last_across_;
        const uint32_t tile = at_.wide ? shape.acc_row_bytes : shape.row_bytes;
        const uint32_t far = at_.down_inner != inner_end ? at_.step : width_ * tile;
        const uint32_t address = (inner_end ? address_ : at_.address) + far;
        const bool hops = at_.down_inner && !inner_end;
        const uint32_t row = (inner_end && at_.down_inner ? row_ : at_.row) +
                             (hops ? at_.across : width_) * shape.dim;
        at_.row = row;
        if (!at_.zero) at_.address = address;
        if (inner_end) {
            address_ = address;
            row_ = row;
        }
        valid = false;
        if ((inner_end || !at_.down_inner) && at_.side && goal_ < at_.most) goal_ <<= 1;
        if (!at_.down_inner || inner_end) across_ = last_across_ ? 0 : across_ + width_;
        if (at_.down_inner || inner_end) down_ = last_down_ ? 0 : down_ + 1;
        if (last_down_ && last_across_) busy = false;
    }
};
