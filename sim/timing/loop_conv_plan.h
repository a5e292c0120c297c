// Parameters, products and checks of loop_conv_ws (hw/control/loops/conv_plan.py, conv_shape.py).
#pragma once
#include "flight.h"

struct ConvParameters {
    uint32_t batch = 0, in_rows = 0, in_channels = 0, out_channels = 0, out_rows = 0;
    uint32_t pool_out_rows = 0, out_cols = 0, stride = 0;
    uint32_t pool_stride = 0, pool_size = 0, pool_out_cols = 0, kernel = 0;
    uint32_t pochs = 0, pocols = 0, porows = 0, batches = 0;
    uint32_t lpad = 0, kchs = 0, kcols = 0, krows = 0, in_cols = 0, plpad = 0, dpad = 0, upad = 0;
    uint32_t rpad = 0, dilation = 0, pupad = 0, orows = 0, ocols = 0;
    uint32_t out_stride = 0, weight_stride = 0, in_stride = 0;
    uint32_t weights = 0, output = 0, bias = 0, input = 0;
};

// A convolution that passed its checks; 0 that counts as 1 is 1.
struct ConvPlan : ConvParameters {
    bool no_bias, rotate, transpose_output, weights_1203, weights_0132, input_3120, depthwise;
    bool no_pool, downsample, input_dilated, channelwise, has_a, has_b, loads_bias, overwrites, waits[3];
    uint32_t activation, pixels, lines, width, tap_line, filter, out_line, outs, down, kernel_down;
    uint64_t line, plane;
    uint32_t irows, icols, above, a0, b0, c0;  // pads: as far as they are read
    uint64_t in_line, in_image, tap, taps, out_row, out_image;

    uint32_t undilated(uint32_t x) const { return input_dilated ? (x + 1) >> 1 : x; }
};

class ConvPlanner {
   public:
    ConvPlan plan;

    explicit ConvPlanner(const Shape& shape) : shape_(shape) {}

    // One cycle; returns whether `in` is taken. A loop_conv_ws that begins sets `accept`.
    bool clock(const Command* in, bool occupied, bool others, const Settings& settings,
               bool sp_half, bool acc_half, bool& accept, bool& changed) {
        if (!in || occupied) return false;
        const uint32_t funct = in->funct & 0x7F;
        if (funct != loop_conv_ws::FUNCT) {
            collect(*in, funct);
            return true;
        }
        changed = true;
        if (!runs_) {
            runs_ = true;
            begins_ = decide(*in, settings.pooling && !others, sp_half, acc_half);
        } else if (left_) {
            left_--;
        } else if (!checked_) {
            checked_ = true;
        } else {
            runs_ = checked_ = false;
            accept = begins_;
            if (accept) before_ = ours_;
            return true;
        }
        return false;
    }

   private:
    struct Before {
        bool any = false, halves[2] = {}, acc = false;
        uint64_t rows[2] = {};  // of A and B
    };

    const Shape& shape_;
    ConvParameters p_;
    bool runs_ = false, checked_ = false, begins_ = false;
    uint32_t left_ = 0;  // cycles that the products still take
    Before before_, ours_;

    void collect(const Command& in, uint32_t funct) {
        switch (funct) {
            case loop_conv_ws_config_1::FUNCT: {
                using namespace loop_conv_ws_config_1;
                p_.batch = batch(in);
                p_.in_rows = in_rows(in);
                p_.in_channels = in_channels(in);
                p_.out_channels = out_channels(in);
                p_.out_rows = out_rows(in);
                p_.pool_out_rows = pool_out_rows(in);
                p_.out_cols = out_cols(in);
                p_.stride = stride(in);
                break;
            }
            case loop_conv_ws_config_2::FUNCT: {
                using namespace loop_conv_ws_config_2;
                p_.pool_stride = pool_stride(in);
                p_.pool_size = pool_size(in);
                p_.pool_out_cols = pool_out_cols(in);
                p_.kernel = kernel(in);
                p_.pochs = pochs(in);
                p_.pocols = pocols(in);
                p_.porows = porows(in);
                p_.batches = batches(in);
                break;
            }
            case loop_conv_ws_config_3::FUNCT: {
                using namespace loop_conv_ws_config_3;
                p_.lpad = lpad(in);
                p_.kchs = kchs(in);
                p_.kcols = kcols(in);
                p_.krows = krows(in);
                p_.in_cols = in_cols(in);
                p_.plpad = plpad(in);
                p_.dpad = dpad(in);
                p_.upad = upad(in);
                p_.rpad = rpad(in);
                break;
            }
            case loop_conv_ws_config_4::FUNCT: {
                using namespace loop_conv_ws_config_4;
                p_.dilation = kernel_dilation(in);
                p_.pupad = pupad(in);
                p_.orows = orows(in);
                p_.ocols = ocols(in);
                p_.out_stride = out_stride(in);
                p_.weight_stride = weight_stride(in);
                p_.in_stride = in_stride(in);
                break;
            }
            case loop_conv_ws_config_5::FUNCT:
                p_.weights = loop_conv_ws_config_5::weights(in);
                p_.output = loop_conv_ws_config_5::output(in);
                break;
            case loop_conv_ws_config_6::FUNCT:
                p_.bias = loop_conv_ws_config_6::bias(in);
                p_.input = loop_conv_ws_config_6::input(in);
                break;
        }
    }

    uint64_t tiles(uint64_t count) const { return (count + shape_.dim - 1) / shape_.dim; }

    // Pads as far as they are read, and the image between them; returns the rows of all.
    uint32_t split(uint64_t reach, uint32_t& before, uint32_t& after, uint32_t& image) const {
        before = std::min<uint64_t>(before, reach);
        after = std::min<uint64_t>(after, reach - before);
        image = plan.undilated(reach - before - after);
        after = plan.undilated(reach) - image - (before >> plan.input_dilated);
        return plan.undilated(reach) >> plan.downsample;
    }

    // Whether the loop begins; then `plan` is its. Sets the cycles of the products in any case.
    bool decide(const Command& go, bool pools, bool sp_half, bool acc_half) {
        using namespace loop_conv_ws;
        static_cast<ConvParameters&>(plan) = p_;
        ConvPlan& s = plan;
        s.stride += s.stride == 0;
        s.dilation += s.dilation == 0;
        s.pixels = std::max<uint32_t>(max_pixels_per_row(go), 1);
        s.no_bias = no_bias(go);
        s.rotate = rotate(go);
        s.transpose_output = transpose_output(go);
        s.weights_1203 = weights_1203(go);
        s.weights_0132 = weights_0132(go);
        s.input_3120 = input_3120(go);
        s.depthwise = depthwise(go);
        s.no_pool = no_pool(go);
        s.downsample = downsample(go);
        s.input_dilated = input_dilated(go);
        s.activation = activation(go);
        s.channelwise = s.depthwise && s.kchs > 1;
        const uint64_t reach_y = uint64_t(s.orows) * s.stride + uint64_t(s.dilation) * (s.krows - 1);
        const uint64_t reach_x = uint64_t(s.ocols) * s.stride + uint64_t(s.dilation) * (s.kcols - 1);
        s.lines = split(reach_y, s.upad, s.dpad, s.irows);
        s.width = split(reach_x, s.lpad, s.rpad, s.icols);
        if (s.channelwise) {
            s.lines = s.upad + s.irows;
            s.width = s.icols;
        }
        s.above = s.channelwise ? s.width * s.upad : 0;
        s.overwrites = s.bias && s.no_bias && !s.input_dilated;
        s.loads_bias = s.bias && !s.overwrites;
        const bool swapped = s.weights_0132, lanes = s.input_3120;
        s.line = uint64_t(s.width) * s.lines;
        s.plane = s.line * (lanes ? s.kchs : s.batches);
        const uint64_t a_rows = s.plane * tiles(lanes ? s.batches : s.kchs);
        const bool by_tap = s.channelwise && s.weights_1203;
        const uint64_t taps = uint64_t(swapped ? s.pochs : by_tap ? 1 : s.kchs) * s.kcols;
        const uint64_t filter = taps * s.krows;
        const uint64_t b_rows = filter * tiles(swapped ? s.kchs : s.pochs);
        const uint64_t out_line = uint64_t(s.ocols) * s.orows, outs = out_line * s.batches;
        const uint64_t c_rows = outs * tiles(s.pochs);
        s.tap_line = taps;
        s.filter = filter;
        s.out_line = out_line;
        s.outs = outs;
        s.down = s.width * (s.downsample || s.input_dilated ? 1 : s.stride);
        s.kernel_down = s.width * (s.input_dilated ? s.dilation >> 1 : s.dilation);
        distances();
        const uint32_t ids[] = {uint32_t(a_spad_id(go)), uint32_t(b_spad_id(go))};
        bool halves[2];
        for (int n = 0; n < 2; n++) halves[n] = ids[n] ? ids[n] == 2 : sp_half;
        left_ = product_cycles();
        if (ids[0] == 3 || ids[1] == 3 || pools || !allowed()) return false;
        for (uint32_t count : {s.batches, s.orows, s.ocols, s.pochs, s.krows, s.kcols, s.kchs})
            if (!count) return false;
        const uint64_t half = shape_.sp_rows / 2;
        const uint64_t most = halves[0] == halves[1] ? a_rows + b_rows : std::max(a_rows, b_rows);
        if (std::max(reach_x, reach_y) > shape_.sp_rows + shape_.dim) return false;
        if (most > half || c_rows > shape_.acc_rows / 2) return false;
        s.a0 = halves[0] ? half : 0;
        s.b0 = ((halves[1] ? 2 * half : half) - b_rows) & (shape_.sp_rows - 1);
        s.c0 = acc_half ? shape_.acc_rows / 2 : 0;
        s.has_a = !ids[0] || s.input;
        s.has_b = !ids[1] || s.weights;
        const bool meets[2][2] = {{true, a_rows + before_.rows[1] > half},
                                  {before_.rows[0] + b_rows > half, true}};
        for (int n = 0; n < 2; n++) {
            bool shares = false;
            for (int k = 0; k < 2; k++) shares |= halves[n] == before_.halves[k] && meets[n][k];
            s.waits[n] = shares && before_.any;
            ours_.halves[n] = halves[n];
        }
        ours_.rows[0] = a_rows;
        ours_.rows[1] = b_rows;
        s.waits[2] = before_.acc == acc_half;
        ours_.any = true;
        ours_.acc = acc_half;
        return true;
    }

    bool allowed() const {
        const ConvPlan& s = plan;
        const bool padded = p_.upad || p_.dpad || p_.lpad || p_.rpad, packs = s.pixels > 1;
        if (s.activation > 1 || (s.input_dilated && (s.stride != 1 || s.downsample))) return false;
        if (s.downsample && (s.stride != 2 || s.krows != 1 || s.kcols != 1 || padded)) return false;
        if (packs && (s.pixels > shape_.dim || s.kchs * s.pixels > shape_.dim)) return false;
        if (packs && !shape_.first_layer) return false;
        if (!s.no_pool && !shape_.pooling) return false;
        if ((s.input_3120 || s.weights_0132) && !shape_.transposes) return false;
        if (s.input_3120 && s.weights_0132) return false;
        const bool swaps = s.input_3120 || s.weights_0132;
        if (packs && (s.rotate || s.downsample || s.input_dilated || swaps || s.dilation != 1))
            return false;
        if (!s.channelwise) return true;
        const bool threes = s.krows == 3 && s.kcols == 3 && s.kernel == 3 && s.pochs == s.kchs;
        const bool layouts = s.input_dilated || s.downsample || s.rotate || s.transpose_output;
        const bool turns = shape_.dw_lines == 3 && shape_.transposes;
        const bool builds = s.weights_1203 ? shape_.dw_lines != 0 : turns;
        return builds && threes && !packs && s.dilation == 1 && !layouts && !swaps;
    }

    // In memory, in elements.
    void distances() {
        ConvPlan& s = plan;
        s.in_line = uint64_t(s.input_3120 ? s.batch : s.in_stride) * s.in_cols;
        s.in_image = s.in_line * s.in_rows;
        s.tap = uint64_t(s.weights_1203 ? s.out_channels : s.in_channels) * middle();
        s.taps = s.tap * s.kernel;
        s.out_row = uint64_t(turned() ? s.out_channels : s.out_stride) * inner_outputs();
        s.out_image = s.out_row * outer_outputs();
    }
    bool turned() const { return plan.no_pool && plan.transpose_output; }
    uint32_t middle() const {
        const ConvPlan& s = plan;
        return s.weights_1203 ? s.kernel : s.weights_0132 ? s.out_channels : s.weight_stride;
    }
    uint32_t inner_outputs() const {
        return !plan.no_pool ? plan.pool_out_cols : turned() ? plan.batch : plan.out_cols;
    }
    uint32_t outer_outputs() const {
        return !plan.no_pool ? plan.pool_out_rows : turned() ? plan.out_cols : plan.out_rows;
    }

    // Three chains of products, each of which takes two cycles and one per bit of its second factor.
    uint32_t product_cycles() const {
        const ConvPlan& s = plan;
        const bool lanes = s.input_3120, swapped = s.weights_0132;
        const uint32_t step = s.downsample || s.input_dilated ? 1 : s.stride;
        const uint32_t dilation = s.input_dilated ? s.dilation >> 1 : s.dilation;
        const uint32_t stacked = lanes ? s.kchs : s.batches, across = lanes ? s.batches : s.kchs;
        const uint32_t outer = tiles(swapped ? s.kchs : s.pochs), outputs = tiles(s.pochs);
        return std::max({cycles({s.stride, s.krows - 1, s.stride, s.kcols - 1, s.pixels, s.lines,
                                 stacked, uint32_t(tiles(across)), step, dilation,
                                 s.channelwise ? s.upad : 0}),
                         cycles({s.kcols, s.krows, outer, s.orows, s.batches, outputs}),
                         cycles({s.in_cols, s.in_rows, middle(), s.kernel, inner_outputs(),
                                 outer_outputs()})});
    }
    static uint32_t cycles(std::initializer_list<uint32_t> factors) {
        uint32_t total = 0;
        for (uint32_t factor : factors) total += 2 + bits_of(factor & 0xFFFF);
        return total;
    }
};
