// Computes and stores of a convolution (hw/control/loops/conv_tiles.py, conv_stores.py).
#pragma once
#include "loop_conv_loads.h"

// Which outputs of a tile see the image under a tap (hw/control/loops/conv_seen.py).
struct Seen {
    bool none = false;
    uint32_t skipped = 0, rows = 0, lines = 0;
};

class ConvTiles {
   public:
    bool opens = false;
    bool strewn = false, reverse = false, by_line = false;

    explicit ConvTiles(const Shape& shape) : shape_(shape) {
        nest_.mask[IN] = nest_.mask[WEIGHTS] = nest_.mask[PLACE] = shape.sp_rows - 1;
        nest_.mask[END] = 2 * shape.sp_rows - 1;
        nest_.mask[OUT] = shape.acc_rows - 1;
        nest_.mask[PIXEL_Y] = nest_.mask[PIXEL_X] = 4 * shape.sp_rows - 1;
        at_once_ = shape.dw_lines ? shape.dw_lines : 3;
    }

    bool busy() const { return opens || nest_.busy(); }
    bool valid() const { return opens || ready(); }
    bool computes() const { return ready() && second_; }
    uint32_t channels() const { return nest_.left(OCH); }
    uint32_t batches() const { return nest_.left(IMAGE); }
    bool final() const { return nest_.last(KROW) && nest_.last(KCOL) && nest_.last(KCH); }
    uint32_t lines_end() const { return nest_.at(END); }
    uint32_t place() const { return nest_.at(PLACE); }
    uint32_t c_row() const { return nest_.at(OUT); }
    uint32_t c_more() const { return by_line ? p_.ocols - 1 : 0; }
    uint32_t depth() const {
        if (p_.pixels > 1) return nest_.last(KCOL) ? nest_.left(KCOL) : nest_.step[KCOL];
        return std::min(nest_.left(KCH), shape_.dim);
    }

    void take(const ConvPlan& p) {
        p_ = p;
        opens = true;
        by_line = p.channelwise;
        strewn = p.input_3120 || p.input_dilated;
        reverse = p.rotate || p.weights_0132;
        odd_[0].first = p.input_dilated && (p.upad & 1);
        odd_[1].first = p.input_dilated && (p.lpad & 1);
        toggles_ = p.input_dilated && (p.dilation & 1);
        const uint32_t dim = shape_.dim, across = p.input_3120 ? dim : 1;
        const uint32_t tap_rows = p.kchs * p.pixels, packed_count = p.tap_line;
        const bool packed = p.pixels > 1, lanes = p.input_3120;
        const uint32_t counts[] = {p.pochs, by_line ? (2 + at_once_) / at_once_ : p.krows,
                                   by_line ? 1 : packed ? packed_count : p.kcols,
                                   by_line ? 1 : p.kchs, p.batches, 0, 0};
        const uint32_t steps[] = {dim, 1, packed ? tap_rows : 1, dim, across, 1, lanes ? 1 : dim};
        std::copy(counts, counts + 7, nest_.count);
        std::copy(steps, steps + 7, nest_.step);
        hops_of_input(p, dim, lanes);
        hops_of_weights(p, dim, tap_rows);
        hops_of_outputs(p, dim, lanes);
    }

    Command command(const Settings& settings) const {
        if (opens) return configure(settings);
        const uint32_t rows = seen_.rows, cols = std::min(nest_.left(OCH), shape_.dim);
        const uint32_t deep = depth(), lines = lines_at_once();
        const uint64_t a = nest_.at(IN) + (seen_.skipped << doubles());
        if (!second_) {
            const uint64_t c = nest_.at(OUT) + seen_.skipped;
            Command command = preload::make();
            preload::b_addr(command, fresh_ || by_line ? nest_.at(WEIGHTS) : GARBAGE);
            preload::b_rows(command, by_line ? 3 * lines : deep);
            preload::b_cols(command, cols);
            preload::c_addr(command, acc_address(c & (shape_.acc_rows - 1), !(p_.overwrites && opening_)));
            preload::c_rows(command, by_line ? 1 : rows);
            preload::c_cols(command, cols);
            return command;
        }
        if (by_line) {
            Command command = compute_depthwise::make();
            compute_depthwise::a_addr(command, a & (shape_.sp_rows - 1));
            compute_depthwise::width(command, p_.width);
            compute_depthwise::outputs(command, p_.ocols);
            compute_depthwise::line_stride(command, p_.width);
            compute_depthwise::lines(command, seen_.lines & ((1 << lines) - 1));
            compute_depthwise::left(command, p_.lpad & 15);
            compute_depthwise::stride(command, p_.stride);
            compute_depthwise::keep(command, !fresh_);
            return command;
        }
        Command command = fresh_ ? compute_preloaded::make() : compute_accumulated::make();
        compute_preloaded::a_addr(command, a & (shape_.sp_rows - 1));
        compute_preloaded::a_rows(command, rows);
        compute_preloaded::a_cols(command, deep);
        compute_preloaded::d_addr(command, GARBAGE);
        compute_preloaded::d_rows(command, rows);
        compute_preloaded::d_cols(command, cols);
        return command;
    }

    bool clock(bool next) {
        if (opens) {
            if (!next) return false;
            opens = false;
            fresh_ = opening_ = true;
            counts(-1, true);
            nest_.start();
            return true;
        }
        if (!nest_.valid()) {
            if (nest_.busy()) look();
            return nest_.settle();
        }
        const bool none = empty();
        if (!none && !next) return false;
        const bool ends = none || second_;
        const int level = nest_.advances();
        if (next && !none) second_ = !second_;
        if (!ends) return true;
        if (level >= 0 && level <= KCH) {
            fresh_ = true;
            opening_ = level == OCH;
        } else if (next) {
            fresh_ = false;
        }
        step(level);
        return true;
    }

   private:
    enum { OCH, KROW, KCOL, KCH, IMAGE, OROW, OCOL };
    enum { IN, END, WEIGHTS, PLACE, OUT, PIXEL_Y, PIXEL_X };
    struct Odd {  // whether outputs start at the second row, column
        bool first = false, now = false;
    };

    const Shape& shape_;
    ConvPlan p_;
    Nest<7, 7> nest_;
    Odd odd_[2];
    Seen seen_;
    bool toggles_ = false, fresh_ = false, second_ = false;
    bool opening_ = false;  // nothing has been added to these outputs yet
    uint32_t at_once_;      // lines of a kernel in one compute
    uint64_t kernel_step_ = 0;

    bool empty() const { return nest_.left(OROW) == 0 || nest_.left(OCOL) == 0 || seen_.none; }
    bool doubles() const { return p_.stride >> 1 & 1; }
    uint32_t lines_at_once() const { return 3 % at_once_ && nest_.last(KROW) ? 1 : at_once_; }

    void look() {
        const bool plain = !p_.input_dilated && !p_.input_3120 && !by_line && !opening_;
        const bool by_column = plain && p_.pixels == 1 && p_.stride <= 2;
        const uint32_t y = nest_.at(PIXEL_Y), x = nest_.at(PIXEL_X);
        const uint32_t outputs = std::min(nest_.left(p_.input_3120 ? IMAGE : OCOL), shape_.dim);
        const auto outputs_before = [&](uint32_t edge) {
            return edge < x ? 0 : doubles() ? (edge - x + 1) >> 1 : edge - x;
        };
        const uint32_t first = by_column ? outputs_before(p_.lpad) : 0;
        const uint32_t end = outputs_before(p_.lpad + p_.icols);
        const uint32_t last = by_column ? std::min(end, outputs) : outputs;
        seen_.lines = 0;
        for (uint32_t n = 0; n < 3; n++)
            seen_.lines |= uint32_t(y + n >= p_.upad && y + n < p_.upad + p_.irows) << n;
        seen_.none = (plain && !(seen_.lines & 1)) || (by_column && first >= last);
        seen_.skipped = first;
        seen_.rows = last - first;
    }
    bool ready() const { return nest_.valid() && !opens && !empty(); }

    // Where outputs start after a step of `level`, and how many of them there are.
    void counts(int level, bool starts) {
        const bool begins[] = {starts || level == OCH, starts || level == OCH || level == KROW};
        const int own[] = {KROW, KCOL};
        for (int n = 0; n < 2; n++)
            odd_[n].now = begins[n] ? odd_[n].first : odd_[n].now != (level == own[n] && toggles_);
        const bool dilated = p_.input_dilated;
        nest_.count[OROW] = dilated ? (p_.orows + 1 - odd_[0].now) >> 1 : p_.orows;
        nest_.count[OCOL] = by_line ? 1 : dilated ? (p_.ocols + 1 - odd_[1].now) >> 1 : p_.ocols;
    }
    void step(int level) {
        const uint64_t rows = toggles_ && !odd_[0].now ? p_.width : 0;
        const uint64_t down = by_line ? uint64_t(p_.width) * at_once_ : p_.kernel_down + rows;
        nest_.hop[IN][KROW] = nest_.hop[END][KROW] = down;
        nest_.hop[IN][KCOL] = kernel_step_ + (toggles_ && !odd_[1].now);
        const uint64_t line = p_.ocols;
        nest_.hop[OUT][KROW] = !toggles_ ? 0 : odd_[0].now ? -line : line;
        nest_.hop[OUT][KCOL] = !toggles_ ? 0 : odd_[1].now ? ~0ull : 1;
        counts(level, false);
        nest_.next();
    }

    void hops_of_input(const ConvPlan& p, uint64_t dim, bool lanes) {
        const bool dilated = p.input_dilated;
        uint64_t* in = nest_.hop[IN];
        nest_.origin[IN] = p.a0;
        nest_.origin[END] = p.a0 + uint64_t(p.width) * (by_line ? at_once_ : 1);
        in[OCH] = by_line ? p.plane : 0;
        in[KCH] = lanes ? p.line * dim : p.plane;
        in[IMAGE] = nest_.hop[END][IMAGE] = lanes ? p.plane : p.line;
        in[OROW] = nest_.hop[END][OROW] = p.down;
        const uint64_t step = dilated || p.downsample ? 1 : p.stride;
        in[OCOL] = lanes ? step : step * dim;
        kernel_step_ = dilated ? p.dilation >> 1 : p.pixels > 1 ? p.pixels : p.dilation;
        nest_.hop[PIXEL_Y][KROW] = by_line ? at_once_ : p.dilation;
        nest_.hop[PIXEL_Y][OROW] = p.stride;
        nest_.hop[PIXEL_X][KCOL] = p.dilation;
        nest_.hop[PIXEL_X][OCOL] = p.stride * dim;
    }
    void hops_of_weights(const ConvPlan& p, uint64_t dim, uint64_t tap_rows) {
        const uint64_t tap = p.weights_0132 ? p.pochs : p.kchs;
        const uint64_t far = p.pixels > 1 ? tap_rows : tap, line = p.tap_line;
        uint64_t* hop = nest_.hop[WEIGHTS];
        nest_.origin[WEIGHTS] = p.b0 + (p.rotate ? p.filter - tap : 0);
        hop[OCH] = turned() ? dim : p.filter;
        hop[KROW] = p.rotate ? -line : by_line ? 3 * at_once_ : line;
        hop[KCOL] = p.rotate ? -far : far;
        hop[KCH] = p.weights_0132 ? p.filter : dim;
        std::copy(hop + KROW, hop + KCH + 1, nest_.hop[PLACE] + KROW);
    }
    void hops_of_outputs(const ConvPlan& p, uint64_t dim, bool lanes) {
        const uint64_t unit = p.input_dilated ? 2 : 1;
        uint64_t* hop = nest_.hop[OUT];
        nest_.origin[OUT] = p.c0 + (odd_[0].first ? p.ocols : 0) + odd_[1].first;
        hop[OCH] = p.outs;
        hop[IMAGE] = lanes ? p.out_line * dim : p.out_line;
        hop[OROW] = p.ocols * unit;
        hop[OCOL] = lanes ? unit : unit * dim;
    }

    // Whether rows of B lie as columns.
    bool turned() const { return p_.weights_0132 || (by_line && !p_.weights_1203); }

    Command configure(const Settings& settings) const {
        const uint32_t step = p_.downsample ? p_.stride >> 1 : p_.stride;
        Command command = config_ex::make();
        config_ex::dataflow(command, 1);
        config_ex::activation(command, settings.relu);
        config_ex::shift(command, settings.shift);
        config_ex::transpose_a(command, p_.input_3120 && shape_.transposes);
        config_ex::transpose_b(command, turned() && shape_.transposes);
        config_ex::a_stride(command, p_.input_3120 ? p_.line : step);
        config_ex::c_stride(command, p_.input_3120 ? p_.out_line : p_.input_dilated ? 2 : 1);
        return command;
    }
};

class ConvStores {
   public:
    bool pooled = false, dilated = false;

    explicit ConvStores(const Shape& shape) : shape_(shape), scaled_(shape) {
        nest_.mask[ROW] = shape.acc_rows - 1;
        nest_.mask[MEMORY] = scaled_.mask;
    }

    bool busy() const { return opens_ || begins_ || nest_.busy() || closes_; }
    bool moves() const { return nest_.valid(); }
    bool valid() const { return opens_ || nest_.valid() || (closes_ && !nest_.busy() && !begins_); }
    uint32_t channels() const { return nest_.left(OCH); }
    uint32_t batches() const { return nest_.left(IMAGE); }
    uint32_t row() const { return nest_.at(ROW); }

    void take(const ConvPlan& p) {
        p_ = p;
        pooled = !p.no_pool;
        dilated = p.input_dilated;
        const uint64_t dim = shape_.dim;
        const bool turned = p.transpose_output && p.no_pool;
        const uint32_t counts[] = {p.pochs, p.batches, pooled ? 1 : p.orows, pooled ? 1 : p.ocols};
        const uint32_t steps[] = {shape_.dim, 1, 1, shape_.dim};
        const uint64_t rows[] = {p.outs, p.out_line, p.ocols, dim};
        const uint64_t memory[] = {scaled_(dim), scaled_(turned ? p.out_channels : p.out_image),
                                   scaled_(turned ? p.out_image : p.out_row),
                                   scaled_((turned ? p.out_row : p.out_stride) * dim)};
        std::copy(counts, counts + 4, nest_.count);
        std::copy(steps, steps + 4, nest_.step);
        std::copy(rows, rows + 4, nest_.hop[ROW]);
        std::copy(memory, memory + 4, nest_.hop[MEMORY]);
        nest_.origin[ROW] = p.c0;
        nest_.origin[MEMORY] = scaled_.start(p.output);
        if (!p.output) return;
        begins_ = p.no_pool;
        opens_ = closes_ = pooled;
    }
    Command command() const {
        if (nest_.valid())
            return move(mvout::make(), scaled_.bytes(nest_.at(MEMORY)),
                        acc_address(nest_.at(ROW), false),
                        pooled ? 0 : std::min(nest_.left(OCOL), shape_.dim),
                        std::min(nest_.left(OCH), shape_.dim));
        Command command = config_st::make();
        config_st::activation(command, p_.activation & 3);
        config_st::stride(command, scaled_.bytes(scaled_(p_.out_stride)));
        config_st::scale(command, ~0u);
        if (!opens_) return command;
        config_st::pool_stride(command, p_.pool_stride);
        config_st::pool_size(command, p_.pool_size);
        config_st::upper_pad(command, p_.pupad);
        config_st::left_pad(command, p_.plpad);
        config_st::pool_out_dim(command, p_.pool_out_cols);
        config_st::pool_out_rows(command, p_.porows);
        config_st::pool_out_cols(command, p_.pocols);
        config_st::out_rows(command, p_.orows);
        config_st::out_cols(command, p_.ocols);
        return command;
    }
    bool clock(bool next) {
        const bool opened = opens_ && next;
        if (begins_) {
            nest_.start();
            begins_ = false;
            return true;
        }
        if (opened) {
            opens_ = false;
            begins_ = true;
            return true;
        }
        if (!nest_.busy()) {
            if (closes_ && next) closes_ = false;
            return next;
        }
        if (!next) return nest_.settle();
        nest_.next();
        return true;
    }

   private:
    enum { OCH, IMAGE, OROW, OCOL };
    enum { ROW, MEMORY };

    const Shape& shape_;
    Scaled scaled_;
    ConvPlan p_;
    Nest<4, 2> nest_;
    bool opens_ = false, closes_ = false, begins_ = false;
};
