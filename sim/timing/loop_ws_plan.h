// Parameters and checks of loop_ws, and where a loop's matrices lie (hw/control/loops/matmul_plan.py).
#pragma once
#include "flight.h"
#include "walk.h"

// The computes of a plan.
struct Product {
    struct Operand {
        uint32_t row = 0, across = 0;
        bool hop = false;
    };
    uint32_t outer = 0, middle = 0, inner = 0, missing[3] = {};
    Operand x, y, z;
    bool accumulate = false, weight_stationary = true;
};

struct Plan {
    Matrix matrix[4];  // A, B, D and C
    bool has[4] = {}, waits[3] = {};
    Product product;
    bool transpose_a = false, transpose_b = false, residual = false, full_c = false;
    uint32_t activation = 0;
    uint64_t c_row_bits = 0;
};

class MatmulPlanner {
   public:
    Plan plan;

    explicit MatmulPlanner(const Shape& shape) : shape_(shape) {}

    // Whether products are being formed.
    bool waits() const { return products_ != 0; }

    // One cycle; returns whether `in` is taken. A loop_ws that begins sets `accept`.
    bool clock(const Command* in, bool occupied, const Settings& settings, bool sp_half,
               bool acc_half, bool& accept, bool& changed) {
        const uint32_t ready_in = products_;
        if (products_) {
            products_--;
            changed = true;
        }
        if (!in || occupied) return false;
        const uint32_t funct = in->funct & 0x7F;
        if (funct != loop_ws::FUNCT) {
            collect(*in, funct);
            return true;
        }
        if (checked_) {
            checked_ = false;
            accept = begins_;
            if (accept) before_ = ours_;
            return true;
        }
        if (ready_in) return false;
        checked_ = changed = true;
        begins_ = decide(*in, settings, sp_half, acc_half);
        return false;
    }

   private:
    struct Before {
        bool sp = false, halves[2] = {}, acc = false;
    };

    const Shape& shape_;
    uint32_t address_[4] = {}, stride_[4] = {}, count_[3] = {}, missing_[3] = {};
    uint32_t products_ = 0;  // cycles until those of the bounds are there
    bool checked_ = false, begins_ = false;
    Before before_, ours_;

    void collect(const Command& in, uint32_t funct) {
        switch (funct) {
            case loop_ws_config_addrs_ab::FUNCT:
                address_[0] = loop_ws_config_addrs_ab::a(in);
                address_[1] = loop_ws_config_addrs_ab::b(in);
                break;
            case loop_ws_config_addrs_dc::FUNCT:
                address_[2] = loop_ws_config_addrs_dc::d(in);
                address_[3] = loop_ws_config_addrs_dc::c(in);
                break;
            case loop_ws_config_strides_ab::FUNCT:
                stride_[0] = loop_ws_config_strides_ab::a(in);
                stride_[1] = loop_ws_config_strides_ab::b(in);
                break;
            case loop_ws_config_strides_dc::FUNCT:
                stride_[2] = loop_ws_config_strides_dc::d(in);
                stride_[3] = loop_ws_config_strides_dc::c(in);
                break;
            case loop_ws_config_bounds::FUNCT: {
                namespace bounds = loop_ws_config_bounds;
                const uint64_t counts[] = {bounds::i(in), bounds::j(in), bounds::k(in)};
                const uint64_t pads[] = {bounds::pad_i(in), bounds::pad_j(in), bounds::pad_k(in)};
                std::copy(counts, counts + 3, count_);
                std::copy(pads, pads + 3, missing_);
                const uint32_t bits = bits_of(shape_.acc_rows / 2 / shape_.dim);
                const uint32_t mask = (1u << bits) - 1;
                products_ = bits_of((count_[0] | count_[1]) & mask);
                break;
            }
        }
    }

    // Whether the loop begins; then `plan` is its.
    bool decide(const Command& go, const Settings& settings, bool sp_half, bool acc_half) {
        const uint32_t ids[] = {uint32_t(loop_ws::a_spad_id(go)), uint32_t(loop_ws::b_spad_id(go))};
        const bool ta = loop_ws::transpose_a(go), tb = loop_ws::transpose_b(go);
        const bool residual = loop_ws::residual(go), ws = settings.weight_stationary;
        const uint32_t activation = loop_ws::activation(go);
        const bool normal = activation == 2 || activation == 4;
        const auto [i, j, k] = count_;
        if (ids[0] == 3 || ids[1] == 3 || settings.packed || settings.strided || settings.pooling)
            return false;
        if (activation > 4 || (normal && !shape_.normalisation)) return false;
        if ((ta || tb) && !shape_.transposes) return false;
        if (ws ? ta && tb : tb && !ta) return false;
        if (!i || !j || (!k && !residual)) return false;
        for (uint32_t pad : missing_)
            if (pad >= shape_.dim) return false;
        bool halves[2];
        for (int n = 0; n < 2; n++) halves[n] = ids[n] ? ids[n] == 2 : sp_half;
        const uint64_t a = uint64_t(i) * k, b = uint64_t(k) * j;
        const uint64_t most = shape_.sp_rows / 2 / shape_.dim;
        const bool full = halves[0] == halves[1] ? a + b > most : std::max(a, b) > most;
        if (full && !residual) return false;
        if (uint64_t(i) * j > shape_.acc_rows / 2 / shape_.dim) return false;
        lay_out(go, settings, halves, acc_half);
        const bool same = before_.acc == acc_half;
        for (int n = 0; n < 2; n++) {
            const bool meets = halves[n] == before_.halves[0] || halves[n] == before_.halves[1];
            plan.waits[n] = residual ? same : meets && before_.sp;
            ours_.halves[n] = halves[n];
            plan.has[n] = residual || !(ids[n] && address_[n] == 0);
        }
        plan.waits[2] = same;
        ours_.sp = !residual;
        ours_.acc = acc_half;
        return true;
    }

    void lay_out(const Command& go, const Settings& settings, const bool* halves, bool acc_half) {
        const bool residual = loop_ws::residual(go), ws = settings.weight_stationary;
        const bool ta = loop_ws::transpose_a(go) && !residual;
        const bool tb = loop_ws::transpose_b(go) && !residual;
        const bool low_d = loop_ws::low_d(go), full_c = loop_ws::full_c(go);
        const uint32_t half = shape_.sp_rows / 2, dim = shape_.dim;
        const uint32_t c0 = acc_half ? shape_.acc_rows / 2 : 0, a0 = halves[0] ? half : 0;
        const uint32_t b_end = halves[1] ? 2 * half : half;
        const uint32_t b0 = (b_end - count_[2] * count_[1] * dim) & (shape_.sp_rows - 1);
        enum { I, J, K };
        const int down[] = {residual ? I : ta ? K : I, residual ? I : tb ? J : K, I, I};
        const int across[] = {residual ? J : ta ? I : K, residual ? J : tb ? K : J, J, J};
        const bool inner[] = {ws != ta, residual ? ws : !ws != tb, ws, ws};
        const uint32_t rows[] = {residual ? c0 : a0, residual ? c0 : b0, c0, c0};
        const bool* blocks = settings.blocks;
        const bool* shrunk = settings.shrunk;
        const bool side[] = {blocks[0] && (shrunk[0] || !residual),
                             blocks[1] && (shrunk[1] || !residual),
                             blocks[2] && shrunk[2] == low_d, false};
        const bool wide[] = {false, false, !low_d, full_c};
        for (int n = 0; n < 4; n++) {
            Matrix& m = plan.matrix[n];
            m.address = address_[n];
            m.step = stride_[n] * (wide[n] ? shape_.acc_row_bytes : shape_.row_bytes);
            m.zero = n < 2 && address_[n] == 0;
            m.wide = wide[n];
            m.side = side[n];
            m.most = n == 3 ? 1 : wide[n] ? shape_.wide_tiles : shape_.tiles;
            m.down = count_[down[n]];
            m.across = count_[across[n]];
            m.down_pad = missing_[down[n]];
            m.across_pad = missing_[across[n]];
            m.down_inner = inner[n];
            m.row = rows[n];
        }
        plan.has[2] = !residual && address_[2] != 0;
        plan.has[3] = address_[3] != 0;
        plan.transpose_a = loop_ws::transpose_a(go);
        plan.transpose_b = loop_ws::transpose_b(go);
        plan.residual = residual;
        plan.full_c = full_c;
        plan.activation = loop_ws::activation(go);
        plan.c_row_bits = uint64_t(stride_[3]) * (full_c ? shape_.acc_bits : shape_.input_bits);
        Product& p = plan.product;
        p.outer = count_[ws ? K : I];
        p.middle = count_[J];
        p.inner = count_[ws ? I : K];
        std::copy(missing_, missing_ + 3, p.missing);
        p.accumulate = loop_ws::accumulate(go);
        p.weight_stationary = ws;
        const Product::Operand at_a{a0, plan.matrix[0].across, plan.matrix[0].down_inner};
        const Product::Operand at_b{b0, plan.matrix[1].across, plan.matrix[1].down_inner};
        const Product::Operand at_c{c0, plan.matrix[3].across, plan.matrix[3].down_inner};
        p.x = at_a;
        p.y = ws ? at_b : at_c;
        p.z = ws ? at_c : at_b;
    }
};
