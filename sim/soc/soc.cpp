// The Verilated system with its memory behind a plain C interface (sim/soc/model.py is the other
// side). Characters that the console sends are collected; a run ends when the program says so.
#include <deque>
#include <string>
#include <vector>

#include "harness.h"

extern "C" {

enum Ending : uint32_t { EXITED = 0, CYCLE_LIMIT = 1, VIOLATION = 2 };

struct Outcome {
    uint64_t start_cycle, cycles;
    uint32_t ending, exit_code;
};

// From `cycle` on: bits 1 load, 2 execute, 4 store, 8 any, 16 core waits at its command port;
// the last marker in the upper half.
struct Activity {
    uint64_t cycle, bits;
};
}

namespace {

class Soc : public Harness {
   public:
    std::string console;
    std::deque<uint8_t> typed;
    std::vector<Activity> activity;
    bool recording = false;

    explicit Soc(const MemoryOptions& options) : Harness(options) { power_up(); }

    void power_up() {
        renew();
        typed.clear();
        top_->rst = 1;
        top_->tx_ready = 1;
        for (int i = 0; i < 4; i++) {
            drive();
            edge();
        }
        top_->rst = 0;
        last_bits_ = 0;
    }

    void waves(const char* path) {
        record_waves(path);
        power_up();
    }

    void run(uint64_t limit, Outcome& out) {
        enter();
        out = Outcome{};
        out.start_cycle = cycle_;
        activity.clear();
        last_bits_ = ~0ull;
        for (out.ending = CYCLE_LIMIT; cycle_ - out.start_cycle < limit;) {
            drive();
            if (top_->tx_valid) console.push_back(char(top_->tx_payload));
            if (top_->rx_valid && top_->rx_ready) typed.pop_front();
            if (recording) note();
            const bool exited = top_->exited;
            edge();
            memory.clock();
            if (violated()) {
                out.ending = VIOLATION;
                break;
            }
            if (exited) {
                out.ending = EXITED;
                break;
            }
        }
        out.exit_code = top_->exit_code;
        out.cycles = cycle_ - out.start_cycle;
        flush_waves();
    }

   private:
    uint64_t last_bits_ = 0;

    void drive() {
        top_->rx_valid = !typed.empty();
        top_->rx_payload = typed.empty() ? 0 : typed.front();
        settle();
    }

    void note() {
        const uint64_t bits = top_->activity_load | top_->activity_execute << 1 |
                              top_->activity_store << 2 | top_->activity_busy << 3 |
                              top_->activity_waiting << 4 | uint64_t(top_->mark) << 32;
        if (bits == last_bits_) return;
        last_bits_ = bits;
        activity.push_back({cycle_, bits});
    }
};

}  // namespace

extern "C" {

void* soc_create(const MemoryOptions* options) {
    Soc* soc = new Soc(*options);
    if (soc->memory.bytes()) return soc;
    delete soc;
    return nullptr;
}
void soc_destroy(void* soc) { delete static_cast<Soc*>(soc); }
void soc_reset(void* soc) { static_cast<Soc*>(soc)->power_up(); }
void soc_waves(void* soc, const char* path) { static_cast<Soc*>(soc)->waves(path); }
void soc_record(void* soc, uint32_t on) { static_cast<Soc*>(soc)->recording = on; }
uint8_t* soc_memory(void* soc) { return static_cast<Soc*>(soc)->memory.bytes(); }
const char* soc_violation(void* soc) { return static_cast<Soc*>(soc)->violation(); }
void soc_type(void* soc, const uint8_t* text, uint64_t count) {
    auto& typed = static_cast<Soc*>(soc)->typed;
    typed.insert(typed.end(), text, text + count);
}
void soc_run(void* soc, uint64_t limit, Outcome* outcome) {
    static_cast<Soc*>(soc)->run(limit, *outcome);
}
const MemoryStatistics* soc_statistics(void* soc) {
    return &static_cast<Soc*>(soc)->memory.statistics;
}
// The console's text so far; it starts anew after each call.
uint64_t soc_console(void* soc, char* to, uint64_t room) {
    auto& console = static_cast<Soc*>(soc)->console;
    const uint64_t count = console.size();
    if (to && room >= count) {
        memcpy(to, console.data(), count);
        console.clear();
    }
    return count;
}
uint64_t soc_activity(void* soc, const Activity** first) {
    auto& activity = static_cast<Soc*>(soc)->activity;
    *first = activity.data();
    return activity.size();
}
}
