// The Verilated accelerator behind a plain C interface (sim/rtl/model.py is the other side).
#include <vector>

#include "../timing/states.h"
#include "harness.h"

extern "C" {

struct Options {
    MemoryOptions memory;
    double command_stall;      // probability per cycle that the host pauses
    uint64_t patience;         // cycles without any progress after which a run gives up
    uint64_t cycle_limit;      // of one run; 0: none
    uint32_t command_gap;      // idle cycles after each command
    uint32_t record_activity;  // whether changes of the units' busy bits, and the times of
                               // commands, are kept
};

struct Command {
    uint64_t funct, rs1, rs2;
};

enum Ending : uint32_t { BECAME_IDLE = 0, NO_PROGRESS = 1, CYCLE_LIMIT = 2, VIOLATION = 3 };

struct Outcome {
    uint64_t start_cycle, cycles;
    uint64_t commands;  // taken in this run
    uint64_t load_cycles, execute_cycles, store_cycles;
    uint64_t states[UNITS][STATES];  // cycles of each unit by what it did
    uint64_t bounds[BOUNDS];         // cycles by what kept the array from its work
    uint32_t ending, error, error_index, accepted;
    uint32_t busy, reads_pending, acks_pending, command_waits;
};

// What became of a dispatched command: its index since reset, its unit (0 load, 1 execute,
// 2 store), and when it was dispatched, issued and complete.
struct Times {
    uint64_t index, unit, dispatched, issued, done;
};

// Busy bits (1 load, 2 execute, 4 store, 8 any) from `cycle` on.
struct Activity {
    uint64_t cycle, bits;
};
}

namespace {

class Engine : public Harness {
   public:
    std::vector<uint64_t> responses;
    std::vector<Activity> activity;
    std::vector<Times> times;

    explicit Engine(const Options& options)
        : Harness(options.memory),
          options_(options),
          coins_(options.memory.seed ^ 0xC0FFEE),
          stall_(in_65536ths(options.command_stall)) {
        power_up();
    }

    void power_up() {
        renew();
        top_->clear_error = 0;
        offer(nullptr);
        top_->response_ready = 0;
        settle();
        last_bits_ = 0;
    }

    void waves(const char* path) {
        record_waves(path);
        power_up();
    }

    void run(const Command* commands, uint64_t count, Outcome& out) {
        enter();
        responses.clear();
        activity.clear();
        times.clear();
        for (auto& order : orders_) order.clear();
        out = Outcome{};
        out.start_cycle = cycle_;
        uint64_t sent = 0, gap = 0, last_progress = cycle_;
        uint32_t last_accepted = top_->status_accepted;
        bool offered = false;
        for (;;) {
            const uint64_t draw = stall_ ? coins_.draw() : 0;
            if (!offered)
                offered = sent < count && gap == 0 && !Coins::shows(draw, 0, stall_);
            if (gap) gap--;
            offer(offered ? &commands[sent] : nullptr);
            top_->response_ready = !Coins::shows(draw, 1, stall_);
            settle();
            const uint32_t bits = top_->status_load | top_->status_execute << 1 |
                                  top_->status_store << 2 | top_->status_busy << 3;
            note(bits, out);
            if (options_.record_activity) note_commands();
            if (sent == count && !top_->status_busy && !top_->response_valid) break;
            if (violated()) {
                out.ending = VIOLATION;
                break;
            }
            if (cycle_ - last_progress > options_.patience) {
                out.ending = NO_PROGRESS;
                break;
            }
            if (options_.cycle_limit && cycle_ - out.start_cycle >= options_.cycle_limit) {
                out.ending = CYCLE_LIMIT;
                break;
            }
            explain(sent < count, out);
            bool progress = bits != last_bits_ || top_->status_accepted != last_accepted;
            last_bits_ = bits;
            last_accepted = top_->status_accepted;
            if (offered && top_->command_ready) {
                offered = false;
                sent++;
                gap = options_.command_gap;
                progress = true;
            }
            if (top_->response_valid && top_->response_ready) {
                responses.push_back(top_->response_payload);
                progress = true;
            }
            edge();
            progress |= memory.clock();
            if (progress) last_progress = cycle_;
        }
        out.cycles = cycle_ - out.start_cycle;
        out.commands = sent;
        out.command_waits = offered;
        out.error = top_->status_error;
        out.error_index = top_->status_error_index;
        out.accepted = top_->status_accepted;
        out.busy = top_->status_load | top_->status_execute << 1 | top_->status_store << 2 |
                   top_->status_busy << 3;
        out.reads_pending = memory.reads_pending();
        out.acks_pending = memory.acks_pending();
        if (options_.record_activity) activity.push_back({cycle_, 0});
        flush_waves();
    }

   private:
    Options options_;
    Coins coins_;
    uint32_t stall_, last_bits_ = 0;

    // Command pins; null: nothing offered.
    void offer(const Command* command) {
        top_->command_valid = command != nullptr;
        if (command) {
            top_->command_payload_funct = command->funct & 0x7F;
            top_->command_payload_rs1 = command->rs1;
            top_->command_payload_rs2 = command->rs2;
        }
    }

    // Dispatched commands of each unit, as places in `times`, and how many are issued and complete.
    struct Order : std::vector<uint64_t> {
        size_t issued = 0, done = 0;
        void clear() {
            std::vector<uint64_t>::clear();
            issued = done = 0;
        }
    };
    Order orders_[3];

    void note_commands() {
        for (unsigned unit = 0; unit < 3; unit++) {
            Order& order = orders_[unit];
            if (top_->trace_done >> unit & 1) times[order[order.done++]].done = cycle_;
            if (top_->trace_issue >> unit & 1) times[order[order.issued++]].issued = cycle_;
        }
        if (!top_->trace_dispatch) return;
        orders_[top_->trace_unit].push_back(times.size());
        times.push_back({top_->trace_index, top_->trace_unit, cycle_, 0, 0});
    }

    void explain(bool more, Outcome& out) {
        State states[UNITS];
        for (uint32_t unit = 0; unit < UNITS; unit++) {
            states[unit] = State(top_->trace_states >> 4 * unit & 15);
            out.states[unit][states[unit]]++;
        }
        out.bounds[bound_by(states, more || states[COMMANDS] != IDLE || top_->trace_queued)]++;
    }

    void note(uint32_t bits, Outcome& out) {
        out.load_cycles += bits & 1;
        out.execute_cycles += bits >> 1 & 1;
        out.store_cycles += bits >> 2 & 1;
        if (options_.record_activity && (activity.empty() || activity.back().bits != bits))
            activity.push_back({cycle_, bits});
    }
};

}  // namespace

extern "C" {

void* engine_create(const Options* options) {
    Engine* engine = new Engine(*options);
    if (engine->memory.bytes()) return engine;
    delete engine;
    return nullptr;
}
void engine_destroy(void* engine) { delete static_cast<Engine*>(engine); }
void engine_reset(void* engine) { static_cast<Engine*>(engine)->power_up(); }
void engine_waves(void* engine, const char* path) { static_cast<Engine*>(engine)->waves(path); }
uint8_t* engine_memory(void* engine) { return static_cast<Engine*>(engine)->memory.bytes(); }
const char* engine_violation(void* engine) { return static_cast<Engine*>(engine)->violation(); }
void engine_run(void* engine, const Command* commands, uint64_t count, Outcome* outcome) {
    static_cast<Engine*>(engine)->run(commands, count, *outcome);
}
const MemoryStatistics* engine_statistics(void* engine) {
    return &static_cast<Engine*>(engine)->memory.statistics;
}
uint64_t engine_responses(void* engine, const uint64_t** first) {
    auto& responses = static_cast<Engine*>(engine)->responses;
    *first = responses.data();
    return responses.size();
}
uint64_t engine_times(void* engine, const Times** first) {
    auto& times = static_cast<Engine*>(engine)->times;
    *first = times.data();
    return times.size();
}
uint64_t engine_activity(void* engine, const Activity** first) {
    auto& activity = static_cast<Engine*>(engine)->activity;
    *first = activity.data();
    return activity.size();
}
}
