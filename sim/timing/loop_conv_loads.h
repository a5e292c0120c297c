// Input, weights and bias of a convolution as mvins (hw/control/loops/conv_input.py, conv_loads.py).
#pragma once
#include "loop_conv_plan.h"
#include "nest.h"

// Addresses of elements that are not whole bytes have some bits behind the byte.
struct Scaled {
    uint32_t fraction = 0, unit = 1;
    uint64_t mask;

    explicit Scaled(const Shape& shape) {
        while ((shape.input_bits << fraction) & 7) fraction++;
        unit = (shape.input_bits << fraction) / 8;
        mask = (1ull << (32 + fraction)) - 1;
    }
    uint64_t operator()(uint64_t elements) const { return elements * unit & mask; }
    uint64_t start(uint32_t address) const { return uint64_t(address) << fraction; }
    uint32_t bytes(uint64_t place) const { return place >> fraction; }
};

inline Command move(Command command, uint32_t address, uint64_t local, uint32_t rows, uint32_t cols) {
    mvin::address(command, address);
    mvin::local(command, local);
    mvin::rows(command, rows);
    mvin::cols(command, cols);
    return command;
}

inline Command load_set(uint32_t set, uint32_t stride, uint32_t block_stride, uint32_t repeats = 0) {
    Command command = config_ld::make();
    config_ld::set(command, set);
    config_ld::stride(command, stride);
    config_ld::block_stride(command, block_stride);
    config_ld::repeats(command, repeats);
    config_ld::scale(command, ONE);
    return command;
}

// Padding, image, padding: three counts, one after another; those of 0 are left out.
struct Stretch {
    uint32_t counts[3] = {}, left = 0;
    int phase = 0;

    bool image() const { return phase == 1; }
    void begin() {
        phase = counts[0] ? 0 : counts[1] ? 1 : 2;
        left = counts[phase];
    }
    void advance(uint32_t step) {
        if (left > step) {
            left -= step;
        } else {
            phase = phase == 0 && counts[1] ? 1 : 2;
            left = counts[phase];
        }
    }
    bool last(uint32_t step) const {
        const bool more = (phase == 0 && counts[1]) || (phase != 2 && counts[2]);
        return left <= step && !more;
    }
};

class ConvInput {
   public:
    bool opens = false;

    explicit ConvInput(const Shape& shape) : shape_(shape), scaled_(shape) {}

    bool busy() const { return opens || runs_; }
    bool valid() const { return opens || stands_; }
    uint32_t row() const { return first_; }

    void take(const ConvPlan& plan) {
        p_ = plan;
        opens = plan.has_a;
        const bool pads = !plan.channelwise, apart = plan.input_dilated;
        const uint32_t ys[] = {pads ? plan.upad >> apart : 0, plan.irows, pads ? plan.dpad : 0};
        const uint32_t xs[] = {pads ? plan.lpad >> apart : 0, plan.icols, pads ? plan.rpad : 0};
        std::copy(ys, ys + 3, y_.counts);
        std::copy(xs, xs + 3, x_.counts);
        stride_ = scaled_(plan.input_3120 ? plan.batch : plan.in_stride);
    }
    Command command() const {
        const uint32_t stride = scaled_.bytes(stride_) << p_.downsample;
        if (opens) return load_set(0, stride, p_.plane, p_.pixels);
        const bool inside = x_.image() && y_.image() && p_.input;
        const uint32_t channels = p_.input_3120 ? outer_ : inner_;
        const uint32_t address = inside ? scaled_.bytes(at_[INNER]) : 0;
        return move(mvin::make(), address, current_ & (shape_.sp_rows - 1), length_,
                    std::min(channels, most()));
    }
    bool clock(bool next) {
        if (opens) {
            if (next) begin();
            return next;
        }
        if (stands_) {
            if (next) step();
            return next;
        }
        if (!runs_) return false;
        stands_ = true;
        const uint32_t pixels = std::min(x_.left, step_x());
        length_ = pixels >> p_.downsample;
        last_inner_ = inner_ <= (p_.input_3120 ? 1 : most());
        last_x_ = x_.last(step_x());
        last_y_ = y_.last(1 + p_.downsample);
        last_outer_ = outer_ <= (p_.input_3120 ? most() : 1);
        return true;
    }

   private:
    enum { OUTER, Y, X, INNER, LEVELS };

    const Shape& shape_;
    Scaled scaled_;
    ConvPlan p_;
    Stretch x_, y_;
    uint64_t stride_ = 0, at_[LEVELS] = {};
    uint32_t outer_ = 0, inner_ = 0, length_ = 0, base_ = 0, first_ = 0, current_ = 0;
    bool runs_ = false, stands_ = false;
    bool last_inner_ = false, last_x_ = false, last_y_ = false, last_outer_ = false;

    uint32_t most() const { return shape_.store_blocks * shape_.dim; }
    uint32_t step_x() const { return shape_.dim << (x_.image() && p_.downsample); }
    void hop(int level, uint64_t distance) {
        const uint64_t place = (at_[level] + distance) & scaled_.mask;
        for (; level < LEVELS; level++) at_[level] = place;
    }

    void begin() {
        opens = false;
        runs_ = !p_.channelwise || (p_.irows && p_.icols);
        x_.begin();
        y_.begin();
        for (uint64_t& place : at_) place = scaled_.start(p_.input);
        outer_ = p_.batches;
        inner_ = p_.kchs;
        base_ = first_ = current_ = p_.a0 + p_.above;
    }
    void step() {
        const bool lanes = p_.input_3120;
        stands_ = false;
        if (!last_inner_) {
            inner_ -= lanes ? 1 : most();
            hop(INNER, lanes ? scaled_(p_.in_image) : scaled_(most()));
            current_ += lanes ? p_.line : p_.plane * shape_.store_blocks;
            return;
        }
        inner_ = p_.kchs;
        first_ = current_ = first_ + length_;
        if (!last_x_) {
            const uint64_t far = x_.image() ? (stride_ * shape_.dim) << p_.downsample : 0;
            x_.advance(step_x());
            hop(X, far);
        } else if (!last_y_) {
            const uint64_t far = y_.image() ? scaled_(p_.in_line) << p_.downsample : 0;
            x_.begin();
            y_.advance(1 + p_.downsample);
            hop(Y, far);
        } else {
            x_.begin();
            y_.begin();
            outer_ -= lanes ? most() : 1;
            hop(OUTER, lanes ? scaled_(most()) : scaled_(p_.in_image));
            if (lanes) base_ = first_ = base_ + p_.plane * shape_.store_blocks;
            else first_ += p_.above;
            current_ = first_;
            runs_ = !last_outer_;
        }
    }
};

class ConvWeights {
   public:
    bool opens = false;
    bool begins = false;  // no mvin has been taken

    explicit ConvWeights(const Shape& shape) : shape_(shape), scaled_(shape) {
        nest_.mask[ROW] = nest_.mask[PLACE] = shape.sp_rows - 1;
        nest_.mask[MEMORY] = scaled_.mask;
    }

    bool busy() const { return opens || nest_.busy(); }
    bool valid() const { return opens || nest_.valid(); }
    uint32_t left() const { return nest_.left(OCH); }
    uint32_t place() const { return nest_.at(PLACE); }

    void take(const ConvPlan& p) {
        opens = p.has_b;
        begins = true;
        swapped_ = p.weights_0132;
        by_line_ = p.channelwise && !p.weights_1203;
        zero_ = p.weights == 0;
        filter_ = p.filter;
        const uint64_t lines = p.weights_1203 ? p.out_channels : 9;
        const uint64_t stride = p.depthwise      ? (p.channelwise ? lines : 1)
                                : p.weights_1203 ? p.taps
                                : swapped_       ? p.in_channels
                                                 : p.weight_stride;
        stride_ = scaled_.bytes(scaled_(stride));
        const uint64_t dim = shape_.dim, block = uint64_t(p.filter) * shape_.store_blocks;
        const bool whole = p.channelwise;
        const uint32_t counts[] = {p.pochs, whole ? 1 : p.krows, whole ? 1 : p.kcols,
                                   by_line_ ? 1 : whole ? 9 : p.kchs};
        const uint32_t steps[] = {swapped_ || by_line_ ? shape_.dim : most(), 1, 1,
                                  swapped_ ? most() : shape_.dim};
        const uint64_t rows[] = {swapped_ || by_line_ ? dim : block, p.tap_line,
                                 swapped_ ? p.pochs : p.kchs, swapped_ ? block : dim};
        std::copy(counts, counts + 4, nest_.count);
        std::copy(steps, steps + 4, nest_.step);
        std::copy(rows, rows + 4, nest_.hop[ROW]);
        std::copy(rows + 1, rows + 4, nest_.hop[PLACE] + 1);
        nest_.origin[ROW] = p.b0;
        nest_.origin[MEMORY] = scaled_.start(p.weights);
        memory(p, stride);
    }
    Command command() const {
        if (opens) return load_set(1, stride_, filter_);
        const uint32_t och = nest_.left(OCH), kch = nest_.left(KCH);
        const uint32_t rows = std::min(swapped_ || by_line_ ? och : kch, shape_.dim);
        const uint32_t cols = by_line_ ? 9 : std::min(swapped_ ? kch : och, most());
        const uint32_t address = zero_ ? 0 : scaled_.bytes(nest_.at(MEMORY));
        return move(mvin2::make(), address, nest_.at(ROW), rows, cols);
    }
    bool clock(bool next) {
        if (!next) return nest_.settle();
        if (opens) nest_.start();
        else nest_.next();
        begins &= opens;
        opens = false;
        return true;
    }

   private:
    enum { OCH, KROW, KCOL, KCH };
    enum { ROW, PLACE, MEMORY };

    const Shape& shape_;
    Scaled scaled_;
    Nest<4, 3> nest_;
    bool swapped_ = false, by_line_ = false, zero_ = false;
    uint32_t filter_ = 0, stride_ = 0;

    uint32_t most() const { return shape_.store_blocks * shape_.dim; }
    void memory(const ConvPlan& p, uint64_t stride) {
        const uint64_t dim = shape_.dim;
        uint64_t* hop = nest_.hop[MEMORY];
        if (p.depthwise) {
            const uint64_t across = p.weights_1203 ? scaled_(most()) : scaled_(9 * dim);
            hop[OCH] = p.channelwise ? across : 0;
            hop[KROW] = scaled_(p.kernel);
            hop[KCOL] = scaled_(1);
            hop[KCH] = p.channelwise ? scaled_(stride * dim) : 0;
            return;
        }
        hop[OCH] = scaled_(swapped_ ? (p.weights_1203 ? 1 : p.in_channels) * dim : most());
        hop[KROW] = scaled_(p.weights_1203 ? p.tap : p.taps);
        hop[KCOL] = scaled_(p.weights_1203 ? p.out_channels : p.tap);
        const uint64_t block = p.weights_1203 ? p.taps * most() : most();
        hop[KCH] = scaled_(swapped_ ? block : stride * dim);
    }
};

class ConvBias {
   public:
    bool opens = false;

    explicit ConvBias(const Shape& shape) : shape_(shape) {
        nest_.mask[ROW] = shape.acc_rows - 1;
        nest_.mask[MEMORY] = ~0u;
    }

    bool busy() const { return opens || nest_.busy(); }
    bool valid() const { return opens || nest_.valid(); }
    uint32_t row() const { return nest_.at(ROW); }

    void take(const ConvPlan& p) {
        opens = p.loads_bias;
        zero_ = p.no_bias;
        outs_ = p.outs;
        const uint32_t counts[] = {p.pochs, p.batches, p.orows, p.ocols};
        const uint32_t steps[] = {shape_.dim, 1, 1, shape_.dim};
        const uint64_t rows[] = {p.outs, p.out_line, p.ocols, shape_.dim};
        std::copy(counts, counts + 4, nest_.count);
        std::copy(steps, steps + 4, nest_.step);
        std::copy(rows, rows + 4, nest_.hop[ROW]);
        nest_.hop[MEMORY][OCH] = shape_.acc_row_bytes;
        nest_.origin[ROW] = p.c0;
        nest_.origin[MEMORY] = p.bias;
    }
    Command command() const {
        if (opens) return load_set(2, 0, outs_);
        return move(mvin3::make(), zero_ ? 0 : nest_.at(MEMORY), acc_address(nest_.at(ROW), false),
                    std::min(nest_.left(OCOL), shape_.dim), std::min(nest_.left(OCH), shape_.dim));
    }
    bool clock(bool next) {
        if (!next) return nest_.settle();
        if (opens) nest_.start();
        else nest_.next();
        opens = false;
        return true;
    }

   private:
    enum { OCH, IMAGE, OROW, OCOL };
    enum { ROW, MEMORY };

    const Shape& shape_;
    Nest<4, 2> nest_;
    bool zero_ = false;
    uint32_t outs_ = 0;
};
