// A board's top, which has a clock and two wires: bytes in, bytes out. If it has the pins of an
// SDRAM, the chip is at them. A cycle of the system is ARRAY_CLOCK of the clock.
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "Vtop.h"
#include "sdram.h"
#include "verilated.h"

#ifndef ARRAY_CLOCK
#define ARRAY_CLOCK 1
#endif

const char* failed_assertion();  // assertion.cpp

namespace {

template <class Top>
concept HasSdram = requires(Top* top) { top->sdram_clk; };

class Pins {
   public:
    std::unique_ptr<Sdram> chip;

    Pins(uint32_t divisor, double period_ns) : divisor_(divisor) {
        if (HasSdram<Vtop>) chip = std::make_unique<Sdram>(period_ns);
        context_ = new VerilatedContext;
        top_ = new Vtop{context_, "top"};
        top_->rx = 1;
    }
    ~Pins() {
        Verilated::threadContextp(context_);
        top_->final();
        delete top_;
        delete context_;
    }

    void type(const char* bytes, uint64_t count) { typed_.insert(typed_.end(), bytes, bytes + count); }

    void run(uint64_t cycles) {
        Verilated::threadContextp(context_);  // what assertions report goes there
        levels_.clear();
        for (; cycles; cycles--) {
            top_->rx = send();
            for (int cycle = 0; cycle < ARRAY_CLOCK; cycle++)
                for (const bool level : {false, true}) {
                    top_->clk = level;
                    top_->eval();
                    clock_chip(top_);
                }
            receive(top_->tx);
            levels_.push_back(levels(top_));
        }
    }

    // Of the last run, one word a cycle.
    const uint64_t* history() const { return levels_.data(); }

    uint64_t console(char* buffer, uint64_t size) {
        const uint64_t count = console_.size();
        if (size) {
            memcpy(buffer, console_.data(), count < size ? count : size);
            console_.clear();
        }
        return count;
    }

    const char* violation() const {
        if (chip && !chip->violation().empty()) return chip->violation().c_str();
        return context_->errorCount() ? failed_assertion() : "";
    }

   private:
    VerilatedContext* context_;
    Vtop* top_;
    const uint32_t divisor_;
    std::deque<char> typed_;
    std::string console_;
    std::vector<uint64_t> levels_;
    uint32_t sending_ = 0, sent_for_ = 0;       // bits left with a 1 above them, cycles of this one
    uint32_t arrived_ = 0, bits_ = 0, wait_ = 0;  // bits of a byte, how many, cycles to the next

    bool chip_clock_ = false;

    template <class Top>
    void clock_chip(Top* top) {
        if constexpr (HasSdram<Top>) {
            const bool rises = top->sdram_clk && !chip_clock_;
            chip_clock_ = top->sdram_clk;
            if (!rises) return;
            top->sdram_dq = chip->edge({bool(top->sdram_cke), bool(top->sdram_cs_n),
                                        bool(top->sdram_ras_n), bool(top->sdram_cas_n),
                                        bool(top->sdram_we_n), top->sdram_ba, top->sdram_a,
                                        top->sdram_dm, top->sdram_dq__out, top->sdram_dq__en});
        }
    }

    // The pins out, the last one lowest; LEVELS of pins.py has their names.
    template <class Top>
    static uint64_t levels(Top* top) {
        uint64_t word = 0;
        const auto add = [&](uint32_t bits, uint64_t value) { word = word << bits | value; };
        if constexpr (HasSdram<Top>) {
            for (const bool bit : {top->sdram_cke, top->sdram_cs_n, top->sdram_ras_n,
                                   top->sdram_cas_n, top->sdram_we_n})
                add(1, bit);
            add(2, top->sdram_ba);
            add(13, top->sdram_a);
            add(2, top->sdram_dm);
            add(16, top->sdram_dq__en);
            add(16, top->sdram_dq__out & top->sdram_dq__en);
        }
        add(1, top->busy);
        add(1, top->tx);
        return word;
    }

    bool send() {
        if (!sending_) {
            if (typed_.empty()) return true;
            sending_ = (0x600u | uint8_t(typed_.front()) << 1);  // start, byte, stop, end mark
            typed_.pop_front();
            sent_for_ = 0;
        }
        const bool bit = sending_ & 1;
        if (++sent_for_ == divisor_) {
            sent_for_ = 0;
            sending_ >>= 1;
            if (sending_ == 1) sending_ = 0;
        }
        return bit;
    }

    void receive(bool tx) {
        if (!wait_) {
            if (tx) return;
            wait_ = divisor_ + divisor_ / 2;
            arrived_ = bits_ = 0;
        }
        if (--wait_) return;
        if (bits_ == 8) {  // the stop bit
            if (tx) console_.push_back(char(arrived_));
            return;
        }
        arrived_ |= uint32_t(tx) << bits_++;
        wait_ = divisor_;
    }
};

}  // namespace

extern "C" {
Pins* pins_create(uint32_t divisor, double period_ns) { return new Pins(divisor, period_ns); }
void pins_destroy(Pins* pins) { delete pins; }
void pins_type(Pins* pins, const char* bytes, uint64_t count) { pins->type(bytes, count); }
void pins_run(Pins* pins, uint64_t cycles) { pins->run(cycles); }
uint64_t pins_console(Pins* pins, char* buffer, uint64_t size) { return pins->console(buffer, size); }
const uint64_t* pins_history(Pins* pins) { return pins->history(); }
const char* pins_violation(Pins* pins) { return pins->violation(); }
// The chip's bytes; null if the board has none.
uint8_t* pins_sdram(Pins* pins) { return pins->chip ? pins->chip->bytes() : nullptr; }
}
