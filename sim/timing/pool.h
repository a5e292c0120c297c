// The taps of pooled stores, and the registers that take their maximum (hw/control/store_pool.py,
// store_max.py).
#pragma once
#include "common.h"

struct Tap {
    bool pooled = false, emit = false;
};

// What becomes of a local row on its way out.
struct Piece {
    uint32_t bytes = 0, offset = 0;
    bool first = false, last = false, end = false, scaled = false, local = false;
    bool absent = false, last_part = false;
    uint32_t row = 0;  // where a copy goes
    uint32_t step = 0, stat = 0, activation = 0, scale = 0;  // of the normalisation

    bool normal() const { return scaled && (step || activation > 1); }
    Tap tap;
};

// Walks the taps of a pooled operation, one per cycle if they are taken.
class PoolWalk {
   public:
    bool idle() const { return !active_; }
    void start(const Op& op, Cycle now) {
        op_ = &op;
        active_ = true;
        from_ = now + 2;
        known_ = from_ + 1;
        for (uint32_t factor = op.pool.out_dim; factor; factor >>= 1) known_++;
        windows_ = op.pool.pool_cols;
        rows_ = op.pool.pool_rows;
        top_ = -int32_t(op.pool.upper_pad);
        start_row();
    }
    bool shows(Cycle now) const {
        return active_ && now >= from_ && (now >= known_ || !row_ends() || rows_ == 1);
    }
    bool absent() const {
        const Pooling& pool = op_->pool;
        return row_ < 0 || col_ < 0 || row_ >= int32_t(pool.out_rows) ||
               col_ >= int32_t(pool.out_cols);
    }
    uint32_t local_row() const { return op_->row + row_ * op_->pool.out_cols + col_; }
    bool emits() const { return tap_ + 1 == op_->pool.size && wanted_ == 1; }
    bool row_ends() const { return emits() && windows_ == 1; }
    bool ends() const { return row_ends() && rows_ == 1; }

    void next() {
        const Pooling& pool = op_->pool;
        const bool emitted = emits(), row_ended = row_ends();
        if (++tap_ == pool.size) {
            tap_ = 0;
            row_ = top_;
            col_ += 1 + (emitted && pool.stride > pool.size ? pool.stride - pool.size : 0);
            wanted_--;
        } else {
            row_++;
        }
        if (emitted) {
            wanted_ = std::min(pool.stride, pool.size);
            windows_--;
        }
        if (!row_ended) return;
        windows_ = pool.pool_cols;
        top_ += pool.stride;
        start_row();
        if (--rows_ == 0) active_ = false;
    }

   private:
    const Op* op_ = nullptr;
    bool active_ = false;
    Cycle from_ = 0, known_ = 0;
    uint32_t windows_ = 0, rows_ = 0, tap_ = 0, wanted_ = 0;
    int32_t top_ = 0, row_ = 0, col_ = 0;

    void start_row() {
        tap_ = 0;
        wanted_ = op_->pool.size;
        row_ = top_;
        col_ = -int32_t(op_->pool.left_pad);
    }
};

// Chunks of pooled rows become one per window; others pass when none is inside.
class PoolMax {
   public:
    // The chunk that stands at the output, if `in` (or null) stands at the input.
    const Piece* out(const Piece* in) const {
        if (has_window_) return &window_;
        return in && !in->tap.pooled && !has_column_ ? in : nullptr;
    }
    // One cycle; returns whether the input is taken, given whether the output is.
    bool step(const Piece* in, bool taken) {
        if (!has_window_ && !has_column_ && !(in && in->tap.pooled)) return taken;
        const bool room = taken || !has_window_, plain = in && !in->tap.pooled;
        const bool passes = plain && !has_window_ && !has_column_ && taken;
        if (!room) return false;
        has_window_ = has_column_ && column_.tap.emit;
        window_ = column_;
        has_column_ = in && !plain;
        if (has_column_) column_ = *in;
        return has_column_ || passes;
    }

   private:
    bool has_column_ = false, has_window_ = false;
    Piece column_, window_;
};
