// A board's top, which has a clock and two wires: bytes in, bytes out.
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>

#include "Vtop.h"
#include "verilated.h"

const char* failed_assertion();  // assertion.cpp

namespace {

class Pins {
   public:
    explicit Pins(uint32_t divisor) : divisor_(divisor) {
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
        for (; cycles; cycles--) {
            top_->rx = send();
            top_->clk = 0;
            top_->eval();
            top_->clk = 1;
            top_->eval();
            receive(top_->tx);
        }
    }

    uint64_t console(char* buffer, uint64_t size) {
        const uint64_t count = console_.size();
        if (size) {
            memcpy(buffer, console_.data(), count < size ? count : size);
            console_.clear();
        }
        return count;
    }

    bool violated() const { return context_->errorCount(); }

   private:
    VerilatedContext* context_;
    Vtop* top_;
    const uint32_t divisor_;
    std::deque<char> typed_;
    std::string console_;
    uint32_t sending_ = 0, sent_for_ = 0;       // bits left with a 1 above them, cycles of this one
    uint32_t arrived_ = 0, bits_ = 0, wait_ = 0;  // bits of a byte, how many, cycles to the next

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
Pins* pins_create(uint32_t divisor) { return new Pins(divisor); }
void pins_destroy(Pins* pins) { delete pins; }
void pins_type(Pins* pins, const char* bytes, uint64_t count) { pins->type(bytes, count); }
void pins_run(Pins* pins, uint64_t cycles) { pins->run(cycles); }
uint64_t pins_console(Pins* pins, char* buffer, uint64_t size) { return pins->console(buffer, size); }
const char* pins_violation(Pins* pins) { return pins->violated() ? failed_assertion() : ""; }
}
