// Rows that are normalised, or counted, before the output scaler (hw/control/norm/normalise.py).
//
// How long a series takes to close depends on the data; `Shape` has a typical time.
#pragma once
#include "pool.h"

class Normaliser {
   public:
    explicit Normaliser(const Shape& shape) : shape_(shape) {}

    bool idle() const { return state_ == State::IDLE; }
    // Normalised rows inside.
    uint32_t rows() const { return tags_.level(); }
    // The row that stands at the output, or null.
    const Piece* out() const { return values_ ? &tags_.front() : nullptr; }
    // Whether new constants may come.
    bool takes_constants(Cycle now) const { return idle() && constants_ <= now; }
    // Small ones are shifted until they are accurate.
    void constants(Cycle now, uint32_t qb) {
        const uint32_t size = qb >> 31 ? -qb : qb, bits = 32 - (size ? __builtin_clz(size) : 32);
        constants_ = now + 2 + (SHIFTS - std::min(bits, SHIFTS));
    }

    // One cycle. `row`: what stands before the scaler, if it is to be normalised; `taken`: the
    // row at the output leaves. Returns whether `row` was taken.
    bool step(Cycle now, const Piece* row, bool taken) {
        const bool enable = !values_ || taken, free = !held_ || (enable && left_ == 0);
        const bool enters = state_ == State::RUN && row && (row->step || rows() < in_flight());
        const bool busy = tokens_ || held_ || group_ || values_;
        next_state(now, row, enters && free, busy);
        lanes(now, enters ? row : nullptr, enable, free, taken);
        return enters && free;
    }

   private:
    enum class State { IDLE, BEGIN, RUN, DRAIN, CLOSE, RESULT, SAVE };
    enum Kind { SUM, SQUARES, MAXIMUM, EXPONENTIALS, LAYERNORM, IGELU, SOFTMAX };
    static constexpr uint32_t SHIFTS = 17, LONGEST = 17, LATENCY[] = {1, 3, 1, 13, 5, 10, 17};

    const Shape& shape_;
    State state_ = State::IDLE;
    Cycle constants_ = 1024 + 19, closed_ = 0;
    Fifo<Piece, 32> tags_;
    uint32_t step_ = 0, stat_ = 0, scale_ = 0;
    Kind kind_ = SUM;
    bool held_ = false, group_ = false, values_ = false;
    uint32_t left_ = 0, come_ = 0, tokens_ = 0;

    static Kind kind_of(const Piece& row) {
        if (row.step) return row.step <= 2 ? SUM : row.step <= 4 ? SQUARES : row.step == 5 ? MAXIMUM
                                                                                         : EXPONENTIALS;
        return row.activation == 2 ? LAYERNORM : row.activation == 3 ? IGELU : SOFTMAX;
    }
    bool closes() const { return step_ == 2 || step_ == 4 || step_ == 7; }
    uint32_t in_flight() const { return LONGEST / shape_.norm_groups + 4; }

    void next_state(Cycle now, const Piece* row, bool takes, bool busy) {
        switch (state_) {
            case State::IDLE:
                if (!row || constants_ > now) break;
                step_ = row->step;
                stat_ = row->stat;
                kind_ = kind_of(*row);
                state_ = State::BEGIN;
                break;
            case State::BEGIN:
                scale_ = row->scale;
                state_ = State::RUN;
                break;
            case State::RUN:
                if (takes && row->end) state_ = State::DRAIN;
                break;
            case State::DRAIN:
                if (row && !closes() && row->stat == stat_ && kind_of(*row) == kind_ &&
                    (row->step || row->scale == scale_)) {
                    step_ = row->step;
                    state_ = State::RUN;
                } else if (!busy) {
                    state_ = closes() ? State::CLOSE : State::SAVE;
                }
                break;
            case State::CLOSE:
                closed_ = now + (step_ == 2   ? shape_.close_mean
                                 : step_ == 4 ? shape_.close_deviation
                                              : shape_.close_sum);
                state_ = State::RESULT;
                break;
            case State::RESULT:
                if (closed_ <= now) state_ = State::SAVE;
                break;
            case State::SAVE: state_ = State::IDLE; break;
        }
    }

    void lanes(Cycle now, const Piece* row, bool enable, bool free, bool taken) {
        const bool sums = kind_ < LAYERNORM, arrives = enable && (tokens_ >> (LONGEST - 1) & 1);
        if (taken) {
            values_ = false;
            tags_.pop(now);
        }
        if (enable) {
            tokens_ = (tokens_ << 1 | uint32_t(held_) << (LONGEST - LATENCY[kind_])) &
                      ((1u << LONGEST) - 1);
            if (held_) left_--;
        }
        group_ = arrives && sums;
        if (arrives && !sums && ++come_ == shape_.norm_groups) {
            values_ = true;
            come_ = 0;
        }
        if (!free) return;
        held_ = row;
        if (!row) return;
        left_ = shape_.norm_groups - 1;
        if (!row->step) tags_.push(*row, now);
    }
};
