// The accelerator that carries out one command at a time (hw/sequential), state by state.
#pragma once
#include <vector>

#include "decoder.h"
#include "outcome.h"

// All three units in one (hw/sequential/engine.py).
class SequentialEngine {
   public:
    explicit SequentialEngine(const Shape& shape) : shape_(shape), reads_(shape), writes_(shape) {}

    // One cycle with a command; returns what its unit does, and whether it is done.
    State step(Cycle now, const Op& op, bool& done) {
        done = false;
        if (acknowledged_ == now) awaits_ = false;  // seen in the cycle after
        switch (phase_) {
            case BEGIN:
                number_ = 0;
                base_ = op.address;
                phase_ = op.unit != EXECUTE ? ROW : op.loads_weights ? WEIGHTS_IN : START;
                return ROWS;
            case ADDRESS: phase_ = ROW; return ACTIVE;
            case ROW: return row(now, op);
            case BYTES: return bytes(now, op);
            case JOIN: phase_ = WRITE; return ACTIVE;
            case WRITE:
                phase_ = BYTES;
                if (!left_) next_row(op, DONE);
                return ACTIVE;
            case PAD:
                if (count_ == base_ % shape_.bus_bytes) phase_ = READ;
                else count_++;
                return ACTIVE;
            case READ: phase_ = TAKE; return ROWS;
            case TAKE: phase_ = OUT; return ROWS;
            case OUT: return out(op);
            case FILL:
                if (word_ends()) phase_ = SEND;
                return ACTIVE;
            case SEND: return send(now, op);
            case ACKNOWLEDGED:
                if (!awaits_) phase_ = DONE;
                return ACKS;
            case DONE:
                phase_ = BEGIN;
                done = true;
                return DRAIN;
            default: return tile(op);
        }
    }

   private:
    enum Phase {
        BEGIN, ADDRESS, ROW, BYTES, JOIN, WRITE, PAD, READ, TAKE, OUT, FILL, SEND, ACKNOWLEDGED,
        DONE, WEIGHTS_IN, START, CLEAR, ADDENDS, INPUTS, SUMS, NARROW, PUT, DRAINS
    };

    const Shape& shape_;
    Credit reads_, writes_;
    Phase phase_ = BEGIN;
    uint32_t number_ = 0, base_ = 0, left_ = 0, slot_ = 0, byte_ = 0, count_ = 0, skip_ = 0;
    uint32_t waited_ = 0;  // cycles in a phase of several
    bool here_ = false, awaits_ = false;
    Cycle due_ = 0, acknowledged_ = ~0ull;

    bool block_ends() const { return slot_ == shape_.dim - 1; }
    bool word_ends() { return (count_ = (count_ + 1) % shape_.bus_bytes) == 0; }

    void next_row(const Op& op, Phase then) {
        base_ += op.stride;
        phase_ = ++number_ == op.rows ? then : ADDRESS;
    }

    // Elements of the row and the block; returns whether the block has its last byte.
    bool element(bool last) {
        if (!last) {
            byte_++;
            return false;
        }
        const bool ends = block_ends();
        byte_ = 0;
        slot_ = ends ? 0 : slot_ + 1;
        left_ -= left_ != 0;
        return ends;
    }

    State row(Cycle now, const Op& op) {
        left_ = op.cols;
        skip_ = base_ % shape_.bus_bytes;
        count_ = slot_ = byte_ = 0;
        here_ = false;
        due_ = now + shape_.latency;
        phase_ = op.unit == LOAD ? BYTES : PAD;
        return op.unit == LOAD ? REQUESTS : ACTIVE;
    }

    State bytes(Cycle now, const Op& op) {
        const bool real = left_ && (!byte_ || op.wide) && !op.zero;
        const bool moves = !real || (here_ && !skip_);
        const bool comes = real && !here_;
        if (real && here_) {
            if (word_ends()) here_ = false;
            skip_ -= skip_ != 0;
        }
        if (comes && due_ <= now && reads_.has(now)) {
            reads_.use();
            here_ = true;
        }
        if (moves && element(!op.acc || byte_ == shape_.acc_bits / 8 - 1)) phase_ = JOIN;
        return moves ? ACTIVE : MEMORY;
    }

    State out(const Op& op) {
        if (op.acc && !op.full && ++waited_ <= shape_.scale_serial) return ACTIVE;
        waited_ = 0;
        const bool last = !(op.acc && op.full) || byte_ == shape_.acc_bits / 8 - 1;
        if (element(last)) phase_ = READ;
        if (last && !left_) phase_ = FILL;
        if (word_ends()) phase_ = SEND;
        return ACTIVE;
    }

    State send(Cycle now, const Op& op) {
        if (awaits_ || !writes_.has(now)) return MEMORY;
        writes_.use();
        awaits_ = true;
        acknowledged_ = now + shape_.latency + 1;
        phase_ = slot_ || byte_ ? OUT : READ;
        if (!left_) next_row(op, ACKNOWLEDGED);
        return MEMORY;
    }

    State tile(const Op& op) {
        const Phase next = op.uses_d ? ADDENDS : INPUTS;
        switch (phase_) {
            case WEIGHTS_IN:
                if (++number_ == op.k) {
                    number_ = 0;
                    phase_ = START;
                }
                return WEIGHTS;
            case START: phase_ = op.c_rows ? CLEAR : DONE; return ROWS;
            case CLEAR: phase_ = next; return ROWS;
            case ADDENDS: phase_ = INPUTS; return ROWS;
            case INPUTS:
                number_++;
                phase_ = !op.acc ? SUMS : number_ == op.c_rows ? DRAINS : next;
                return ACTIVE;
            case SUMS: through(3, NARROW); return ROWS;
            case NARROW: through(shape_.dim, PUT); return ROWS;
            case PUT: phase_ = number_ == op.c_rows ? DONE : next; return ROWS;
            default: through(3, DONE); return DRAIN;
        }
    }

    void through(uint32_t cycles, Phase then) {
        if (++waited_ < cycles) return;
        waited_ = 0;
        phase_ = then;
    }
};

// With its decoder, which takes the next command when the one before is done.
class Sequential {
   public:
    explicit Sequential(const Shape& shape) : shape_(shape), decoder_(shape), engine_(shape) {}

    void run(const Command* commands, uint64_t count, uint64_t limit, std::vector<Times>* times,
             Outcome& out) {
        const Cycle start = now_;
        uint64_t sent = 0;
        Cycle offers = now_;  // when the next command is offered
        out = Outcome{};
        for (;; now_++) {
            const bool offered = sent < count && offers <= now_;
            if (sent == count && !busy_) break;
            State states[UNITS] = {};
            const bool stood = busy_, finished = stands(start, states, times);
            out.bounds[bound_by(states, sent < count || stood)]++;
            for (uint32_t n = 0; n < UNITS; n++) out.states[n][states[n]]++;
            if (finished) busy_ = false;
            const bool counts = offered && !(stood && configures_) && count_blocks(commands[sent]);
            if (offered && !busy_ && !(stood && configures_) && !counts) {
                accept(commands[sent], sent);
                sent++;
                offers = now_ + 1 + shape_.command_gap;
            }
            if (limit && now_ - start >= limit) {
                out.stuck = 1;
                break;
            }
        }
        out.cycles = now_ - start;
    }

   private:
    const Shape& shape_;
    Decoder decoder_;
    SequentialEngine engine_;
    Cycle now_ = 0;
    bool busy_ = false, configures_ = false, begun_ = false, counted_ = false;
    uint32_t unchecked_ = 0;  // cycles until the command is checked
    Kind kind_ = Kind::NOTHING;
    uint64_t index_ = 0;
    Op op_;

    // A cycle of the command in the decoder; returns whether it is done.
    bool stands(Cycle start, State* states, std::vector<Times>* times) {
        if (!busy_) return false;
        states[COMMANDS] = ACTIVE;
        if (unchecked_) {
            unchecked_--;
            return false;
        }
        if (kind_ != Kind::DISPATCH) return true;
        bool done;
        states[op_.unit] = engine_.step(now_, op_, done);
        if (times && !begun_) times->push_back({index_, op_.unit, now_ - start, now_ + 1 - start, 0});
        if (times && done) times->back().done = now_ - start;
        begun_ = !done;
        return done;
    }

    // Whether the blocks of a mvin are counted in this cycle, so that it is not taken.
    bool count_blocks(const Command& command) {
        const bool counts = !counted_ && decoder_.counts(command);
        counted_ |= counts;
        return counts;
    }

    void accept(const Command& command, uint64_t index) {
        counted_ = false;
        busy_ = true;
        unchecked_ = 2;
        configures_ = (command.funct & 0x7F) == config_ex::FUNCT;
        kind_ = decoder_.decode(command, op_);
        index_ = index;
    }
};
