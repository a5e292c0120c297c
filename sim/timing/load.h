// The load unit and the memory's read side.
#pragma once
#include "crossing.h"
#include "execute.h"

class Load {
   public:
    bool stirred = false;  // an operation may be taken that was refused before

    explicit Load(const Shape& shape) : shape_(shape), credit_(shape) {}

    bool ready(Cycle now) const {
        return inside_ + (done_ == now) < shape_.load_queue && !asking_ &&
               jobs_.room(now, shape_.load_queue);
    }
    void take(Cycle now, const Op& op) {
        inside_++;
        jobs_.push(&op, now + 1);
        asking_ = !op.zero;
        if (op.zero) return;
        request_ = &op;
        rows_left_ = op.once ? 1 : op.rows;
        cols_left_ = op.cols;
        base_ = address_ = op.address;
    }

    // Banks of the scratchpad that load writes in this cycle.
    uint32_t sp_writes() const { return sp_writes_; }

    // A cycle of the array, where it has a clock of its own; `edge` ends the core's.
    void array_step(Cycle now, Execute& execute) {
        for (IntoArray<Row>& rows : crossing_) {
            const Row* row = rows.standing();
            const bool there = row && (stood_ || !row->acc || !shape_.registered);
            const bool taken = there && !waits(now, execute, *row);
            if (row && row->acc) stood_ = !taken;
            if (taken && row->acc) execute.load_enters(now, row->row, row->accumulate);
            rows.clock(taken);
        }
    }
    void edge() {
        for (IntoArray<Row>& rows : crossing_) rows.edge();
    }

    template <typename Done>
    State step(Cycle now, Execute& execute, Done done) {
        sp_writes_ = 0;
        if (!inside_) return IDLE;
        bool blocked = false, ended = false;
        const bool wrote = write(now, execute, blocked, ended);
        deliver(now);
        if (!stalls_) pipeline_ <<= 1;
        realign(now);
        const bool refused = ask(now);
        ahead_ -= arrived_;
        arrived_ = 0;
        if (ended) {
            done(now);
            inside_--;
            done_ = now;
            stirred = true;
        }
        return wrote ? ACTIVE : blocked ? LOCAL : refused ? REQUESTS : MEMORY;
    }

   private:
    struct Request {
        uint32_t offset, start, bytes;
    };
    struct Row {  // a local row on its way
        bool acc, accumulate, end;
        uint32_t row;
        bool skip;  // a copy before the half of its pixel: it is not written
    };

    const Shape& shape_;
    Credit credit_;
    uint32_t inside_ = 0, sp_writes_ = 0;
    Cycle done_ = ~0ull;

    // asking
    const Op* request_ = nullptr;
    bool asking_ = false;
    uint32_t rows_left_ = 0, cols_left_ = 0, base_ = 0, address_ = 0;
    Cycle asked_ = ~0ull - 1;
    Fifo<Request, 256> spans_;          // rows in flight
    uint32_t ahead_ = 0, arrived_ = 0;  // their pieces, and those that end in this cycle
    Fifo<uint32_t, 512> memory_;        // words of each request, by the cycle of the first

    // words to chunks
    uint32_t words_left_ = 0, bytes_left_ = 0, placed_bytes_ = 0, level_ = 0;
    bool begun_ = false, placed_ = false, placed_last_ = false, whole_ = false;
    bool spare_ = false, spare_last_ = false;  // a chunk that left the buffer and was not taken

    // chunks to rows
    Fifo<const Op*, 64> jobs_;
    const Op* place_ = nullptr;
    bool placing_ = false, gathered_ = false, joined_ = false, joined_last_ = false;
    uint32_t place_rows_ = 0, place_left_ = 0, more_ = 0, base_row_ = 0, row_ = 0, part_ = 0;
    bool again_ = false;
    Row gather_, joined_row_;
    Fifo<Row, 64> scaler_;
    uint64_t pipeline_ = 0;  // rows in the scaler, by stage: the lowest bit is one that enters
    bool stalls_ = false;    // the oldest one does not leave
    Cycle scaled_ = ~0ull;
    bool taken_ = false;  // the oldest chunk joins a row in this cycle

    IntoArray<Row> crossing_[2];  // to the scratchpad, to the accumulator memory
    bool stood_ = false;          // the second's row did, a cycle before (registered)

    // Pieces of 64 bytes that a row in flight counts for.
    static uint32_t pieces(uint32_t bytes) { return (bytes + 63) / 64; }

    // Whether the scaler's oldest row stands at its end; nothing is behind it.
    bool leaving() const { return pipeline_ >> shape_.load_scale & 1; }

    bool write(Cycle now, Execute& execute, bool& blocked, bool& ended) {
        stalls_ = leaving();
        const bool scaled = !gathered_ && stalls_;
        if (!gathered_ && !scaled) return false;
        const Row& row = gathered_ ? gather_ : scaler_.front();
        const bool crosses = shape_.array_clock > 1 && !row.skip;
        if (crosses) crossing_[row.acc].offer(row);
        blocked = crosses ? !crossing_[row.acc].ready() : !row.skip && waits(now, execute, row);
        if (blocked) return false;
        ended = row.end;
        if (!row.acc && !row.skip) sp_writes_ = shape_.sp_bank(row.row);
        if (row.acc && (row.accumulate || shape_.unhurried) && !row.skip && !crosses)
            execute.load_enters(now, row.row, row.accumulate);
        if (scaled) {
            scaler_.pop(now);
            scaled_ = now;
            pipeline_ &= ~(1ull << shape_.load_scale);
            stalls_ = false;
        }
        gathered_ = false;
        return true;
    }

    // Whether its memory does not take a row.
    bool waits(Cycle now, const Execute& execute, const Row& row) const {
        if (!row.acc) return shape_.waits(execute.sp_writes(now), shape_.sp_bank(row.row));
        if (execute.pending(now, row.row)) return true;
        if (row.accumulate || shape_.unhurried) return execute.result_enters(now);
        return shape_.waits(execute.acc_writes(now), shape_.acc_bank(row.row));
    }

    void next_place(Cycle now) {
        placing_ = jobs_.shows(now);
        if (!placing_) return;
        place_ = jobs_.front();
        jobs_.pop(now);
        stirred = true;
        place_rows_ = place_->rows;
        place_left_ = place_->cols + place_->lane;
        more_ = place_->more;
        base_row_ = row_ = place_->row - place_->more;
        again_ = false;
        part_ = 0;
    }

    // A chunk joins its row; chunks leave the buffer by its low end.
    void deliver(Cycle now) {
        taken_ = false;
        const bool waits = joined_;
        if (joined_ && !gathered_) {
            joined_ = false;
            gather(joined_row_, joined_last_);
        }
        if (!placing_) return next_place(now);
        const bool copies = place_->more != 0, block = place_left_ > shape_.dim;
        const bool inner = place_->once ? place_rows_ != 1 : block || more_ != 0;
        const bool end = !block && place_rows_ == 1 && more_ == 0;
        const bool shared = place_->weights && block && part_ + 1 < shape_.input_bits / shape_.weight_bits;
        const bool keep = (inner && (place_->once || copies)) || shared, wide = place_->wide && !place_->zero;
        const bool again = again_ && place_->wide, needs = !place_->zero && !again;
        const bool empty = scaler_.empty() && scaled_ != now;
        const bool stands = shape_.unhurried ? gathered_ : waits;
        const bool room = place_->scaled ? !stalls_ : !stands && empty;
        if (!room || (needs && !spare_ && level_ < shape_.row_bytes && !whole_)) return;
        const bool chunk_last = spare_ ? spare_last_ : whole_ && level_ <= shape_.row_bytes;
        taken_ = needs && (wide || !keep);
        const bool last = !wide || chunk_last || again;
        const bool skip = ((row_ + more_) ^ row_) & shape_.sp_rows / 2;
        const Row row{place_->acc, place_->accumulate, end, row_, skip};
        if (place_->scaled) {
            scaler_.push(row, now);
            pipeline_ |= 1;
        } else {
            gather(row, last);
        }
        if (!last) return;
        if (end)
            next_place(now);
        else
            next_row(inner, copies, shared);
    }

    // A chunk comes to those of its row, or before them while another row waits.
    void gather(const Row& row, bool last) {
        if (gathered_) {
            joined_ = true;
            joined_row_ = row;
            joined_last_ = last;
        } else if (last) {
            gather_ = row;
            gathered_ = true;
        }
    }

    // The walk through local rows, as hw/control/load_places.py makes it.
    void next_row(bool inner, bool copies, bool shared) {
        const bool by_block = inner ? !place_->once && !copies : place_->once;
        if (by_block)
            part_ = shared ? part_ + 1 : 0;
        else if (!place_->once)
            part_ = 0;
        row_ = (inner ? row_ : base_row_) + (by_block ? place_->block_stride : 1);
        again_ = inner && place_->once;
        if (!inner) {
            base_row_ = row_;
            more_ = place_->more;
        } else if (copies) {
            more_--;
        }
        if (by_block)
            place_left_ -= shape_.dim;
        else if (!inner)
            place_left_ = place_->cols + place_->lane;
        else if (copies)
            place_left_ -= place_->cols;
        if (inner == place_->once)
            place_rows_--;
        else if (by_block && !inner)
            place_rows_ = place_->rows;
    }

    void realign(Cycle now) {
        const uint32_t chunk = shape_.row_bytes;
        const bool full = level_ >= chunk, there = full || whole_;
        const bool ends = whole_ ? level_ <= chunk : level_ < 2 * chunk;
        const bool leaves = there && !spare_, last = whole_ && level_ <= chunk;
        const bool merge = placed_ && (!there || (leaves && ends));
        if (leaves) {
            if (last) whole_ = false;
            level_ = full ? level_ - chunk : 0;
            spare_last_ = last;
        }
        spare_ = (spare_ || leaves) && !taken_;
        if (merge) {
            level_ += placed_bytes_;
            whole_ = placed_last_;
            placed_ = false;
        }
        if (placed_ || !spans_.shows(now)) return;
        if (!words_left_) {
            if (!memory_.shows(now)) return;
            words_left_ = memory_.front();
        }
        if (!credit_.has(now)) return;
        credit_.use();
        const Request& span = spans_.front();
        const uint32_t remain = begun_ ? bytes_left_ : span.bytes;
        const uint32_t room = begun_ ? shape_.bus_bytes : shape_.bus_bytes - span.offset;
        placed_ = true;
        placed_last_ = remain <= room;
        placed_bytes_ = (placed_last_ ? remain : room) + (begun_ ? 0 : span.start);
        bytes_left_ = remain - room;
        begun_ = !placed_last_;
        if (--words_left_ == 0) memory_.pop(now);
        if (!placed_last_) return;
        arrived_ += pieces(span.bytes);
        spans_.pop(now);
    }

    // Ask memory for a row; returns whether one has to wait.
    bool ask(Cycle now) {
        if (!asking_) return false;
        const bool stands = shape_.unhurried && asked_ + 1 == now;  // the one before
        const bool room = spans_.room(now, shape_.reads_in_flight) && ahead_ <= shape_.reads_in_flight;
        if (!room || stands) return room == stands;  // with neither, both wait without asking
        asked_ = now;
        const bool block = request_->wide && cols_left_ > shape_.dim;
        const uint32_t cols = block ? shape_.dim : cols_left_;
        const uint32_t narrow = request_->weights ? shape_.weight_bits : shape_.input_bits;
        const uint32_t bits = request_->wide ? shape_.acc_bits : narrow;
        const uint32_t bytes = block ? shape_.acc_row_bytes : (cols * bits + 7) / 8;
        const uint32_t offset = address_ % shape_.bus_bytes;
        const uint32_t start = request_->more ? 0 : request_->lane * shape_.input_bits / 8;
        const uint32_t words = (offset + bytes - 1) / shape_.bus_bytes + 1;
        spans_.push({offset, start, bytes}, now + 1);
        ahead_ += pieces(bytes);
        memory_.push(words, now + shape_.latency + shape_.unhurried);
        if (block) {
            cols_left_ -= shape_.dim;
            address_ += shape_.acc_row_bytes;
            return false;
        }
        cols_left_ = request_->cols;
        base_ += request_->stride;
        address_ = base_;
        if (--rows_left_ == 0) {
            asking_ = false;
            stirred = true;
        }
        return false;
    }

};
