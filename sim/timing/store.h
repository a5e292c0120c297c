// The store unit and the memory's write side.
#pragma once
#include "crossing.h"
#include "execute.h"
#include "norm.h"
#include "pool.h"

class Store {
   public:
    bool stirred = false;  // an operation may be taken that was refused before

    explicit Store(const Shape& shape)
        : shape_(shape),
          credit_(shape),
          data_{Reader(shape, shape.unhurried, shape.registered), Reader(shape, shape.unhurried, shape.registered)},
          normaliser_(shape),
          chunk_(std::max({shape.row_bytes, shape.output_row_bytes,
                           std::min(shape.acc_row_bytes, shape.bus_bytes)})) {}

    bool ready(Cycle now, const Op& op) const {
        if (op.configures) return configurable_;
        if (walking_ || !pool_.idle() || pool_ended_ == now) return false;
        return !op.pooled || walked_ != now;
    }
    void take(Cycle now, const Op& op) {
        inside_++;
        if (shape_.normalisation) silent_.push(op.configures || op.norm, now + 1);
        if (op.configures) {
            normaliser_.constants(now, op.address);
            quiet_++;
            return;
        }
        opened_++;
        op_ = &op;
        address_ = line_ = op.address;
        if (op.pooled) return pool_.start(op, now);
        walking_ = true;
        first_row_ = op.row;
        rows_ = op.rows;
        cols_ = op.cols;
        row_ = op.row;
        first_ = true;
    }

    // A cycle of the array, where it has a clock of its own; `edge` ends the core's.
    void array_step(Cycle now, const Execute& execute) {
        const uint32_t used[] = {execute.sp_reads(), execute.acc_reads(now)};
        for (int n = 0; n < 2; n++) {
            Reader& reader = data_[n];
            came_[n] = answers_[n].room() && reader.ready(now);
            reader.enter(now, used[n], n ? ANSWERS : shape_.answers());
            const uint32_t* bank = requests_[n].standing();
            const bool taken = bank && reader.room(now);
            if (taken) reader.ask(now, *bank);
            requests_[n].clock(taken);
        }
    }
    void edge(Cycle last) {
        for (int n = 0; n < 2; n++) {
            if (came_[n]) data_[n].take(last);
            requests_[n].edge();
            answers_[n].edge(came_[n]);
        }
    }

    template <typename Done>
    State step(Cycle now, const Execute& execute, uint32_t load_writes, Done done) {
        const bool configurable = opened_ == 0 && normaliser_.takes_constants(now);
        stirred |= shape_.normalisation && configurable != configurable_;
        configurable_ = configurable;
        if (!inside_ && normaliser_.idle()) return IDLE;
        const bool inside_before = inside_;
        acknowledge(now, done);
        const bool stands = word_valid_, scaling = pipeline_ || normaliser_.rows();
        const bool reading = walking_ || !pool_.idle() || !plans_.empty() || !planned_.empty();
        const bool leaves = write(now), room = !word_valid_;
        const uint32_t written = execute.sp_writes(now) | load_writes;
        pack(now, room);
        chunks(now, packing_.room(now, 2), written);
        if (plans_.shows(now) && planned_.room(now, shape_.unhurried ? 1 : 2)) {
            planned_.push(plans_.front(), now + 1);
            plans_.pop(now);
        }
        if (shape_.array_clock == 1) {
            data_[0].enter(now, execute.sp_reads(), shape_.answers());
            data_[1].enter(now, execute.acc_reads(now), ANSWERS);
        }
        if (!pool_.idle())
            ask_tap(now);
        else
            ask(now);
        if (!inside_before) return IDLE;
        if (leaves) return ACTIVE;
        if (stands) return MEMORY;
        return scaling ? SCALER : reading ? ROWS : ACKS;
    }

   private:
    const Shape& shape_;
    Credit credit_;
    uint32_t chunk_, inside_ = 0;

    // rows to ask for
    const Op* op_ = nullptr;
    uint32_t address_ = 0, line_ = 0, first_row_ = 0;
    bool walking_ = false, first_ = false;
    uint32_t rows_ = 0, cols_ = 0, row_ = 0;
    Fifo<Piece, 8> plans_;
    Fifo<Piece, 2> planned_;
    PoolWalk pool_;
    Cycle walked_ = ~0ull, pool_ended_ = ~0ull;
    Reader data_[2];  // scratchpad, accumulator memory
    IntoArray<uint32_t> requests_[2];  // where the array has a clock of its own
    OutOfArray answers_[2];
    bool came_[2] = {};  // an answer is there, and there is room for it
    Fifo<bool, 16> sources_;

    // rows to chunks
    uint64_t pipeline_ = 0;      // scaled rows by stage
    Fifo<Piece, 64> scaling_;
    uint32_t part_ = 0, beat_ = 0;
    Piece raw_, spare_;
    bool spare_valid_ = false;  // a chunk that left and was not taken
    Fifo<Piece, 2> packing_;
    PoolMax max_;
    bool copied_ = false;  // the scratchpad took the last row of a copy; its mark is due

    // normalisation: operations that write nothing and are done when their turn comes
    Normaliser normaliser_;
    Fifo<bool, 128> silent_;
    uint32_t opened_ = 0, quiet_ = 0;  // with rows to come, with none
    bool configurable_ = false;  // as cycles began

    // chunks to words
    uint32_t count_ = 0;
    bool ending_ = false, end_ = false, draining_ = false, final_ = false;
    bool word_valid_ = false, word_end_ = false;
    bool mark_ = false;  // the word is a copy's mark: it does not go to memory
    bool held_ = false;  // a word that memory has not taken
    uint32_t held_at_ = 0;
    Fifo<bool, 64> acks_;

    template <typename Done>
    void acknowledge(Cycle now, Done done) {
        const bool silent = !silent_.empty() && silent_.front();
        if (silent && !quiet_) return;
        if (silent) {
            quiet_--;
        } else if (!acks_.shows(now)) {
            return;
        } else {
            const bool end = acks_.front();
            acks_.pop(now);
            if (!end) return;
        }
        done(now);
        inside_--;
        if (shape_.normalisation) silent_.pop(now);
    }

    // A word goes to memory, or behind the packer if memory is not ready (or always); returns
    // whether it does.
    bool write(Cycle now) {
        const bool held = held_;
        if (held && credit_.has(now)) {
            credit_.use();
            acks_.show(held_at_, now + shape_.latency);
            held_ = false;
        }
        if (!word_valid_ || !acks_.room(now, WRITES_IN_FLIGHT) || (!mark_ && held)) return false;
        word_valid_ = false;
        held_ |= !mark_ && (shape_.unhurried || !credit_.has(now));
        const bool goes = !mark_ && !held_;
        if (goes) credit_.use();
        acks_.push(word_end_, mark_ ? now + 1 : goes ? now + shape_.latency : ~0ull);
        if (!mark_ && held_) held_at_ = acks_.last();
        return !mark_;
    }

    // Rows move on to the scratchpad, the pooling registers or, if it has room (`packs`), before
    // the packer. `written`: banks of the scratchpad that others write.
    void chunks(Cycle now, bool packs, uint32_t written) {
        const uint64_t last_stage = 1ull << (shape_.store_scale - 1);
        const bool scaled_out = pipeline_ & last_stage, there = planned_.shows(now);
        const bool present = there && (planned_.front().absent || answered(now, sources_.front()));
        const bool scaled = present && planned_.front().scaled;
        const bool raw = present && !scaled && pipeline_ == 0 && normaliser_.rows() == 0;
        if (raw) raw_ = part();
        const Piece* in = scaled_out ? &scaling_.front() : raw ? &raw_ : nullptr;
        const bool taken = pass(now, in, packs, written);
        if (taken && scaled_out) scaling_.pop(now);
        if (taken && raw && !scaled_out) {
            part_ = raw_.last_part ? 0 : part_ + 1;
            if (raw_.last_part) consume(now);
        }
        const Piece* row = scaled ? &planned_.front() : nullptr;
        const bool normal = row && row->normal();
        const Piece* value = normaliser_.out();
        if (!value && row && !normal && normaliser_.idle()) value = row;
        const bool stalls = scaled_out && !taken;
        const bool enters = !stalls && value && ++beat_ == shape_.scale_beats;
        if (enters) {
            beat_ = 0;
            scaling_.push(*value, now);
        }
        const bool passes = enters && value == row;
        bool eats = false;
        if (shape_.normalisation)
            eats = normaliser_.step(now, normal ? row : nullptr, enters && !passes);
        if (passes || eats) consume(now);
        if (stalls) return;
        pipeline_ = (pipeline_ << 1 | enters) & (2 * last_stage - 1);
    }

    // A chunk (or none) moves on, by a place of its own where pooling or copies may refuse it;
    // returns whether it leaves.
    bool pass(Cycle now, const Piece* in, bool packs, uint32_t written) {
        if (!shape_.pooling && !shape_.spad_store) return in && leave(now, *in, packs, written);
        const bool held = spare_valid_, comes = in && !held;
        if (comes) spare_ = *in;
        const Piece* next = held || comes ? &spare_ : nullptr;
        const Piece* out = shape_.pooling ? max_.out(next) : next;
        const bool leaves = out && leave(now, *out, packs, written);
        const bool taken = shape_.pooling ? max_.step(next, leaves) : leaves;
        spare_valid_ = next && !taken;
        return comes;
    }

    // Whether a chunk goes where it has to go.
    bool leave(Cycle now, const Piece& piece, bool packs, uint32_t written) {
        if (piece.local && !copied_) {
            if (shape_.waits(written, shape_.sp_bank(piece.row))) return false;
            copied_ = piece.end;
            return !piece.end;
        }
        if (!packs) return false;
        Piece& chunk = packing_.push(piece, now + 1);
        if (piece.local) chunk.bytes = 1;
        copied_ = false;
        return true;
    }

    // The next part of a row that leaves as it is.
    Piece part() const {
        Piece piece = planned_.front();
        const uint32_t left = piece.bytes - part_ * chunk_;
        piece.last_part = left <= chunk_;
        piece.bytes = piece.last_part ? left : chunk_;
        piece.first &= part_ == 0;
        piece.last &= piece.last_part;
        return piece;
    }

    void consume(Cycle now) {
        const Piece& row = planned_.front();
        if (row.end) opened_--;
        if (row.end && row.scaled && row.step) quiet_++;
        if (!planned_.front().absent) take_answer(now, sources_.front());
        sources_.pop(now);
        planned_.pop(now);
    }

    // Whether a memory's answer is there; it is taken.
    bool answered(Cycle now, bool acc) const {
        return shape_.array_clock > 1 ? answers_[acc].valid() : data_[acc].ready(now);
    }
    void take_answer(Cycle now, bool acc) {
        if (shape_.array_clock > 1)
            answers_[acc].take();
        else
            data_[acc].take(now);
    }

    void pack(Cycle now, bool room) {
        if (!room) return;
        const bool taken = packing_.shows(now) && (!draining_ || final_);
        const Piece& chunk = packing_.front();
        const uint32_t word = shape_.bus_bytes;
        uint32_t in_count = count_;
        bool in_ending = ending_, in_end = end_;
        if (taken) {
            in_count = (chunk.first ? chunk.offset : count_) + chunk.bytes;
            in_ending = chunk.last;
            in_end = chunk.end;
        }
        const bool emit = draining_ || (taken && (in_ending || in_count >= word));
        const uint32_t source = draining_ ? count_ : in_count;
        const bool source_ending = draining_ ? ending_ : in_ending;
        const bool done = source_ending && source <= word;
        word_valid_ = emit;
        word_end_ = done && (draining_ ? end_ : in_end);
        mark_ = taken && chunk.local && !draining_;
        if (emit && !(draining_ && taken)) {
            count_ = done ? 0 : source - word;
            ending_ = source_ending && !done;
            if (!draining_) end_ = in_end;
        } else {
            count_ = in_count;
            ending_ = in_ending;
            end_ = in_end;
        }
        if (taken) packing_.pop(now);
        draining_ = ending_ || count_ >= word;
        final_ = ending_ && count_ <= word;
    }

    void normalise(Piece& piece) const {
        piece.step = op_->norm;
        piece.stat = op_->stat;
        piece.activation = op_->activation;
        piece.scale = op_->scale;
    }

    uint32_t narrow_bits() const { return op_->acc ? shape_.output_bits : shape_.input_bits; }

    // Ask the memory for a row; returns whether it took the request.
    bool read(Cycle now, uint32_t row) {
        const uint32_t bank = op_->acc ? shape_.acc_bank(row) : shape_.sp_bank(row);
        if (shape_.array_clock > 1) {
            requests_[op_->acc].offer(bank);
            return requests_[op_->acc].ready();
        }
        Reader& reader = data_[op_->acc];
        if (!reader.room(now)) return false;
        reader.ask(now, bank);
        return true;
    }

    void ask(Cycle now) {
        if (!walking_ || !plans_.room(now, ROWS_AHEAD) || !read(now, row_)) return;
        const uint32_t count = std::min(cols_, shape_.dim);
        const bool last = cols_ <= shape_.dim, wide = op_->acc && op_->full;
        const uint32_t bytes = (count * (wide ? shape_.acc_bits : narrow_bits()) + 7) / 8;
        const bool end = last && rows_ == 1;
        sources_.push(op_->acc, now + 1);
        Piece piece{bytes, address_ % shape_.bus_bytes, first_, last, end, op_->acc && !op_->full};
        piece.local = op_->local;
        piece.row = address_;
        normalise(piece);
        plans_.push(piece, now + 1);
        if (!last) {
            row_ += shape_.dim;
            cols_ -= shape_.dim;
            first_ = false;
            return;
        }
        address_ += op_->stride;
        row_ = ++first_row_;
        cols_ = op_->cols;
        first_ = true;
        if (--rows_ == 0) {
            walking_ = false;
            walked_ = now;
            stirred = true;
        }
    }

    // The next tap of a pooled operation.
    void ask_tap(Cycle now) {
        if (!pool_.shows(now) || !plans_.room(now, ROWS_AHEAD)) return;
        Piece piece;
        piece.absent = pool_.absent();
        if (!piece.absent && !read(now, pool_.local_row())) return;
        piece.bytes = (op_->cols * narrow_bits() + 7) / 8;
        piece.first = piece.last = true;
        piece.scaled = op_->acc && !op_->full;
        piece.end = pool_.ends();
        normalise(piece);
        piece.tap = {true, pool_.emits()};
        piece.offset = address_ % shape_.bus_bytes;
        sources_.push(op_->acc, now + 1);
        plans_.push(piece, now + 1);
        if (pool_.row_ends())
            address_ = line_ += op_->pool.out_dim * op_->stride;
        else if (pool_.emits())
            address_ += op_->stride;
        pool_.next();
        if (pool_.idle()) {
            pool_ended_ = now;
            stirred = true;
        }
    }
};
