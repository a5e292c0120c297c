// The store unit and the memory's write side.
#pragma once
#include "execute.h"

class Store {
   public:
    bool stirred = false;  // an operation may be taken that was refused before

    explicit Store(const Shape& shape)
        : shape_(shape),
          credit_(shape),
          chunk_(std::max(shape.row_bytes, std::min(shape.acc_row_bytes, shape.bus_bytes))) {}

    bool ready(Cycle) const { return !walking_; }
    void take(Cycle, const Op& op) {
        inside_++;
        walking_ = true;
        op_ = &op;
        address_ = op.address;
        first_row_ = op.row;
        rows_ = op.rows;
        cols_ = op.cols;
        row_ = op.row;
        first_ = true;
    }

    bool empty() const { return inside_ == 0; }

    template <typename Done>
    State step(Cycle now, const Execute& execute, Done done) {
        if (!inside_) return IDLE;
        if (acks_.shows(now)) {
            if (acks_.front()) {
                done(now);
                inside_--;
            }
            acks_.pop(now);
        }
        const bool stands = word_valid_, scaling = pipeline_ != 0;
        const bool reading = walking_ || !plans_.empty();
        const bool leaves = write(now);
        const bool room = !word_valid_;
        const bool taken = chunks(now, room && (!draining_ || final_));
        pack(room, taken);
        ask(now, execute);
        if (leaves) return ACTIVE;
        if (stands) return MEMORY;
        return scaling ? SCALER : reading ? ROWS : ACKS;
    }

   private:
    struct Piece {
        uint32_t bytes, offset;
        bool first, last, end, scaled;
    };

    const Shape& shape_;
    Credit credit_;
    uint32_t chunk_, inside_ = 0;

    // rows to ask for
    const Op* op_ = nullptr;
    uint32_t address_ = 0, first_row_ = 0;
    bool walking_ = false, first_ = false;
    uint32_t rows_ = 0, cols_ = 0, row_ = 0;
    Fifo<Piece, 8> plans_;
    Reader data_[2];  // scratchpad, accumulator memory
    Fifo<bool, 8> from_acc_;

    // rows to chunks
    uint64_t pipeline_ = 0;      // scaled rows by stage
    Fifo<Piece, 64> scaling_;
    uint32_t part_ = 0;
    Piece chunk_out_;

    // chunks to words
    uint32_t count_ = 0;
    bool ending_ = false, end_ = false, draining_ = false, final_ = false;
    bool word_valid_ = false, word_end_ = false;
    Fifo<bool, 64> acks_;

    bool write(Cycle now) {
        if (!word_valid_ || !acks_.room(now, WRITES_IN_FLIGHT) || !credit_.has(now)) return false;
        credit_.use();
        acks_.push(word_end_, now + std::max(shape_.latency, 1u));
        word_valid_ = false;
        return true;
    }

    // The chunk that the packer takes if it can; returns whether there is one.
    bool chunks(Cycle now, bool room) {
        const uint64_t last_stage = 1ull << (shape_.store_scale - 1);
        const bool scaled_out = pipeline_ & last_stage;
        const bool moves = !scaled_out || room;
        const bool present = plans_.shows(now) && data_[from_acc_.front()].ready(now);
        const bool idle = pipeline_ == 0;
        bool chunk = false;
        if (scaled_out && room) {
            chunk_out_ = scaling_.front();
            scaling_.pop(now);
            chunk = true;
        }
        bool enters = false;
        if (present && plans_.front().scaled) {
            if (moves) {
                scaling_.push(plans_.front(), now);
                consume(now);
                enters = true;
            }
        } else if (present && idle && room) {
            chunk = raw(now);
        }
        if (moves) pipeline_ = (pipeline_ << 1 | enters) & (2 * last_stage - 1);
        return chunk;
    }

    // A part of a row that leaves as it is.
    bool raw(Cycle now) {
        const Piece& piece = plans_.front();
        const uint32_t left = piece.bytes - part_ * chunk_;
        const bool end = left <= chunk_;
        chunk_out_ = piece;
        chunk_out_.bytes = end ? left : chunk_;
        chunk_out_.first = piece.first && part_ == 0;
        chunk_out_.last = piece.last && end;
        part_ = end ? 0 : part_ + 1;
        if (end) consume(now);
        return true;
    }

    void consume(Cycle now) {
        data_[from_acc_.front()].take(now);
        from_acc_.pop(now);
        plans_.pop(now);
    }

    void pack(bool room, bool taken) {
        if (!room) return;
        const uint32_t word = shape_.bus_bytes;
        uint32_t in_count = count_;
        bool in_ending = ending_, in_end = end_;
        if (taken) {
            in_count = (chunk_out_.first ? chunk_out_.offset : count_) + chunk_out_.bytes;
            in_ending = chunk_out_.last;
            in_end = chunk_out_.end;
        }
        const bool emit = draining_ || (taken && (in_ending || in_count >= word));
        const uint32_t source = draining_ ? count_ : in_count;
        const bool source_ending = draining_ ? ending_ : in_ending;
        const bool done = source_ending && source <= word;
        word_valid_ = emit;
        word_end_ = done && (draining_ ? end_ : in_end);
        if (emit && !(draining_ && taken)) {
            count_ = done ? 0 : source - word;
            ending_ = source_ending && !done;
            if (!draining_) end_ = in_end;
        } else {
            count_ = in_count;
            ending_ = in_ending;
            end_ = in_end;
        }
        draining_ = ending_ || count_ >= word;
        final_ = ending_ && count_ <= word;
    }

    void ask(Cycle now, const Execute& execute) {
        if (!walking_ || !plans_.room(now, ROWS_AHEAD)) return;
        Reader& reader = data_[op_->acc];
        const uint32_t used = op_->acc ? execute.acc_reads(now) : execute.sp_reads();
        const uint32_t bank = op_->acc ? shape_.acc_bank(row_) : shape_.sp_bank(row_);
        if (!reader.credit(now) || (used & bank)) return;
        reader.ask(now);
        const uint32_t count = std::min(cols_, shape_.dim);
        const bool last = cols_ <= shape_.dim, wide = op_->acc && op_->full;
        const uint32_t bytes = (count * (wide ? shape_.acc_bits : shape_.input_bits) + 7) / 8;
        const bool end = last && rows_ == 1;
        from_acc_.push(op_->acc, now + 1);
        plans_.push({bytes, address_ % shape_.bus_bytes, first_, last, end, op_->acc && !op_->full},
                    now + 1);
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
            stirred = true;
        }
    }
};
