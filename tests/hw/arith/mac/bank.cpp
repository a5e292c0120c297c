// Vectors through a Verilated bank of units, one per cycle (bank.py is the other side).
#include <cstdint>
#include <cstring>

#include "Vtop.h"
#include "verilated.h"

// Returns how many assertions and $fatal of the model failed.
extern "C" uint32_t stream(const uint32_t* in, uint32_t* out, uint64_t count) {
    VerilatedContext context;
    Verilated::threadContextp(&context);
    Vtop top(&context);
    for (uint64_t n = 0; n < count; n++) {
        std::memcpy(top.i.data(), in, sizeof(top.i));
        in += sizeof(top.i) / 4;
        top.clk = 0;
        top.eval();
        std::memcpy(out, top.o.data(), sizeof(top.o));
        out += sizeof(top.o) / 4;
        top.clk = 1;
        top.eval();
    }
    return context.errorCount();
}
