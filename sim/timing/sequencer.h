// Between the command queue and the decoder: commands pass, loops are unrolled
// (hw/control/loops/sequencer.py).
#pragma once
#include "loop_conv.h"
#include "loop_ws.h"

class Sequencer {
   public:
    explicit Sequencer(const Shape& shape) : shape_(shape), matmul_(shape), convolution_(shape) {}

    // The command that stands before the decoder, and which of the program's it comes from.
    bool stands() const { return stands_; }
    const Command& command() const { return command_; }
    uint32_t index() const { return index_; }
    bool busy() const { return busy_; }

    // One cycle. `taken`: the decoder takes what stands; `decoding`: it had a command; `levels`:
    // commands of each unit; `in`, if not null, is the queue's first, number `number`. Returns
    // whether it is taken; `changed` is set if anything moves.
    bool step(bool taken, bool decoding, const uint32_t* levels, const Command* in, uint32_t number,
              const Decoder& decoder, bool& changed) {
        const bool sends = !stands_ || taken;
        const bool waits = waits_;
        waits_ = stands_ || (waits_ && decoding);
        changed |= waits != waits_;
        if (!loops_ && !(in && looped(*in))) return pass(sends, taken, in, number, changed);
        const Seen seen{{levels[0], levels[1], levels[2]}, in, decoding};
        if (still_ && !changed && !taken && seen == seen_) return false;
        seen_ = seen;
        const Settings& settings = decoder.settings();
        const bool was_busy[] = {busy_ && matmul_.busy(), busy_ && convolution_.busy()};
        const bool busy = was_busy[0] || was_busy[1];
        if (was_busy[0]) matmul_.look(settings);
        if (was_busy[1]) convolution_.look(settings);
        int sent[] = {-1, -1};
        const int kind = was_busy[1];
        const Command next = sends && busy ? choose(kind, levels, decoding, sent) : Command{};
        bool takes = false;
        for (int n = 0; n < 2; n++) {
            const bool mine = in && (n ? of_conv(*in) : of_matmul(*in));
            const uint64_t go = n ? loop_conv_ws::FUNCT : loop_ws::FUNCT;
            const bool begins = mine && (in->funct & 0x7F) == go;
            const bool ready = !begins || was_busy[n] || begun_[n] || !(busy || waits || stands_);
            const Command* offered = mine && ready ? in : nullptr;
            if (!offered && !was_busy[n] && !(n == 0 && matmul_.waits())) continue;
            const bool got = n ? clock(convolution_, sent[n], offered, settings, number, changed)
                               : clock(matmul_, sent[n], offered, settings, number, changed);
            begun_[n] = offered && !got;
            takes |= got;
        }
        const bool moved = sent[0] >= 0 || sent[1] >= 0;
        follow(sends, taken);
        if (moved) {
            const Offer& offer = kind ? convolution_.offers[sent[1]] : matmul_.offers[sent[0]];
            const int unit = kind ? sent[1] : sent[0];
            stand(next, indices_[offer.parity]);
            under_way_[0] = offer.free ? -1 : unit;
        } else if (sends) {
            stands_ = false;
            if (in && !looped(*in) && !busy) {
                stand(*in, number);
                takes = true;
            }
        }
        changed |= takes || moved || (sends && taken);
        still_ = !changed;
        busy_ = matmul_.busy() || convolution_.busy();
        loops_ = busy_ || matmul_.waits() || begun_[0] || begun_[1];
        return takes;
    }

   private:
    struct Seen {
        uint32_t levels[3] = {};
        const Command* in = nullptr;
        bool decoding = false;
        bool operator==(const Seen&) const = default;
    };

    const Shape& shape_;
    MatmulLoop matmul_;
    ConvLoop convolution_;
    Command command_{};
    uint32_t index_ = 0, indices_[2] = {};
    bool stands_ = false, waits_ = false, begun_[2] = {}, sp_half_ = false, acc_half_ = false;
    Seen seen_;
    bool still_ = false;  // nothing changed when that was seen
    bool busy_ = false;
    bool loops_ = false;  // there is more to step than commands that pass
    int under_way_[2] = {-1, -1};  // the unit of the command that stands, and of the decoder's

    bool of_matmul(const Command& in) const {
        const uint64_t funct = in.funct & 0x7F;
        return shape_.loop_ws && ((funct >= loop_ws::FUNCT && funct <= loop_ws_config_strides_dc::FUNCT) ||
                                  funct == loop_ws_config_spad_ab::FUNCT ||
                                  funct == loop_ws_config_spad_c::FUNCT);
    }
    bool of_conv(const Command& in) const {
        const uint64_t funct = in.funct & 0x7F;
        return shape_.loop_conv && funct >= loop_conv_ws::FUNCT && funct <= loop_conv_ws_config_6::FUNCT;
    }
    bool looped(const Command& in) const { return of_matmul(in) || of_conv(in); }

    void stand(const Command& command, uint32_t index) {
        stands_ = true;
        command_ = command;
        index_ = index;
    }

    // What stood goes on to the decoder.
    void follow(bool sends, bool taken) {
        if (stands_ && taken) under_way_[1] = under_way_[0];
        if (sends) under_way_[0] = -1;
    }

    // Without loops: one cycle per command.
    bool pass(bool sends, bool taken, const Command* in, uint32_t number, bool& changed) {
        if (!sends) return false;
        follow(sends, taken);
        changed |= taken;
        stands_ = false;
        if (!in) return false;
        stand(*in, number);
        return changed = true;
    }

    // Loads before computes before stores, as far as their units have room.
    Command choose(int kind, const uint32_t* levels, bool decoding, int* sent) {
        const uint32_t depths[] = {shape_.load_queue, shape_.execute_queue, shape_.store_queue};
        for (int unit = 0; unit < 3; unit++) {
            const Offer& offer = kind ? convolution_.offers[unit] : matmul_.offers[unit];
            const uint32_t level = levels[unit] + (stands_ && under_way_[0] == unit) +
                                   (decoding && under_way_[1] == unit);
            if (!offer.valid || !(level < depths[unit] || offer.free)) continue;
            sent[kind] = unit;
            return kind ? convolution_.command(unit) : matmul_.command(unit);
        }
        return {};
    }

    template <typename Loop>
    bool clock(Loop& loop, int sent, const Command* in, const Settings& settings, uint32_t number,
               bool& changed) {
        const bool parity = loop.parity();
        const bool taken = loop.clock(sent, in, settings, sp_half_, acc_half_, changed);
        if (loop.accept) {
            sp_half_ = !sp_half_;
            acc_half_ ^= loop.flips;
            indices_[parity] = number;
        }
        return taken;
    }
};
