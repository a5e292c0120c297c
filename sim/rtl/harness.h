// What the harnesses of the accelerator and of the system share: one Verilated `top` with a clock,
// the pins of its memory port, and waves.
#pragma once
#include <cstring>
#include <string>

#include "Vtop.h"
#include "memory.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

const char* failed_assertion();  // assertion.cpp

class Harness {
   public:
    Memory memory;

    explicit Harness(const MemoryOptions& options) : memory(options), word_(options.word_bytes) {}
    Harness(const Harness&) = delete;
    Harness& operator=(const Harness&) = delete;
    ~Harness() { dispose(); }

    bool violated() const { return memory.violation() || context_->errorCount(); }

    // What broke a rule, empty if nothing did.
    const char* violation() {
        if (!violated()) return "";
        const char* seen = memory.violation();
        violation_ = seen ? std::string("the memory port saw ") + seen : failed_assertion();
        return violation_.c_str();
    }

   protected:
    Vtop* top_ = nullptr;
    uint64_t cycle_ = 0;

    // A new model in its power-up state, and waves from its first cycle on if a path is set.
    void renew() {
        dispose();
        context_ = new VerilatedContext;
        context_->traceEverOn(!waves_path_.empty());
        top_ = new Vtop{context_, "top"};
        memory.reset();
        cycle_ = 0;
        open_waves();
    }

    // Before a run: what the model reports, assertions too, goes to the thread's context, which may
    // be another model's.
    void enter() { Verilated::threadContextp(context_); }

    void record_waves(const char* path) { waves_path_ = path; }

    // The memory's pins of this cycle, then everything that follows from the inputs.
    void settle() {
        memory.drive();
        const SlavePins& pins = memory.slave;
        top_->memory_read_request_ready = pins.read_ready;
        top_->memory_read_data_valid = pins.data_valid;
        top_->memory_read_data_payload_error = pins.data_error;
        if (pins.data_valid) memcpy(&top_->memory_read_data_payload_data, pins.data, word_);
        top_->memory_write_request_ready = pins.write_ready;
        top_->memory_write_ack_valid = pins.ack_valid;
        top_->memory_write_ack_payload = pins.ack_error;
        level(false);
        dump(cycle_ * 2);
    }

    // The end of the cycle; the memory then takes its pins with `memory.clock()`.
    void edge() {
        MasterPins& pins = memory.master;
        pins.read_valid = top_->memory_read_request_valid;
        pins.read_address = top_->memory_read_request_payload_address;
        pins.read_bytes = top_->memory_read_request_payload_bytes;
        pins.data_ready = top_->memory_read_data_ready;
        pins.write_valid = top_->memory_write_request_valid;
        pins.ack_ready = top_->memory_write_ack_ready;
        if (pins.write_valid) {
            pins.write_address = top_->memory_write_request_payload_address;
            pins.write_mask = top_->memory_write_request_payload_mask;
            memcpy(pins.write_data, &top_->memory_write_request_payload_data, word_);
        }
#ifdef ARRAY_CLOCK
        for (int cycle = 1; cycle < ARRAY_CLOCK; cycle++)
            for (const bool high : {true, false}) {
                top_->array_clk = high;
                top_->eval();
            }
#endif
        level(true);
        dump(cycle_ * 2 + 1);
        cycle_++;
    }

    void flush_waves() {
#if VM_TRACE
        if (dump_) dump_->flush();
#endif
    }

   private:
    uint32_t word_;

    // All clocks rise or fall.
    void level(bool high) {
        top_->clk = high;
#ifdef ARRAY_CLOCK
        top_->array_clk = high;
#endif
        top_->eval();
    }

    VerilatedContext* context_ = nullptr;
    std::string waves_path_, violation_;

    void dispose() {
        close_waves();
        if (context_) enter();
        if (top_) top_->final();
        delete top_;
        delete context_;
    }

#if VM_TRACE
    VerilatedVcdC* dump_ = nullptr;
    uint64_t next_dump_ = 0;

    void open_waves() {
        if (waves_path_.empty()) return;
        dump_ = new VerilatedVcdC;
        next_dump_ = 0;
        top_->trace(dump_, 99);
        dump_->open(waves_path_.c_str());
    }
    void close_waves() {
        if (dump_) dump_->close();
        delete dump_;
        dump_ = nullptr;
    }
    void dump(uint64_t time) {  // a cycle in which a run ended is settled again by the next one
        if (!dump_ || time < next_dump_) return;
        dump_->dump(time);
        next_dump_ = time + 1;
    }
#else
    void open_waves() {}
    void close_waves() {}
    void dump(uint64_t) {}
#endif
};
