// What the parts of the cycle model share: sizes, operations and the queues between blocks.
//
// Every part has a step(now) that makes the transfers of one cycle. Parts are stepped from the end
// of each pipeline to its start, so that a register that is emptied in a cycle can be filled in
// the same one; queues and credits that the hardware frees a cycle later remember when they moved.
#pragma once
#include <algorithm>
#include <cstdint>

#include "fields.h"
#include "states.h"

using Cycle = uint64_t;

// Mirror of `Shape` in model.py.
struct Shape {
    uint32_t dim, sp_banks, acc_banks, sp_rows, acc_rows;
    uint32_t input_bits, weight_bits, output_bits, acc_bits;
    uint32_t row_bytes, output_row_bytes, acc_row_bytes, bus_bytes;
    uint32_t load_queue, execute_queue, store_queue, command_queue, reads_in_flight;
    uint32_t serial_hazards;  // whether spans are compared in turn
    uint32_t in_order;        // whether commands wait by halves of the memories
    uint32_t sequential;      // whether each is carried out to its end before the next
    uint32_t array_clock;     // cycles of the array in one of the core
    uint32_t unhurried;  // whether rows are asked for (by store, for D) and written one at a time
    uint32_t registered;  // whether registers stand around the array
    uint32_t load_blocks, load_blocks_acc, store_blocks;
    uint32_t load_scale, store_scale;  // cycles from a row's entry into the scaler to its exit
    uint32_t tiles, wide_tiles;        // that one mvin of a product moves at most
    // options, as in Config
    uint32_t mvin_scale, first_layer, output_stationary, transposes, dw_lines, pooling, spad_store;
    uint32_t normalisation, loop_ws, loop_conv;
    // lanes' steps per row of the normalisation, cycles that it takes to close a series
    uint32_t norm_groups, close_mean, close_deviation, close_sum;
    uint32_t scale_beats;   // cycles that a row stands before the output scaler
    uint32_t scale_serial;  // that an element stands before the one of a sequential machine
    // cycles of a row in the array, of it until its sum begins, of a sum until it can be read
    uint32_t array, before, settle;
    uint32_t clears, spad_results;  // whether tiles without B are zeros, and C may go there
    // blocks: rows of scales behind B, scales in a row of D (0: rows of D), cycles of the scaling
    uint32_t scale_rows, row_scales, scaling;
    uint32_t table_rows;  // of a table of weights that can be loaded; 0: none
    uint32_t latency, command_gap;
    double bytes_per_cycle;

    // Whether a command is checked, and compared with others, in the cycle in which it leaves.
    bool at_once() const { return !serial_hazards && !in_order; }

    // Whether operands are asked for by themselves, and rows asked for and not taken.
    bool split() const { return transposes || dw_lines || row_scales; }
    uint32_t answers() const;

    // Whether a row of `bank` has to wait for those that are being written.
    bool waits(uint32_t written, uint32_t bank) const { return written & (unhurried ? ~0u : bank); }

    // Which bank (a power of two of them) holds a row, as a bit.
    uint32_t sp_bank(uint32_t row) const { return 1u << (row & (sp_banks - 1)); }
    uint32_t acc_bank(uint32_t row) const { return 1u << (row & (acc_banks - 1)); }
};

struct Span {
    bool valid = false, acc = false;
    uint32_t first = 0, last = 0;

    bool meets(const Span& other) const {
        return valid && other.valid && acc == other.acc && first <= other.last &&
               other.first <= last;
    }
};

struct Pooling {
    uint32_t stride = 0, size = 0, upper_pad = 0, left_pad = 0;
    uint32_t out_rows = 0, out_cols = 0, pool_rows = 0, pool_cols = 0, out_dim = 0;
};

// A dispatched command; it stays where it is until it is complete. Which members count depends on the unit.
struct Op {
    Unit unit = LOAD;
    uint32_t record = 0;  // where its times are kept
    uint64_t needs[3] = {};  // completions of each unit that it waits for
    Span reads[3], write;
    uint32_t address = 0, stride = 0, rows = 0, cols = 0, row = 0, block_stride = 0;
    uint32_t lane = 0, more = 0;
    bool acc = false, accumulate = false, wide = false, zero = false, scaled = false, full = false;
    bool weights = false;  // narrower than inputs
    bool once = false, in_order = false, single = false, follows = false;
    bool loads_weights = false, uses_d = false;
    uint32_t scale_rows = 0;  // behind those of B
    uint32_t k = 0, a_rows = 0, a_cols = 0, a_row = 0, a_stride = 0, d_rows = 0, d_row = 0;
    uint32_t b_row = 0, b_rows = 0, c_rows = 0, c_row = 0, c_stride = 0, rows_sent = 0;
    bool dw = false, table = false;
    uint32_t lines = 0, left = 0, step = 1, line_stride = 0;
    bool os = false, add = false, a_turn = false, b_turn = false;
    bool local = false, pooled = false, configures = false;
    uint32_t norm = 0, stat = 0, activation = 0, scale = 0;  // of the normalisation
    Pooling pool;
};

// A queue of at most SIZE items (a power of two) that shows an item a cycle after it was put in,
// and its room a cycle after one was taken.
template <typename T, uint32_t SIZE>
class Fifo {
   public:
    uint32_t level() const { return in_ - out_; }
    bool empty() const { return in_ == out_; }
    bool shows(Cycle now) const { return in_ != out_ && since_[out_ % SIZE] <= now; }
    bool room(Cycle now, uint32_t depth) const { return in_ - out_ + (took_ == now) < depth; }
    T& front() { return items_[out_ % SIZE]; }
    const T& front() const { return items_[out_ % SIZE]; }
    const T& newest(uint32_t age) const { return items_[(in_ - 1 - age) % SIZE]; }
    const T& oldest(uint32_t age) const { return items_[(out_ + age) % SIZE]; }
    T& push(const T& item, Cycle visible) {
        since_[in_ % SIZE] = visible;
        return items_[in_++ % SIZE] = item;
    }
    void pop(Cycle now) {
        out_++;
        took_ = now;
    }
    // The number of the newest item; when the item of a number is visible.
    uint32_t last() const { return in_ - 1; }
    void show(uint32_t number, Cycle visible) { since_[number % SIZE] = visible; }

   private:
    T items_[SIZE];
    Cycle since_[SIZE];
    uint32_t in_ = 0, out_ = 0;
    Cycle took_ = ~0ull;
};

// Rows asked from a local memory: answered ANSWER_CYCLES after their bank took the request,
// ANSWERS of them at a time; or one at a time, a cycle earlier. With a register behind the memories
// it is not earlier; with one `before` them, both take a cycle more.
constexpr uint32_t ANSWER_CYCLES = 3, ANSWERS = 6, ROWS_AHEAD = 8, OPS_AHEAD = 4;
constexpr uint32_t WRITES_IN_FLIGHT = 64, WHOLE = 4, TILE_LATENCY = 4;

inline uint32_t Shape::answers() const { return ANSWERS + 2 * (dw_lines > 2 || registered); }

class Reader {
   public:
    Reader(const Shape& shape, bool single, bool before)
        : single_(single), latency_(ANSWER_CYCLES + before - (single && !shape.registered)) {}
    bool room(Cycle now) const { return requests_.room(now, single_ ? 1 : 2); }
    bool ready(Cycle now) const { return rows_.shows(now); }
    void ask(Cycle now, uint32_t bank) { requests_.push(bank, now + 1); }
    void take(Cycle now) { rows_.pop(now); }

    // The oldest request goes to its bank if that is not among `used`; returns the bank or 0.
    uint32_t enter(Cycle now, uint32_t used, uint32_t answers) {
        if (!requests_.shows(now) || !rows_.room(now, single_ ? 1 : answers)) return 0;
        const uint32_t bank = requests_.front();
        if (used & bank) return 0;
        requests_.pop(now);
        rows_.push(0, now + latency_);
        return bank;
    }

   private:
    bool single_;
    uint32_t latency_;  // from a bank's taking the request
    Fifo<uint32_t, 2> requests_;
    Fifo<uint8_t, 8> rows_;
};

// One direction of the memory's bandwidth, as the simulated memory counts it.
class Credit {
   public:
    explicit Credit(const Shape& shape) : rate_(shape.bytes_per_cycle), word_(shape.bus_bytes) {}
    bool has(Cycle now) {
        if (rate_ <= 0) return true;
        for (; since_ < now; since_++) {
            left_ += rate_;
            if (left_ >= rate_) {
                left_ = rate_;
                since_ = now;
                break;
            }
        }
        return left_ >= 0;
    }
    void use() {
        if (rate_ > 0) left_ -= word_;
    }

   private:
    double rate_, left_ = 0;
    uint32_t word_;
    Cycle since_ = 0;
};
