// Rows of the scratchpad on their way to the array, asked for by themselves
// (hw/control/execute_rows.py).
#pragma once
#include "common.h"
#include "turner.h"

class RowFetch {
   public:
    struct Job {
        uint32_t row, stride, rows, cols;
        bool turn;
    };

    RowFetch(const Shape& shape, bool turns, bool single = false)
        : shape_(shape), turns_(turns), turner_(shape.dim), reader_(shape, single, false) {}

    bool room(Cycle now) const { return jobs_.room(now, OPS_AHEAD); }
    void add(Cycle now, const Job& job) { jobs_.push(job, now + 1); }

    // The oldest request goes to its bank if that is not among `used`; returns the bank or 0.
    uint32_t enter(Cycle now, uint32_t used) { return reader_.enter(now, used, shape_.answers()); }

    // Ask for the next row; `stirred` is set when another job may come.
    void ask(Cycle now, bool& stirred) {
        if (!jobs_.shows(now) || (turns_ && !steps_.room(now, ROWS_AHEAD))) return;
        const Job& job = jobs_.front();
        if (asked_ == 0) row_ = job.row;
        const bool read = !job.turn || asked_ < job.cols;
        if (read && !reader_.room(now)) return;
        if (read) reader_.ask(now, shape_.sp_bank(row_));
        if (turns_) steps_.push({read, job.turn, job.rows}, now + 1);
        row_ += job.stride;
        if (++asked_ == (job.turn ? shape_.dim : job.rows)) {
            asked_ = 0;
            jobs_.pop(now);
            stirred = true;
        }
    }

    bool ready(Cycle now) const {
        if (!turns_) return reader_.ready(now);
        if (turner_.busy()) return turner_.ready();
        return steps_.shows(now) && !steps_.front().turn && reader_.ready(now);
    }

    // One cycle: the row that stands is taken, or not.
    void step(Cycle now, bool taken) {
        if (!turns_) {
            if (taken) reader_.take(now);
            return;
        }
        const bool there = steps_.shows(now);
        const bool put = there && steps_.front().turn && turner_.room() &&
                         (!steps_.front().read || reader_.ready(now));
        const bool passes = taken && !turner_.busy();
        const uint32_t count = there ? steps_.front().count : 0;
        if (put || passes) {
            if (steps_.front().read) reader_.take(now);
            steps_.pop(now);
        }
        turner_.step(taken, put, count);
    }

   private:
    struct Step {
        bool read, turn;
        uint32_t count;
    };

    const Shape& shape_;
    bool turns_;
    Turner turner_;
    Reader reader_;
    Fifo<Job, 4> jobs_;
    Fifo<Step, 8> steps_;
    uint32_t asked_ = 0, row_ = 0;
};
