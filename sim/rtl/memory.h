// A byte memory behind one MemoryPort (hw/memory/port.py), as a C++ model for Verilated designs.
//
// Reads and writes are separate channels of one bus word per cycle each. A read taken in cycle t
// delivers its first word in cycle t + latency; a write is acknowledged in cycle t + latency and
// visible to words delivered later. Words outside [0, size) answer with an error.
//
// Per clock cycle: drive() decides the slave's pins, the caller copies them to the model and
// evaluates, fills `master` from the model, and calls clock(), which makes the transfers.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <deque>

struct MemoryOptions {
    uint64_t size;             // bytes, a multiple of the word
    uint64_t seed;             // of the random stalls
    double bytes_per_cycle;    // of each channel; 0: one word per cycle
    double stall[4];           // probability per cycle: read request, read data, write, acknowledge
    uint32_t word_bytes;       // 4, 8, 16 or 32
    uint32_t latency;          // cycles, at least 1
    uint32_t max_outstanding;  // requests per channel; 0: any number
    uint64_t hole[2];          // bytes [hole[0], hole[1]) that do not exist either
};

struct MasterPins {
    bool read_valid, data_ready, write_valid, ack_ready;
    uint32_t read_address, read_bytes, write_address, write_mask;
    uint8_t write_data[32];
};

struct SlavePins {
    bool read_ready, data_valid, data_error, write_ready, ack_valid, ack_error;
    uint8_t data[32];
};

struct MemoryStatistics {
    uint64_t read_requests, read_words, write_words, errors;
};

// A seeded coin with one draw of 64 bits per cycle.
class Coins {
   public:
    explicit Coins(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 0x1234567u) {}
    uint64_t draw() {
        uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    // Whether coin `which` (0 to 3) of a draw shows, with a probability in 1/65536.
    static bool shows(uint64_t draw, unsigned which, uint32_t probability) {
        return ((draw >> (16 * which)) & 0xFFFF) < probability;
    }

   private:
    uint64_t state_;
};

inline uint32_t in_65536ths(double probability) {
    return uint32_t(probability <= 0 ? 0 : probability >= 0.99 ? 64880 : probability * 65536);
}

class Memory {
   public:
    MasterPins master{};
    SlavePins slave{};
    MemoryStatistics statistics{};

    explicit Memory(const MemoryOptions& options) : options_(options), coins_(options.seed) {
        bytes_ = static_cast<uint8_t*>(mmap(nullptr, options.size, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        if (bytes_ == MAP_FAILED) bytes_ = nullptr;
        for (int i = 0; i < 4; i++) {
            stall_[i] = in_65536ths(options.stall[i]);
            stalling_ |= stall_[i] != 0;
        }
    }
    ~Memory() {
        if (bytes_) munmap(bytes_, options_.size);
    }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    uint8_t* bytes() { return bytes_; }
    uint64_t size() const { return options_.size; }
    bool idle() const { return reads_.empty() && acks_.empty(); }
    size_t reads_pending() const { return reads_.size(); }
    size_t acks_pending() const { return acks_.size(); }

    // What the master did that a MemoryPort forbids; null so far.
    const char* violation() const { return violation_; }

    // Forget requests in flight (the master was reset); the bytes stay.
    void reset() {
        reads_.clear();
        acks_.clear();
        slave = SlavePins{};
        held_read_ = held_write_ = false;
        violation_ = nullptr;
    }

    void drive() {
        const uint64_t draw = stalling_ ? coins_.draw() : 0;
        auto stalls = [&](unsigned which) {
            return stalling_ && Coins::shows(draw, which, stall_[which]);
        };
        const uint32_t limit = options_.max_outstanding;
        slave.read_ready = !(limit && reads_.size() >= limit) && !stalls(0);
        if (!slave.data_valid) {
            const bool due = !reads_.empty() && reads_.front().due <= now_;
            slave.data_valid = due && read_credit_ >= 0 && !stalls(1);
            if (slave.data_valid) fetch();
        }
        slave.write_ready =
            !(limit && acks_.size() >= limit) && write_credit_ >= 0 && !stalls(2);
        if (!slave.ack_valid) {
            slave.ack_valid = !acks_.empty() && acks_.front().due <= now_ && !stalls(3);
            if (slave.ack_valid) slave.ack_error = acks_.front().error;
        }
    }

    // Make this cycle's transfers; returns whether there was one.
    bool clock() {
        check_held();
        bool moved = false;
        if (slave.data_valid && master.data_ready) {
            slave.data_valid = false;
            read_credit_ -= options_.word_bytes;
            statistics.read_words++;
            Read& read = reads_.front();
            read.address += options_.word_bytes;
            if (--read.words == 0) reads_.pop_front();
            moved = true;
        }
        if (slave.ack_valid && master.ack_ready) {
            slave.ack_valid = false;
            acks_.pop_front();
            moved = true;
        }
        if (slave.read_ready && master.read_valid) {
            accept_read();
            moved = true;
        }
        if (slave.write_ready && master.write_valid) {
            accept_write();
            moved = true;
        }
        credit(read_credit_);
        credit(write_credit_);
        now_++;
        return moved;
    }

   private:
    struct Read {
        uint64_t due;
        uint32_t address, words;
    };
    struct Ack {
        uint64_t due;
        bool error;
    };

    MemoryOptions options_;
    Coins coins_;
    uint8_t* bytes_ = nullptr;
    uint32_t stall_[4];
    bool stalling_ = false;
    uint64_t now_ = 0;
    std::deque<Read> reads_;
    std::deque<Ack> acks_;
    double read_credit_ = 0, write_credit_ = 0;  // bytes that may move; below 0: pause
    bool held_read_ = false, held_write_ = false;
    MasterPins held_{};
    const char* violation_ = nullptr;

    bool outside(uint64_t address) const {
        return address + options_.word_bytes > options_.size ||
               (address >= options_.hole[0] && address < options_.hole[1]);
    }

    void credit(double& credit) {
        if (options_.bytes_per_cycle <= 0) {
            credit = 0;
        } else {
            credit += options_.bytes_per_cycle;
            if (credit > options_.bytes_per_cycle) credit = options_.bytes_per_cycle;
        }
    }

    void fetch() {
        const uint64_t address = reads_.front().address;
        slave.data_error = outside(address);
        if (slave.data_error) {
            statistics.errors++;
            memset(slave.data, 0xEE, options_.word_bytes);
        } else {
            memcpy(slave.data, bytes_ + address, options_.word_bytes);
        }
    }

    void accept_read() {
        const uint32_t word = options_.word_bytes;
        const uint32_t skipped = master.read_address % word;
        if (master.read_bytes < 1 || master.read_bytes > 1024) {
            violation_ = "a read request of 0 or more than 1024 bytes";
            return;
        }
        const uint32_t words = (skipped + master.read_bytes - 1) / word + 1;
        reads_.push_back({now_ + options_.latency, master.read_address - skipped, words});
        statistics.read_requests++;
    }

    void accept_write() {
        const uint32_t word = options_.word_bytes;
        const uint64_t address = master.write_address;
        if (address % word) violation_ = "a write whose address is no multiple of the bus word";
        const bool error = outside(address);
        if (error) {
            statistics.errors++;
        } else {
            for (uint32_t i = 0; i < word; i++)
                if (master.write_mask >> i & 1) bytes_[address + i] = master.write_data[i];
        }
        acks_.push_back({now_ + options_.latency, error});
        write_credit_ -= word;
        statistics.write_words++;
    }

    // A request that was not taken must stand unchanged in the next cycle.
    void check_held() {
        if (held_read_ && !(master.read_valid && master.read_address == held_.read_address &&
                            master.read_bytes == held_.read_bytes))
            violation_ = "a read request changed before it was taken";
        if (held_write_ &&
            !(master.write_valid && master.write_address == held_.write_address &&
              master.write_mask == held_.write_mask &&
              memcmp(master.write_data, held_.write_data, options_.word_bytes) == 0))
            violation_ = "a write request changed before it was taken";
        held_read_ = master.read_valid && !slave.read_ready;
        held_write_ = master.write_valid && !slave.write_ready;
        if (held_read_ || held_write_) held_ = master;
    }
};
