// The Verilated accelerator behind a plain C interface (sim/rtl/model.py is the other side).
#include <cstring>
#include <string>
#include <vector>

#include "Vtop.h"
#include "memory.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

extern "C" {

struct Options {
    MemoryOptions memory;
    double command_stall;      // probability per cycle that the host pauses
    uint64_t patience;         // cycles without any progress after which a run gives up
    uint64_t cycle_limit;      // of one run; 0: none
    uint32_t command_gap;      // idle cycles after each command
    uint32_t record_activity;  // whether changes of the units' busy bits are kept
};

struct Command {
    uint64_t funct, rs1, rs2;
};

enum Ending : uint32_t { IDLE = 0, NO_PROGRESS = 1, CYCLE_LIMIT = 2, VIOLATION = 3 };

struct Outcome {
    uint64_t start_cycle, cycles;
    uint64_t commands;  // taken in this run
    uint64_t load_cycles, execute_cycles, store_cycles;
    uint32_t ending, error, error_index, accepted;
    uint32_t busy, reads_pending, acks_pending, command_waits;
};

// Busy bits (1 load, 2 execute, 4 store, 8 any) from `cycle` on.
struct Activity {
    uint64_t cycle, bits;
};
}

namespace {

template <typename Pin>
void put(Pin& pin, const void* from, size_t bytes) {
    memcpy(reinterpret_cast<uint8_t*>(&pin), from, bytes);
}

template <typename Pin>
void get(void* to, const Pin& pin, size_t bytes) {
    memcpy(to, reinterpret_cast<const uint8_t*>(&pin), bytes);
}

class Engine {
   public:
    Memory memory;
    std::vector<uint64_t> responses;
    std::vector<Activity> activity;

    explicit Engine(const Options& options)
        : memory(options.memory), options_(options), coins_(options.memory.seed ^ 0xC0FFEE) {
        word_ = options.memory.word_bytes;
        stall_ = in_65536ths(options.command_stall);
        power_up();
    }

    ~Engine() {
        close_waves();
        top_->final();
        delete top_;
        delete context_;
    }

    void power_up() {
        close_waves();
        if (top_) top_->final();
        delete top_;
        delete context_;
        context_ = new VerilatedContext;
        context_->traceEverOn(!waves_path_.empty());
        top_ = new Vtop{context_, "top"};
        memory.reset();
        top_->clear_error = 0;
        offer(nullptr);
        top_->response_ready = 0;
        settle();
        cycle_ = 0;
        last_bits_ = 0;
        open_waves();
    }

    void waves(const char* path) {
        close_waves();
        waves_path_ = path;
        context_->traceEverOn(true);
        open_waves();
    }

    void run(const Command* commands, uint64_t count, Outcome& out) {
        responses.clear();
        activity.clear();
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
            if (sent == count && !top_->status_busy && !top_->response_valid) break;
            if (memory.violation()) {
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
            sample();
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

    const char* violation() const { return memory.violation() ? memory.violation() : ""; }

   private:
    Options options_;
    Coins coins_;
    uint32_t word_, stall_;
    VerilatedContext* context_ = nullptr;
    Vtop* top_ = nullptr;
    uint64_t cycle_ = 0;
    uint32_t last_bits_ = 0;
    std::string waves_path_;
#if VM_TRACE
    VerilatedVcdC* dump_ = nullptr;
#endif

    // Command pins; null: nothing offered.
    void offer(const Command* command) {
        top_->command_valid = command != nullptr;
        if (command) {
            top_->command_payload_funct = command->funct & 0x7F;
            top_->command_payload_rs1 = command->rs1;
            top_->command_payload_rs2 = command->rs2;
        }
    }

    // The memory's pins of this cycle, then everything combinational.
    void settle() {
        memory.drive();
        const SlavePins& slave = memory.slave;
        top_->memory_read_request_ready = slave.read_ready;
        top_->memory_read_data_valid = slave.data_valid;
        top_->memory_read_data_payload_error = slave.data_error;
        if (slave.data_valid) put(top_->memory_read_data_payload_data, slave.data, word_);
        top_->memory_write_request_ready = slave.write_ready;
        top_->memory_write_ack_valid = slave.ack_valid;
        top_->memory_write_ack_payload = slave.ack_error;
        top_->clk = 0;
        top_->eval();
        dump(0);
    }

    void sample() {
        MasterPins& master = memory.master;
        master.read_valid = top_->memory_read_request_valid;
        master.read_address = top_->memory_read_request_payload_address;
        master.read_bytes = top_->memory_read_request_payload_bytes;
        master.data_ready = top_->memory_read_data_ready;
        master.write_valid = top_->memory_write_request_valid;
        master.ack_ready = top_->memory_write_ack_ready;
        if (master.write_valid) {
            master.write_address = top_->memory_write_request_payload_address;
            master.write_mask = top_->memory_write_request_payload_mask;
            get(master.write_data, top_->memory_write_request_payload_data, word_);
        }
    }

    void edge() {
        top_->clk = 1;
        top_->eval();
        dump(1);
        cycle_++;
    }

    void note(uint32_t bits, Outcome& out) {
        out.load_cycles += bits & 1;
        out.execute_cycles += bits >> 1 & 1;
        out.store_cycles += bits >> 2 & 1;
        if (options_.record_activity && (activity.empty() || activity.back().bits != bits))
            activity.push_back({cycle_, bits});
    }

#if VM_TRACE
    void open_waves() {
        if (waves_path_.empty()) return;
        dump_ = new VerilatedVcdC;
        top_->trace(dump_, 99);
        dump_->open(waves_path_.c_str());
    }
    void close_waves() {
        if (dump_) dump_->close();
        delete dump_;
        dump_ = nullptr;
    }
    void flush_waves() {
        if (dump_) dump_->flush();
    }
    void dump(int phase) {
        if (dump_) dump_->dump(cycle_ * 2 + phase);
    }
#else
    void open_waves() {}
    void close_waves() {}
    void flush_waves() {}
    void dump(int) {}
#endif
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
uint64_t engine_activity(void* engine, const Activity** first) {
    auto& activity = static_cast<Engine*>(engine)->activity;
    *first = activity.data();
    return activity.size();
}
}
