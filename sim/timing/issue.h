// Rows before the array: a queue, and behind it, if they are `registered`, two registers
// (hw/control/execute_issue.py).
#pragma once
#include "common.h"

// A register in which an item stands; it can be filled in the cycle in which it is emptied.
template <typename T>
class Place {
   public:
    bool empty() const { return !full_; }
    bool shows(Cycle now) const { return full_ && since_ <= now; }
    T& front() { return item_; }
    void pop() { full_ = false; }
    void put(Cycle now, const T& item) {
        item_ = item;
        since_ = now + 1;
        full_ = true;
    }

   private:
    T item_{};
    bool full_ = false;
    Cycle since_ = 0;
};

// Rows of weights that go through a register to the array, which is not asked.
class Sent {
   public:
    // One cycle; returns whether the array has got a tile's last row.
    template <typename Rows>
    bool step(Cycle now, Rows& rows, Reader& elements) {
        const bool came = last_;
        last_ = false;
        if (full_ || !rows.shows(now)) return came;
        const bool read = rows.front().read;
        if (read && !elements.ready(now)) return came;
        full_ = last_ = rows.front().last;
        rows.pop(now);
        if (read) elements.take(now);
        return came;
    }
    // The tile that has come moves on.
    void captured() { full_ = false; }

   private:
    bool last_ = false;  // is on its way
    bool full_ = false;
};

template <typename Row>
class Issue {
   public:
    explicit Issue(const Shape& shape) : shape_(shape) {}

    bool empty() const { return queue_.empty() && first_.empty() && last_.empty(); }
    bool shows(Cycle now) const { return shape_.registered ? last_.shows(now) : queue_.shows(now); }
    bool room(Cycle now) const { return queue_.room(now, ROWS_AHEAD); }
    const Row& front() { return shape_.registered ? last_.front() : queue_.front(); }
    void push(Cycle now, const Row& row) { queue_.push(row, now + 1); }
    void pop(Cycle now) {
        if (shape_.registered)
            last_.pop();
        else
            queue_.pop(now);
    }
    // Whether the oldest row has to wait, if that is known from before.
    bool held(Cycle now) const { return now < release_; }

    // The end of a cycle: rows move on. `clashes` tells whether a row that entered so many cycles
    // ago keeps the given one off.
    template <typename Clashes>
    void step(Cycle now, Clashes clashes) {
        if (!shape_.registered) return;
        if (last_.empty() && first_.shows(now)) {
            release_ = 0;
            for (uint32_t age = 0; age + 1 < shape_.settle; age++)
                if (clashes(first_.front(), age))
                    release_ = std::max(release_, now - age + shape_.settle);
            last_.put(now, first_.front());
            first_.pop();
        }
        if (first_.empty() && queue_.shows(now)) {
            first_.put(now, queue_.front());
            queue_.pop(now);
        }
    }

   private:
    const Shape& shape_;
    Fifo<Row, 8> queue_;
    Place<Row> first_, last_;
    Cycle release_ = 0;  // from when on the row in the last register may enter the array
};
