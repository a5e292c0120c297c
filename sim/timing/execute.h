// Execute and the array: weights, rows of A and D, and the results on their way.
#pragma once
#include "common.h"

class Execute {
   public:
    bool stirred = false;  // an operation may be taken that was refused before

    explicit Execute(const Shape& shape) : shape_(shape), latency_(2 * shape.dim + 1) {
        announce_ = latency_ - (shape.dim - 1) + WRITE_LATENCY - 1;
    }

    bool ready(Cycle now, const Op& op) const {
        return input_ops_.room(now, OPS_AHEAD) &&
               (!op.loads_weights || weight_ops_.room(now, OPS_AHEAD));
    }
    void take(Cycle now, const Op& op) {
        input_ops_.push(&op, now + 1);
        if (op.loads_weights) weight_ops_.push(&op, now + 1);
    }

    // One cycle; `done` is called with the cycle in which an operation's last result is written, and
    // with that in which it is announced: its rows come in time for a reader that starts then.
    template <typename Done>
    State step(Cycle now, Done done) {
        const bool capture = arrived_ && !waiting_ && passing_ == 0;
        const State state = feed(now, done);
        const bool shifted = shift(now, capture);
        if (passing_ && !swapped_) passing_--;
        if (capture) {
            waiting_ = true;
            arrived_ = false;
        }
        if (shifted) arrived_ = true;
        swapped_ = false;
        sp_reads_ = 0;
        ask_weights(now);
        ask_rows(now);
        return state;
    }

    // The banks that results use in this cycle: the scratchpad's, those that the accumulator
    // memory's pipeline reads, and those that it writes.
    uint32_t sp_writes(Cycle now) const {
        const Fed& enters = fed(now, latency_);
        return enters.valid && !enters.acc ? shape_.sp_bank(enters.row) : 0;
    }
    uint32_t acc_reads(Cycle now) const {
        const Fed& enters = fed(now, latency_);
        const bool reads = enters.valid && enters.acc && enters.accumulate;
        return reads ? shape_.acc_bank(enters.row) : 0;
    }
    uint32_t acc_writes(Cycle now) const {
        const Fed& writes = fed(now, latency_ + WRITE_LATENCY - 1);
        return writes.valid && writes.acc ? shape_.acc_bank(writes.row) : 0;
    }
    bool result_enters(Cycle now) const {
        const Fed& enters = fed(now, latency_);
        return enters.valid && enters.acc;
    }
    // Whether a row is on its way through the accumulator memory's pipeline.
    bool pending(Cycle now, uint32_t row) const {
        for (uint32_t age = 1; age < WRITE_LATENCY; age++) {
            const Fed& old = fed(now, latency_ + age);
            if (old.valid && old.acc && old.row == row) return true;
        }
        return false;
    }
    // A row of load that adds to the accumulator memory enters its pipeline as a result does.
    void load_enters(Cycle now, uint32_t row) { fed_[(now - latency_) % HISTORY] = {true, true, true, row}; }
    // Banks of the scratchpad that execute reads in this cycle.
    uint32_t sp_reads() const { return sp_reads_; }

   private:
    struct Row {
        bool use_a, use_d, swap, last, whole, acc, accumulate, write;
        uint32_t row;
    };
    struct Fed {
        bool valid, acc, accumulate;
        uint32_t row;
    };
    static constexpr uint32_t HISTORY = 128;

    const Shape& shape_;
    uint32_t latency_;   // from the entry of a row to the write of its result
    uint32_t announce_;  // from the entry of a whole operation's last row to its announcement
    Fifo<const Op*, 4> weight_ops_, input_ops_;
    Fifo<Row, 8> rows_;
    Fifo<uint8_t, 8> weight_rows_;
    Reader a_, b_, d_;
    Fed fed_[HISTORY] = {};
    uint32_t weights_asked_ = 0, index_ = 0, a_next_ = 0, c_next_ = 0;
    bool a_sent_ = false, d_sent_ = false;
    bool arrived_ = false, waiting_ = false, swapped_ = false;
    uint32_t passing_ = 0, sp_reads_ = 0;

    const Fed& fed(Cycle now, uint32_t age) const { return fed_[(now - age) % HISTORY]; }

    bool clashes(Cycle now, const Row& row) const {
        if (!row.acc || !row.accumulate) return false;
        for (uint32_t age = 1; age < WRITE_LATENCY; age++) {
            const Fed& old = fed(now, age);
            if (old.valid && old.acc && old.row == row.row) return true;
        }
        return false;
    }

    template <typename Done>
    State feed(Cycle now, Done done) {
        fed_[now % HISTORY].valid = false;
        if (!rows_.shows(now)) return input_ops_.empty() && rows_.empty() ? IDLE : ROWS;
        const Row& row = rows_.front();
        if ((row.use_a && !a_.ready(now)) || (row.use_d && !d_.ready(now))) return ROWS;
        if (clashes(now, row)) return DISTANCE;
        if (row.swap && !waiting_) return WEIGHTS;
        if (row.swap) {
            waiting_ = false;
            swapped_ = true;
            passing_ = shape_.dim - 2;
        }
        fed_[now % HISTORY] = {row.write, row.acc, row.accumulate, row.row};
        if (row.use_a) a_.take(now);
        if (row.use_d) d_.take(now);
        if (row.last) done(now + latency_, now + (row.whole ? announce_ : latency_));
        rows_.pop(now);
        return ACTIVE;
    }

    // A weight row goes down into the mesh; returns whether it was a tile's last.
    bool shift(Cycle now, bool capture) {
        if (!weight_rows_.shows(now) || !b_.ready(now) || (arrived_ && !capture)) return false;
        const bool last = weight_rows_.front();
        weight_rows_.pop(now);
        b_.take(now);
        return last;
    }

    void ask_weights(Cycle now) {
        if (!weight_ops_.shows(now) || !weight_rows_.room(now, ROWS_AHEAD) || !b_.credit(now))
            return;
        const Op& op = *weight_ops_.front();
        sp_reads_ |= shape_.sp_bank(op.b_row + op.k - 1 - weights_asked_);
        b_.ask(now);
        const bool last = ++weights_asked_ == op.k;
        weight_rows_.push(last, now + 1);
        if (last) {
            weights_asked_ = 0;
            weight_ops_.pop(now);
            stirred = true;
        }
    }

    // Ask for a row if its bank is free; returns whether the answer is on its way.
    bool ask(Cycle now, Reader& reader, uint32_t row, bool& sent) {
        const uint32_t bank = shape_.sp_bank(row);
        if (!sent && reader.credit(now) && !(sp_reads_ & bank)) {
            sp_reads_ |= bank;
            reader.ask(now);
            sent = true;
        }
        return sent;
    }

    void ask_rows(Cycle now) {
        if (!input_ops_.shows(now) || !rows_.room(now, ROWS_AHEAD)) return;
        const Op& op = *input_ops_.front();
        if (index_ == 0) {
            a_next_ = op.a_row;
            c_next_ = op.c_row;
        }
        const bool use_a = op.uses_a && index_ < op.a_rows;
        const bool use_d = op.uses_d && index_ < op.d_rows;
        const bool a_met = !use_a || ask(now, a_, a_next_, a_sent_);
        const bool d_met = !use_d || ask(now, d_, op.d_row + index_, d_sent_);
        if (!a_met || !d_met) return;
        const bool last = index_ + 1 >= op.c_rows;
        const bool whole = op.c_rows == shape_.dim && op.c_stride == 1 && shape_.dim >= WHOLE;
        rows_.push({use_a, use_d, index_ == 0 && op.loads_weights, last, whole, op.acc,
                    op.accumulate, op.c_rows != 0, c_next_},
                   now + 1);
        a_sent_ = d_sent_ = false;
        a_next_ += op.a_stride;
        c_next_ += op.c_stride;
        index_ = last ? 0 : index_ + 1;
        if (!last) return;
        input_ops_.pop(now);
        stirred = true;
    }
};
