// loop_conv_ws: the streams of a convolution, as hw/control/loops/conv.py sends them.
#pragma once
#include "loop_conv_tiles.h"

class ConvLoop {
   public:
    Offer offers[3];
    bool accept = false, flips = false;

    explicit ConvLoop(const Shape& shape)
        : planner_(shape), a_(shape), b_(shape), d_(shape), tiles_(shape), c_(shape) {}

    bool busy() const {
        return flight_.valid || a_.busy() || b_.busy() || d_.busy() || tiles_.busy() || c_.busy();
    }

    bool parity() const { return flight_.parity; }

    // What stands in this cycle.
    void look(const Settings& settings) {
        settings_ = &settings;
        const bool busy[] = {a_.busy(), b_.busy(), d_.busy(), tiles_.busy(), c_.busy()};
        flight_.decide(busy);
        bool moved[3];
        const bool conditions[] = {
            !a_.opens && !tiles_.strewn && a_.row() >= tiles_.lines_end(),
            !b_.opens && !tiles_.reverse &&
                (tiles_.channels() > b_.left() ||
                 (!tiles_.by_line && tiles_.place() + tiles_.depth() <= b_.place())),
            !d_.opens && !tiles_.strewn && tiles_.c_row() + tiles_.c_more() < d_.row()};
        for (int n = 0; n < 3; n++) moved[n] = flight_.past(busy, n, TILES) || conditions[n];
        look_at_loads(busy, moved);
        const bool ready = !tiles_.computes() || (moved[A] && moved[B] && moved[D]);
        offers[EXECUTE] = {tiles_.valid() && ready, !tiles_.computes(), flight_.loop(TILES)};
        const bool same = c_.channels() == tiles_.channels() && tiles_.final() && !tiles_.strewn;
        const bool behind = c_.pooled ? tiles_.batches() < c_.batches() : tiles_.c_row() > c_.row();
        const bool sent = !tiles_.opens && (c_.channels() > tiles_.channels() || (same && behind));
        const bool biased = flight_.past(busy, D, C) || !c_.dilated;
        const bool stored = (flight_.past(busy, TILES, C) || sent) && biased;
        offers[STORE] = {c_.valid() && (stored || !c_.moves()), !c_.moves(), flight_.loop(C)};
    }

    Command command(uint32_t unit) const {
        if (unit == EXECUTE) return tiles_.command(*settings_);
        if (unit == STORE) return c_.command();
        return picked_ == A ? a_.command() : picked_ == B ? b_.command() : d_.command();
    }

    // One cycle; as MatmulLoop::clock.
    bool clock(int sent, const Command* in, const Settings& settings, bool sp_half, bool acc_half,
               bool& changed) {
        const bool others = busy();
        changed |= a_.clock(sent == LOAD && picked_ == A);
        changed |= b_.clock(sent == LOAD && picked_ == B);
        changed |= d_.clock(sent == LOAD && picked_ == D);
        changed |= tiles_.clock(sent == EXECUTE);
        changed |= c_.clock(sent == STORE);
        const ConvPlan& plan = planner_.plan;
        if (flight_.take[A]) a_.take(plan);
        if (flight_.take[B]) b_.take(plan);
        if (flight_.take[D]) d_.take(plan);
        if (flight_.take[TILES]) tiles_.take(plan);
        if (flight_.take[C]) c_.take(plan);
        for (int n = 0; n < 3; n++)
            if (flight_.take[n]) waits_[n] = plan.waits[n];
        accept = false;
        const bool taken = planner_.clock(in, flight_.valid, others, settings, sp_half, acc_half,
                                          accept, changed);
        flips = plan.output != 0;
        changed |= flight_.clock(accept);
        return taken;
    }

   private:
    Flight flight_;
    ConvPlanner planner_;
    ConvInput a_;
    ConvWeights b_;
    ConvBias d_;
    ConvTiles tiles_;
    ConvStores c_;
    const Settings* settings_ = nullptr;
    bool waits_[3] = {};
    int picked_ = -1;

    // First what the coming compute lacks, then input, weights, bias; the older loop first. Of the
    // younger one the first weights come before the input.
    void look_at_loads(const bool* busy, const bool* moved) {
        bool late[3];
        for (int n = 0; n < 3; n++) late[n] = flight_.behind(TILES, n);
        picked_ = -1;
        for (int n : {B, A, D})
            if (picked_ < 0 && busy[n] && !late[n] && !moved[n]) picked_ = n;
        for (int n : {A, B, D})
            if (picked_ < 0 && busy[n] && !late[n]) picked_ = n;
        if (picked_ < 0 && b_.begins && busy[B] && late[B] && !waits_[B]) picked_ = B;
        for (int n : {A, B, D})
            if (picked_ < 0 && busy[n] && late[n] && !waits_[n]) picked_ = n;
        offers[LOAD] = {};
        if (picked_ < 0) return;
        const bool valid = picked_ == A ? a_.valid() : picked_ == B ? b_.valid() : d_.valid();
        const bool opens = picked_ == A ? a_.opens : picked_ == B ? b_.opens : d_.opens;
        offers[LOAD] = {valid, opens, flight_.loop(picked_)};
    }
};
