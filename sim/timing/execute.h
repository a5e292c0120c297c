// Execute and the array: weights, rows of A and D, and the results on their way.
#pragma once
#include "common.h"
#include "fetch.h"
#include "issue.h"
#include "lines.h"

class Execute {
   public:
    bool stirred = false;  // an operation may be taken that was refused before

    explicit Execute(const Shape& shape)
        : shape_(shape),
          latency_(shape.array + shape.scaling + 1 + shape.registered + (shape.output_stationary ? TILE_LATENCY : 0)),
          rows_(shape),
          b_turner_(shape.dim),
          fetch_{{shape, bool(shape.transposes)}, {shape, false, bool(shape.unhurried)}, {shape, false}},
          lines_(shape),
          b_(shape, false, shape.registered),
          a_(shape, false, shape.registered),
          d_(shape, shape.unhurried, shape.registered) {
        announce_ = latency_ - (shape.dim - 1) + shape.settle - 1;
    }

    bool ready(Cycle now, const Op& op) const {
        const uint32_t ahead = shape_.registered ? 2 : OPS_AHEAD;
        return input_ops_.room(now, ahead) &&
               (!op.loads_weights || weight_ops_.room(now, ahead)) &&
               (!shape_.split() || operands_room(now, op));
    }
    void take(Cycle now, const Op& op) {
        input_ops_.push(&op, now + 1);
        if (shape_.split()) take_operands(now, op);
        if (op.loads_weights) weight_ops_.push(&op, now + 1);
    }

    // One cycle; `done` is called with the cycle in which an operation's last result is written, and
    // with that in which it is announced: its rows come in time for a reader that starts then.
    template <typename Done>
    State step(Cycle now, Done done) {
        if (!written_) written_ = now + entries();
        const bool room = !table_ && now >= written_;
        const bool capture = arrived_ && !waiting_ && passing_ == 0 && !lines_.swapping();
        if (shape_.dw_lines && lines_.valid()) step_result(now, done);
        const State state = feed(now, done);
        if (swaps_) swap();
        swaps_ = swap_comes_;
        swap_comes_ = false;
        const bool shifted = shift(now, capture, room);
        if (passing_ && !swapped_) passing_--;
        if (capture) {
            waiting_ = true;
            arrived_ = false;
            sent_.captured();
        }
        if (shifted) arrived_ = true;
        if (capture)
            settling_ = shape_.dim - 2;
        else if (settling_)
            settling_--;
        swapped_ = false;
        read_banks(now);
        ask_weights(now);
        if (shape_.split())
            for (RowFetch& fetch : fetch_) fetch.ask(now, stirred);
        ask_rows(now);
        return state;
    }

    // The banks that results use in this cycle: the scratchpad's, those that the accumulator
    // memory's pipeline reads, and those that it writes.
    uint32_t sp_writes(Cycle now) const {
        const Fed& enters = fed(now, latency_ + shape_.registered);
        return enters.valid && !enters.acc ? shape_.sp_bank(enters.row) : 0;
    }
    uint32_t acc_reads(Cycle now) const {
        const Fed& enters = fed(now, latency_ + shape_.registered);
        const bool reads = enters.valid && enters.acc && enters.accumulate;
        return reads ? shape_.acc_bank(enters.row) : 0;
    }
    uint32_t acc_writes(Cycle now) const {
        const Fed& writes = fed(now, latency_ + shape_.settle - 1 + 2 * shape_.registered);
        return writes.valid && writes.acc ? shape_.acc_bank(writes.row) : 0;
    }
    bool result_enters(Cycle now) const {
        const Fed& enters = fed(now, latency_);
        return enters.valid && enters.acc;
    }
    // Whether a row is on its way through the accumulator memory's pipeline.
    bool pending(Cycle now, uint32_t row) const {
        for (uint32_t age = 1; age < shape_.settle; age++) {
            const Fed& old = fed(now, latency_ + age);
            if (old.valid && old.acc && old.row == row) return true;
        }
        return false;
    }
    // A row of load enters the accumulator memory's pipeline as a result does.
    void load_enters(Cycle now, uint32_t row, bool accumulate) {
        fed_[(now - latency_) % HISTORY] = {true, true, accumulate, false, row, 0};
    }
    // Banks of the scratchpad that execute reads in this cycle.
    uint32_t sp_reads() const { return sp_reads_; }

   private:
    struct Row {
        bool use[3], swap, last, whole, acc, accumulate, write, os, add;
        uint32_t row, index;
        bool step = false, wanted = false, table = false;
    };
    struct Fed {
        bool valid, acc, accumulate, os;
        uint32_t row, index;
    };
    struct Weights {  // a row of weights on its way
        bool read, turn, last, table;
        uint32_t count;
        bool scales = false;  // of blocks, which leave before they reach the array
    };
    static constexpr uint32_t HISTORY = 512, RECENT = 16;

    const Shape& shape_;
    uint32_t latency_;   // from the entry of a row to the write of its result
    uint32_t announce_;  // from the entry of a whole operation's last row to its announcement
    Fifo<const Op*, 4> weight_ops_, input_ops_;
    Issue<Row> rows_;
    Fifo<Weights, 8> weight_rows_;
    Turner b_turner_;
    RowFetch fetch_[3];
    LineSteps lines_;
    Fifo<Row, 64> steps_;  // whose results are awaited
    Reader b_, a_, d_;
    Fed fed_[HISTORY] = {};
    uint32_t weights_asked_ = 0, index_ = 0, a_next_ = 0, c_next_ = 0;
    bool a_sent_ = false, d_sent_ = false;
    bool arrived_ = false, waiting_ = false, swapped_ = false;
    bool swaps_ = false, swap_comes_ = false;  // registered: a row with new weights is on its way
    Sent sent_;                                // likewise
    bool table_ = false;  // one has come that no row has taken note of
    uint32_t entry_ = 0, lane_ = 0;
    Cycle written_ = 0;  // from here on the first table is there
    uint32_t passing_ = 0, settling_ = 0, sp_reads_ = 0;
    bool stepping_ = false, ended_valid_ = false;
    uint32_t pixel_ = 0, before_ = 0, phase_ = 0, ended_row_ = 0;
    Cycle last_row_ = 0;
    Fed recent_[RECENT] = {};  // what entered in the last cycles

    const Fed& fed(Cycle now, uint32_t age) const { return fed_[(now - age) % HISTORY]; }

    // What an operation reads of A, D (or the second line) and the third line.
    RowFetch::Job job(const Op& op, int n) const {
        if (op.dw) {
            const bool seen = op.lines >> n & 1;
            return {op.a_row + n * op.line_stride, 1, seen ? op.a_rows : 0, shape_.dim, false};
        }
        if (n == 0)
            return {op.a_row, op.a_stride, std::min(op.a_rows, op.rows_sent), op.a_cols, op.a_turn};
        const uint32_t d_rows = op.uses_d ? std::min(op.d_rows, op.rows_sent) : 0;
        return {op.d_row, 1, n == 1 ? d_rows : 0, 1, false};
    }
    bool operands_room(Cycle now, const Op& op) const {
        for (int n = 0; n < 3; n++) {
            const RowFetch::Job wanted = job(op, n);
            if (wanted.rows && wanted.cols && !fetch_[n].room(now)) return false;
        }
        return true;
    }
    void take_operands(Cycle now, const Op& op) {
        for (int n = 0; n < 3; n++) {
            const RowFetch::Job wanted = job(op, n);
            if (wanted.rows && wanted.cols) fetch_[n].add(now, wanted);
        }
    }

    bool clashes(Cycle now, const Row& row) const {
        const Fed& before = recent_[(now - 1) % RECENT];
        if (row.os && row.add && before.os && before.index == row.index) return true;
        for (uint32_t age = 1; age < shape_.settle; age++)
            if (meets(now, row, age)) return true;
        return false;
    }

    // Whether a row adds to that of the accumulator memory to which one `age` cycles ago goes.
    bool meets(Cycle now, const Row& row, uint32_t age) const {
        const Fed& old = recent_[(now - age) % RECENT];
        return row.acc && row.accumulate && old.valid && old.acc && old.row == row.row;
    }

    bool operand_ready(Cycle now, int n) const {
        return shape_.split() ? fetch_[n].ready(now) : (n ? d_ : a_).ready(now);
    }

    template <typename Done>
    State feed(Cycle now, Done done) {
        bool takes[3] = {};
        const State state = enter(now, takes, done);
        if (shape_.split()) {
            for (int n = 0; n < 3; n++) fetch_[n].step(now, takes[n]);
        } else {
            if (takes[0]) a_.take(now);
            if (takes[1]) d_.take(now);
        }
        rows_.step(now, [&](const Row& row, uint32_t age) { return meets(now, row, age); });
        return state;
    }

    template <typename Done>
    State enter(Cycle now, bool* takes, Done done) {
        fed_[now % HISTORY] = recent_[now % RECENT] = {};
        const Row* row = rows_.shows(now) ? &rows_.front() : nullptr;
        bool there = row;
        for (int n = 0; n < 3 && there; n++) there = !row->use[n] || operand_ready(now, n);
        const bool held = there && (shape_.registered ? rows_.held(now) : clashes(now, *row));
        const bool stands = there && !held;
        const bool settled = stands && !(row->step && row->swap && settling_);
        const bool goes = settled && row->step == stepping_ && (!row->swap || (waiting_ && !swaps_)) &&
                          (!row->table || table_);
        const bool steps = goes && row->step;
        if (shape_.dw_lines) change_mode(now, stands && row->step != stepping_);
        if (shape_.dw_lines)
            lines_.clock(steps, steps && row->swap, steps && row->wanted, steps && row->last);
        if (!there) return !row && input_ops_.empty() && rows_.empty() ? IDLE : ROWS;
        if (held) return DISTANCE;
        if (!goes) return WEIGHTS;
        if (row->table) table_ = false;
        if (row->swap && !shape_.registered) swap();
        swap_comes_ = row->swap && shape_.registered;
        const Fed result{row->write, row->acc, row->accumulate, row->os, row->row, row->index};
        recent_[now % RECENT] = result;
        std::copy(row->use, row->use + 3, takes);
        if (!row->step) {
            fed_[now % HISTORY] = result;
            last_row_ = now;
            if (row->last) done(now + latency_, row->whole ? now + announce_ : 0);
        } else if (row->wanted) {
            steps_.push(*row, now);
        }
        rows_.pop(now);
        return ACTIVE;
    }

    // A row with new weights is in the mesh.
    void swap() {
        waiting_ = false;
        swapped_ = true;
        passing_ = shape_.dim - 2;
    }

    // The mesh changes between rows and steps when it is empty.
    void change_mode(Cycle now, bool wanted) {
        const bool empty = stepping_ ? lines_.idle() : last_row_ + shape_.array < now;
        if (wanted && empty) stepping_ = !stepping_;
    }

    // The result of a wanted step leaves the mesh.
    template <typename Done>
    void step_result(Cycle now, Done done) {
        const Row& row = steps_.front();
        const Cycle entered = now - shape_.array;  // as if it had been a row
        fed_[entered % HISTORY] = {row.write, row.acc, row.accumulate, false, row.row, 0};
        if (row.last) done(entered + latency_, 0);
        steps_.pop(now);
    }

    // A weight row goes down into the mesh; returns whether it was a tile's last. One of a table
    // passes it if there is `room`.
    bool shift(Cycle now, bool capture, bool room) {
        if (shape_.registered) return sent_.step(now, weight_rows_, b_);
        const bool there = weight_rows_.shows(now);
        const Weights* step = there ? &weight_rows_.front() : nullptr;
        const bool present = there && (!step->read || b_.ready(now));
        if (present && step->scales) {
            b_.take(now);
            weight_rows_.pop(now);
            return false;
        }
        const bool tables = there && step->table && !b_turner_.busy();
        const bool ready = tables ? present && room && write(step->last)
                                  : (!arrived_ || capture) && now >= written_;
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
        if (last && tables) table_ = true;
        return last && !tables;
    }

    uint32_t entries() const { return shape_.table_rows ? 1u << shape_.weight_bits : 0; }

    // An entry of a table is written; returns whether it is its row's last.
    bool write(bool last) {
        const bool ends = ++entry_ == entries() || lane_ + 1 == shape_.dim;
        lane_ = ends ? 0 : lane_ + 1;
        if (ends && last) entry_ = 0;
        return ends;
    }

    // Requests enter the banks of the scratchpad, the most urgent reader's first.
    void read_banks(Cycle now) {
        sp_reads_ = b_.enter(now, 0, shape_.answers());
        if (shape_.split()) {
            for (RowFetch& fetch : fetch_) sp_reads_ |= fetch.enter(now, sp_reads_);
        } else {
            sp_reads_ |= a_.enter(now, sp_reads_, shape_.answers());
            sp_reads_ |= d_.enter(now, sp_reads_, shape_.answers());
        }
    }

    void ask_weights(Cycle now) {
        if (!weight_ops_.shows(now) || !weight_rows_.room(now, ROWS_AHEAD)) return;
        const Op& op = *weight_ops_.front();
        const bool scales = weights_asked_ < op.scale_rows, ascends = op.b_turn || op.table;
        const uint32_t asked = weights_asked_ - op.scale_rows;
        const uint32_t row = scales ? op.k + weights_asked_ : ascends ? asked : op.k - 1 - asked;
        const bool read = scales || row < op.b_rows;
        if (read && !b_.room(now)) return;
        if (read) b_.ask(now, shape_.sp_bank(op.b_row + row));
        const bool last = ++weights_asked_ == op.scale_rows + (op.b_turn ? shape_.dim : op.k);
        weight_rows_.push({read, op.b_turn, last, op.table, op.k, scales}, now + 1);
        if (last) {
            weights_asked_ = 0;
            weight_ops_.pop(now);
            stirred = true;
        }
    }

    // Ask for a row; returns whether it has been asked for.
    bool ask(Cycle now, Reader& reader, uint32_t row, bool& sent) {
        if (!sent && reader.room(now)) {
            reader.ask(now, shape_.sp_bank(row));
            sent = true;
        }
        return sent;
    }

    void ask_rows(Cycle now) {
        if (!input_ops_.shows(now) || !rows_.room(now)) return;
        const Op& op = *input_ops_.front();
        if (index_ == 0) {
            a_next_ = op.a_row;
            c_next_ = op.c_row;
        }
        if (op.dw) return ask_step(now, op);
        ended_valid_ = false;
        const bool use_a = index_ < op.a_rows && op.a_cols && op.rows_sent;
        const bool use_d = index_ < op.d_rows && op.uses_d;
        const bool split = shape_.split();
        const bool a_met = !use_a || split || ask(now, a_, a_next_, a_sent_);
        const bool d_met = !use_d || split || ask(now, d_, op.d_row + index_, d_sent_);
        if (!a_met || !d_met) return;
        const bool last = index_ + 1 >= op.rows_sent;
        const bool whole =
            op.rows_sent == shape_.dim && op.c_stride == 1 && shape_.dim >= WHOLE;
        const bool write = shape_.output_stationary ? index_ < op.c_rows : op.c_rows != 0;
        const bool swap = index_ == 0 && op.loads_weights && !op.table;
        Row row{{use_a, use_d, false}, swap, last, whole, op.acc, op.accumulate, write, op.os,
                op.add, c_next_, index_};
        row.table = op.table;
        rows_.push(now, row);
        a_sent_ = d_sent_ = false;
        a_next_ += op.a_stride;
        c_next_ += op.c_stride;
        index_ = last ? 0 : index_ + 1;
        if (!last) return;
        input_ops_.pop(now);
        stirred = true;
    }

    // The next step of a depthwise line (hw/control/execute_inputs.py).
    void ask_step(Cycle now, const Op& op) {
        const bool again = ended_valid_ && op.accumulate && ended_row_ == op.c_row;
        const bool inside = before_ == op.left + again && pixel_ < op.a_rows;
        const bool wanted = phase_ == (index_ == 0 ? 2 + again : op.step - 1);
        const bool last = wanted && index_ + 1 == op.c_rows;
        const bool swap = index_ == 0 && phase_ == 0 && op.loads_weights;
        Row row{{inside && (op.lines & 1), inside && (op.lines & 2), inside && (op.lines & 4)},
                swap, last, false, op.acc, op.accumulate, wanted, false, false, c_next_, index_};
        row.step = true;
        row.wanted = wanted;
        rows_.push(now, row);
        phase_ = wanted ? 0 : phase_ + 1;
        pixel_ = last ? 0 : pixel_ + inside;
        before_ = last ? 0 : before_ + (before_ != op.left + again);
        if (wanted) c_next_ += op.c_stride;
        if (last) {
            ended_valid_ = op.acc;
            ended_row_ = row.row;
        }
        index_ = last ? 0 : index_ + wanted;
        if (!last) return;
        input_ops_.pop(now);
        stirred = true;
    }
};
