// Preload, computes and tables of weights to operations.
#pragma once
#include <algorithm>

#include "settings.h"

enum class Kind { NOTHING, DISPATCH, COUNTER, ERROR };

class TileDecoder {
   protected:
    struct Tile {
        bool acc = false, accumulate = false, named = false;
        uint32_t row = 0, rows = 0, cols = 0, stride = 1, last = 0;
    };

    const Shape& shape_;
    uint32_t a_stride_ = 1, c_stride_ = 1, resident_ = 0;
    bool os_ = false, turn_a_ = false, turn_b_ = false;
    Tile b_, c_;

    explicit TileDecoder(const Shape& shape) : shape_(shape) {}

    static Span span(bool acc, uint32_t first, uint32_t distance, bool valid = true) {
        return {valid, acc, first, first + distance};
    }
    bool fits(const Span& span) const {
        return !span.valid || span.last < (span.acc ? shape_.acc_rows : shape_.sp_rows);
    }

    void prepare(const Command& command) {
        const Local b(preload::b_addr(command)), c(preload::c_addr(command));
        const uint32_t b_rows = preload::b_rows(command), b_cols = preload::b_cols(command);
        const uint32_t c_rows = preload::c_rows(command), c_cols = preload::c_cols(command);
        b_ = c_ = Tile{};
        c_.acc = c.acc;
        c_.accumulate = c.accumulate;
        c_.row = c.row;
        c_.stride = c_stride_;
        if (std::max({b_rows, b_cols, c_rows, c_cols}) > shape_.dim) return;
        const bool b_used = !b.garbage && b_rows && b_cols, c_used = !c.garbage && c_rows && c_cols;
        const uint32_t b_lines = (turn_b_ && !os_ ? b_cols : b_rows) + shape_.scale_rows;
        const uint32_t b_last = b.row + b_lines - 1;
        const uint32_t c_last = c.row + (c_rows - 1) * c_stride_;
        if (!b.garbage && (b.acc || (b_used && b_last >= shape_.sp_rows))) return;
        if (c_used && c_last >= (c.acc ? shape_.acc_rows : shape_.sp_rows)) return;
        if (!c.garbage && !c.acc && !shape_.spad_results) return;
        if (b_used) b_ = {false, false, false, b.row, b_rows, b_cols, 1, b_last};
        if (c_used) c_ = {c.acc, c.accumulate, false, c.row, c_rows, c_cols, c_stride_, c_last};
        c_.named = !c.garbage && c_cols;
    }

    Kind compute(const Command& command, bool fresh, Op& op) {
        const Local a(compute_preloaded::a_addr(command)), d(compute_preloaded::d_addr(command));
        const uint32_t a_rows = compute_preloaded::a_rows(command);
        const uint32_t a_cols = compute_preloaded::a_cols(command);
        const uint32_t d_rows = compute_preloaded::d_rows(command);
        const uint32_t d_cols = compute_preloaded::d_cols(command);
        if (std::max({a_rows, a_cols, d_rows, d_cols}) > shape_.dim) return Kind::NOTHING;
        const bool writes = c_.rows != 0;
        const bool a_used = !a.garbage && a_rows && a_cols, scales = shape_.row_scales;
        const bool d_used = !d.garbage && d_rows && (scales || d_cols);
        if (scales && !d.garbage && d_cols >= shape_.row_scales) return Kind::NOTHING;
        const Span a_span = span(false, a.row, ((turn_a_ ? a_cols : a_rows) - 1) * a_stride_, a_used);
        const Span d_span = span(false, d.row, (turn_b_ && os_ ? d_cols : d_rows) - 1, d_used);
        const Span b_span{b_.rows != 0, false, b_.row, b_.last};
        const Span c_span = span(c_.acc, c_.row, (c_.rows - 1) * c_.stride, writes);
        if ((!a.garbage && a.acc) || (!d.garbage && d.acc) || !fits(a_span) || !fits(d_span))
            return Kind::NOTHING;
        const bool a_apart = c_.row != a.row || c_.stride != a_stride_;
        if (c_span.meets(a_span) && a_apart) return Kind::NOTHING;
        if (!os_ && c_span.meets(d_span) && (c_.row != d.row || c_.stride != 1))
            return Kind::NOTHING;
        if (os_ && fresh && c_span.meets(b_span) && (c_.row != b_.row || c_.stride != 1))
            return Kind::NOTHING;
        const uint32_t need = std::max(3 * shape_.dw_lines, shape_.clears);
        const uint32_t k = os_ ? (d_used ? d_rows : 0) : fresh ? b_.rows : resident_;
        resident_ = k;
        op.unit = EXECUTE;
        op.loads_weights = (os_ || fresh) && (k || shape_.clears);
        op.k = std::max(k, need);
        op.b_row = os_ ? d.row : b_.row;
        op.scale_rows = k ? shape_.scale_rows : 0;
        op.b_turn = turn_b_ && (k || !shape_.table_rows);
        op.b_rows = op.b_turn ? (os_ ? d_cols : b_.cols) : k;
        op.a_turn = turn_a_;
        op.a_cols = std::min(a_cols, k);
        const bool a_read = a_used && op.a_cols;
        const uint32_t most = std::max(os_ && a_read ? a_rows : 0, c_.rows);
        op.rows_sent = os_ ? (fresh ? shape_.dim : most) : c_.rows;
        op.a_row = a.row;
        op.a_rows = a_used ? std::min(a_rows, op.rows_sent) : 0;
        op.a_stride = a_stride_;
        op.uses_d = os_ ? fresh && b_.rows : writes && d_used;
        op.d_row = os_ ? b_.row : d.row;
        op.d_rows = os_ ? (fresh ? b_.rows : 0) : d_rows;
        op.c_rows = c_.rows;
        op.c_row = c_.row;
        op.c_stride = c_.stride;
        op.acc = c_.acc;
        op.accumulate = c_.accumulate;
        op.os = os_;
        op.add = !fresh;
        if ((writes || os_) && a_read) op.reads[0] = a_span;
        if (op.loads_weights && k) op.reads[1] = os_ ? d_span : b_span;
        if (op.uses_d) op.reads[2] = os_ ? b_span : d_span;
        op.write = c_span;
        return op.loads_weights || writes || (os_ && (fresh || a_read)) ? Kind::DISPATCH
                                                                       : Kind::NOTHING;
    }

    Kind table(const Command& command, Op& op) {
        const Local local(weight_table::table_addr(command));  // garbage has the bit of acc
        const uint32_t rows = weight_table::table_rows(command);
        if (local.acc || !rows || rows > shape_.table_rows) return Kind::NOTHING;
        op.unit = EXECUTE;
        op.table = op.loads_weights = true;
        op.k = op.b_rows = rows;
        op.b_row = local.row;
        op.reads[1] = span(false, local.row, rows - 1);
        return fits(op.reads[1]) ? Kind::DISPATCH : Kind::NOTHING;
    }

    Kind line(const Command& command, Op& op) {
        const Local a(compute_depthwise::a_addr(command));
        const uint32_t width = compute_depthwise::width(command);
        const uint32_t outputs = compute_depthwise::outputs(command);
        const uint32_t stride = compute_depthwise::line_stride(command);
        const uint32_t step = compute_depthwise::stride(command), most = 1023;
        const uint32_t mask = compute_depthwise::lines(command) & ((1u << shape_.dw_lines) - 1);
        const uint32_t left = compute_depthwise::left(command);
        const bool keep = compute_depthwise::keep(command);
        if (!shape_.dw_lines || outputs > most || width > most || !step || a.garbage || a.acc)
            return Kind::NOTHING;
        const uint32_t highest = mask ? 31 - __builtin_clz(mask) : 0;
        const bool reads = mask && width, writes = c_.named && outputs;
        const Span a_span = span(false, a.row, highest * stride + width - 1, reads);
        const Span c_span = span(c_.acc, c_.row, (outputs - 1) * c_.stride, writes);
        if (!fits(a_span) || !fits(c_span) || c_span.meets(a_span)) return Kind::NOTHING;
        const uint32_t k = keep ? resident_ : b_.rows;
        resident_ = k;
        const uint32_t steps = (outputs - 1) * step + 3, pixels = steps > left ? steps - left : 0;
        op.unit = EXECUTE;
        op.dw = writes;
        op.loads_weights = !keep && (k || shape_.clears);
        op.k = std::max(k, 3 * shape_.dw_lines);
        op.b_row = b_.row;
        op.b_turn = turn_b_ && !os_;
        op.b_rows = op.b_turn ? b_.cols : k;
        op.a_row = a.row;
        op.a_rows = std::min(width, pixels);
        op.line_stride = stride;
        op.lines = k ? mask : 0;
        op.left = left;
        op.step = step;
        op.c_rows = writes ? outputs : 0;
        op.c_row = c_.row;
        op.c_stride = c_.stride;
        op.acc = c_.acc;
        op.accumulate = c_.accumulate;
        if (reads && writes && k) op.reads[0] = a_span;
        op.reads[1] = {op.loads_weights && k, false, b_.row, b_.last};
        op.write = c_span;
        return op.loads_weights || writes ? Kind::DISPATCH : Kind::NOTHING;
    }
};
