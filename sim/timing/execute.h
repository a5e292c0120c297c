// Execute and the array: weights, rows of A and D, and the results on their way.
#pragma once
#include "common.h"
#include "turner.h"

class Execute {
   public:
    bool stirred = false;  // an operation may be taken that was refused before

    explicit Execute(const Shape& shape)
        : shape_(shape),
          latency_(2 * shape.dim + 1 + (shape.output_stationary ? TILE_LATENCY : 0)),
          b_turner_(shape.dim),
          a_turner_(shape.dim) {
        announce_ = latency_ - (shape.dim - 1) + WRITE_LATENCY - 1;
    }

    bool ready(Cycle now, const Op& op) const {
        return input_ops_.room(now, OPS_AHEAD) &&
               (!op.loads_weights || weight_ops_.room(now, OPS_AHEAD)) &&
               (!fetches_a(op) || row_ops_.room(now, OPS_AHEAD));
    }
    void take(Cycle now, const Op& op) {
        input_ops_.push(&op, now + 1);
        if (fetches_a(op)) row_ops_.push(&op, now + 1);
        if (op.loads_weights) weight_ops_.push(&op, now + 1);
    }

    // One cycle; `done` is called with the cycle in which an operation's last result is written, and
    // with that in which it is announced: its rows come in time for a reader that starts then.
    template <typename Done>
    State step(Cycle now, Done done) {
        const bool stocked = arrived_ || waiting_;
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
        if (!stocked) ask_weights(now);
        if (shape_.transposes) ask_a(now);
        ask_rows(now);
        if (stocked) ask_weights(now);
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
    void load_enters(Cycle now, uint32_t row) { fed_[(now - latency_) % HISTORY] = {true, true, true, false, row, 0}; }
    // Banks of the scratchpad that execute reads in this cycle.
    uint32_t sp_reads() const { return sp_reads_; }

   private:
    struct Row {
        bool use_a, use_d, swap, last, whole, acc, accumulate, write, os, add;
        uint32_t row, index;
    };
    struct Fed {
        bool valid, acc, accumulate, os;
        uint32_t row, index;
    };
    struct Step {  // a row of weights, or of A on its way through the transposer
        bool read, turn, last;
        uint32_t count;
    };
    static constexpr uint32_t HISTORY = 128;

    const Shape& shape_;
    uint32_t latency_;   // from the entry of a row to the write of its result
    uint32_t announce_;  // from the entry of a whole operation's last row to its announcement
    Fifo<const Op*, 4> weight_ops_, input_ops_, row_ops_;
    Fifo<Row, 8> rows_;
    Fifo<Step, 8> weight_rows_, a_rows_;
    Turner b_turner_, a_turner_;
    Reader a_, b_, d_;
    Fed fed_[HISTORY] = {};
    uint32_t weights_asked_ = 0, a_asked_ = 0, a_row_ = 0, index_ = 0, a_next_ = 0, c_next_ = 0;
    bool a_sent_ = false, d_sent_ = false;
    bool arrived_ = false, waiting_ = false, swapped_ = false;
    uint32_t passing_ = 0, sp_reads_ = 0;

    const Fed& fed(Cycle now, uint32_t age) const { return fed_[(now - age) % HISTORY]; }

    bool fetches_a(const Op& op) const { return shape_.transposes && op.a_rows && op.a_cols; }

    bool clashes(Cycle now, const Row& row) const {
        if (row.os && row.add && fed(now, 1).os && fed(now, 1).index == row.index) return true;
        if (!row.acc || !row.accumulate) return false;
        for (uint32_t age = 1; age < WRITE_LATENCY; age++) {
            const Fed& old = fed(now, age);
            if (old.valid && old.acc && old.row == row.row) return true;
        }
        return false;
    }

    // Whether the next row of A stands ready.
    bool a_ready(Cycle now) const {
        if (!shape_.transposes) return a_.ready(now);
        if (a_turner_.busy()) return a_turner_.ready();
        return a_rows_.shows(now) && !a_rows_.front().turn && a_.ready(now);
    }

    // The next row of A is taken, or not; rows of transposed tiles enter the transposer.
    void move_a(Cycle now, bool taken) {
        if (!shape_.transposes) {
            if (taken) a_.take(now);
            return;
        }
        const bool there = a_rows_.shows(now);
        const bool put = there && a_rows_.front().turn && a_turner_.room() &&
                         (!a_rows_.front().read || a_.ready(now));
        const bool passes = taken && !a_turner_.busy();
        const uint32_t count = there ? a_rows_.front().count : 0;
        if (put || passes) {
            if (a_rows_.front().read) a_.take(now);
            a_rows_.pop(now);
        }
        a_turner_.step(taken, put, count);
    }

    template <typename Done>
    State feed(Cycle now, Done done) {
        bool takes_a = false;
        const State state = enter(now, takes_a, done);
        move_a(now, takes_a);
        return state;
    }

    template <typename Done>
    State enter(Cycle now, bool& takes_a, Done done) {
        fed_[now % HISTORY] = {};
        if (!rows_.shows(now)) return input_ops_.empty() && rows_.empty() ? IDLE : ROWS;
        const Row& row = rows_.front();
        if ((row.use_a && !a_ready(now)) || (row.use_d && !d_.ready(now))) return ROWS;
        if (clashes(now, row)) return DISTANCE;
        if (row.swap && !waiting_) return WEIGHTS;
        if (row.swap) {
            waiting_ = false;
            swapped_ = true;
            passing_ = shape_.dim - 2;
        }
        fed_[now % HISTORY] = {row.write, row.acc, row.accumulate, row.os, row.row, row.index};
        takes_a = row.use_a;
        if (row.use_d) d_.take(now);
        if (row.last) done(now + latency_, row.whole ? now + announce_ : 0);
        rows_.pop(now);
        return ACTIVE;
    }

    // A weight row goes down into the mesh; returns whether it was a tile's last.
    bool shift(Cycle now, bool capture) {
        const bool ready = !arrived_ || capture, there = weight_rows_.shows(now);
        const Step* step = there ? &weight_rows_.front() : nullptr;
        const bool present = there && (!step->read || b_.ready(now));
        const bool turned = b_turner_.busy();
        const bool put = present && step->turn && b_turner_.room();
        const bool passes = present && !step->turn && !turned && ready;
        const bool leaves = turned && b_turner_.ready() && ready;
        const bool last = leaves ? b_turner_.last() : passes && step->last;
        const uint32_t count = there ? step->count : 0;
        if (put || passes) {
            if (step->read) b_.take(now);
            weight_rows_.pop(now);
        }
        if (shape_.transposes) b_turner_.step(leaves, put, count);
        return last;
    }

    void ask_weights(Cycle now) {
        if (!weight_ops_.shows(now) || !weight_rows_.room(now, ROWS_AHEAD)) return;
        const Op& op = *weight_ops_.front();
        const uint32_t row = op.b_turn ? weights_asked_ : op.k - 1 - weights_asked_;
        const bool read = row < op.b_rows;
        const uint32_t bank = shape_.sp_bank(op.b_row + row);
        if (read && (!b_.credit(now) || (sp_reads_ & bank))) return;
        if (read) {
            sp_reads_ |= bank;
            b_.ask(now);
        }
        const bool last = ++weights_asked_ == (op.b_turn ? shape_.dim : op.k);
        weight_rows_.push({read, op.b_turn, last, op.k}, now + 1);
        if (last) {
            weights_asked_ = 0;
            weight_ops_.pop(now);
            stirred = true;
        }
    }

    // With transposes rows of A come by themselves.
    void ask_a(Cycle now) {
        if (!row_ops_.shows(now) || !a_rows_.room(now, ROWS_AHEAD)) return;
        const Op& op = *row_ops_.front();
        if (a_asked_ == 0) a_row_ = op.a_row;
        const bool read = !op.a_turn || a_asked_ < op.a_cols;
        if (read) {
            const uint32_t bank = shape_.sp_bank(a_row_);
            if (!a_.credit(now) || (sp_reads_ & bank)) return;
            sp_reads_ |= bank;
            a_.ask(now);
        }
        a_row_ += op.a_stride;
        a_rows_.push({read, op.a_turn, false, op.a_rows}, now + 1);
        if (++a_asked_ < (op.a_turn ? shape_.dim : op.a_rows)) return;
        a_asked_ = 0;
        row_ops_.pop(now);
        stirred = true;
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
        const bool use_a = index_ < op.a_rows && op.a_cols && op.rows_sent;
        const bool use_d = index_ < op.d_rows && op.uses_d;
        const bool a_met = !use_a || shape_.transposes || ask(now, a_, a_next_, a_sent_);
        const bool d_met = !use_d || ask(now, d_, op.d_row + index_, d_sent_);
        if (!a_met || !d_met) return;
        const bool last = index_ + 1 >= op.rows_sent;
        const bool whole =
            op.rows_sent == shape_.dim && op.c_stride == 1 && shape_.dim >= WHOLE;
        const bool write = shape_.output_stationary ? index_ < op.c_rows : op.c_rows != 0;
        rows_.push({use_a, use_d, index_ == 0 && op.loads_weights, last, whole, op.acc,
                    op.accumulate, write, op.os, op.add, c_next_, index_},
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
