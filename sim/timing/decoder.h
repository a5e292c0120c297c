// Commands to operations: configuration, preload state, and the local rows that a command touches.
#pragma once
#include <algorithm>
#include <cstring>

#include "decode_tile.h"
#include "settings.h"

class Decoder : TileDecoder {
   public:
    explicit Decoder(const Shape& shape) : TileDecoder(shape) {
        for (LoadSet& set : load_) set = {0, shape.dim, 0, 0, false, false};
        settle();
    }

    // What becomes of a command; fills `op` if it is dispatched.
    Kind decode(const Command& command, Op& op) {
        op = Op{};
        switch (command.funct & 0x7F) {
            case config_ex::FUNCT: return configure(command, op);
            case mvin::FUNCT: return load(command, load_[0], op);
            case mvin2::FUNCT: return load(command, load_[1], op);
            case mvin3::FUNCT: return load(command, load_[2], op);
            case mvout::FUNCT: return store(command, op);
            case mvout_spad::FUNCT: return copy(command, op);
            case preload::FUNCT: prepare(command); return Kind::NOTHING;
            case compute_preloaded::FUNCT: return compute(command, true, op);
            case compute_accumulated::FUNCT: return compute(command, false, op);
            case compute_depthwise::FUNCT: return line(command, op);
            case weight_table::FUNCT: return table(command, op);
            case error::FUNCT: return Kind::ERROR;
            case counter::FUNCT: return Kind::COUNTER;
            default: return Kind::NOTHING;
        }
    }

    // After all commands so far.
    const Settings& settings() const { return settings_; }

    // Whether the blocks of a mvin are counted in a cycle of their own.
    bool counts(const Command& command) const {
        const uint32_t quick = 8, funct = command.funct & 0x7F;
        if ((shape_.dim & (shape_.dim - 1)) == 0 || shape_.load_blocks <= quick) return false;
        if (funct != mvin::FUNCT && funct != mvin2::FUNCT && funct != mvin3::FUNCT) return false;
        const LoadSet& set = load_[funct == mvin::FUNCT ? 0 : funct == mvin2::FUNCT ? 1 : 2];
        const bool wide = Local(mvin::local(command)).acc && !set.shrunk;
        return mvin::cols(command) + (wide ? 0 : set.lane) > quick * shape_.dim;
    }

   private:
    LoadSet load_[3];
    uint32_t store_stride_ = 0;
    bool relu_ = false;
    uint32_t shift_ = 0, scale_ = ONE, activation_ = 0, stat_ = 0;
    bool softmax_ = false;
    Settings settings_;
    Pooling pool_;

    Kind configure(const Command& command, Op& op) {
        switch (command.rs1 & 3) {
            case config_norm::SELECT: return configure_norm(command, op);
            case config_ex::SELECT: configure_execute(command); break;
            case config_ld::SELECT: configure_load(command); break;
            case config_st::SELECT: configure_store(command); break;
        }
        settle();
        return Kind::NOTHING;
    }

    Kind configure_norm(const Command& command, Op& op) {
        if (!shape_.normalisation || config_norm::stat_id(command) > 3) return Kind::NOTHING;
        stat_ = config_norm::stat_id(command);
        if (config_norm::stat_only(command)) return Kind::NOTHING;
        softmax_ = config_norm::activation_msb(command);
        op.unit = STORE;
        op.configures = true;
        op.address = config_norm::igelu_qb(command);
        return Kind::DISPATCH;
    }

    void settle() {
        Settings out{!os_, relu_, {}, {}, false, a_stride_ != 1 || c_stride_ != 1, false, shift_};
        for (int n = 0; n < 3; n++) {
            out.blocks[n] = load_[n].block_stride == shape_.dim;
            out.shrunk[n] = load_[n].shrunk;
            out.packed |= load_[n].lane || load_[n].more;
        }
        out.pooling = pool_.stride || pool_.size;
        settings_ = out;
    }

    void configure_execute(const Command& command) {
        const uint32_t c_stride = config_ex::c_stride(command);
        if (!config_ex::strides_only(command)) {
            const bool os = !config_ex::dataflow(command);
            const bool a = config_ex::transpose_a(command), b = config_ex::transpose_b(command);
            if ((os && !shape_.output_stationary) || ((a || b) && !shape_.transposes)) return;
            if ((!os && a && b) || (os && b && !a)) return;
            if (config_ex::activation(command) > 1 && !shape_.normalisation) return;
            if (os && config_ex::shift(command) >= shape_.acc_bits) return;
            if (!c_stride) return;
            relu_ = config_ex::activation(command) == 1;
            shift_ = config_ex::shift(command);
            if (os != os_ || b != turn_b_) b_ = c_ = Tile{};
            os_ = os;
            turn_a_ = a;
            turn_b_ = b;
        }
        if (!c_stride) return;
        a_stride_ = config_ex::a_stride(command);
        c_stride_ = c_stride;
    }

    void configure_store(const Command& command) {
        const uint32_t scale = config_st::scale(command);
        const uint32_t stride = config_st::pool_stride(command);
        const uint32_t size = config_st::pool_size(command);
        const uint32_t activation = config_st::activation(command);
        if ((stride || size) && !shape_.pooling) return;
        if (activation > 1 && !shape_.normalisation) return;
        if ((stride && !size) || (!finite(scale) && scale != ~0u)) return;
        store_stride_ = config_st::stride(command);
        if (scale != ~0u) scale_ = scale;
        activation_ = activation;
        softmax_ = false;
        pool_ = {stride,
                 size,
                 uint32_t(config_st::upper_pad(command)),
                 uint32_t(config_st::left_pad(command)),
                 uint32_t(config_st::out_rows(command)),
                 uint32_t(config_st::out_cols(command)),
                 uint32_t(config_st::pool_out_rows(command)),
                 uint32_t(config_st::pool_out_cols(command)),
                 uint32_t(config_st::pool_out_dim(command))};
    }

    void configure_load(const Command& command) {
        const uint32_t set = config_ld::set(command), scale = config_ld::scale(command);
        const uint32_t lane = config_ld::lane(command);
        const uint32_t more = std::max(config_ld::repeats(command), uint64_t(1)) - 1;
        const bool packs = lane || more;
        if (set > 2 || !finite(scale) || (scale && scale != ONE && !shape_.mvin_scale)) return;
        if (packs && (!shape_.first_layer || (lane && more))) return;
        if (lane >= shape_.dim || more >= shape_.dim) return;
        if (lane * shape_.input_bits % 8) return;
        const bool weights = config_ld::weights(command) && shape_.weight_bits < shape_.input_bits;
        if (weights && packs) return;
        load_[set] = {uint32_t(config_ld::stride(command)),
                      uint32_t(config_ld::block_stride(command)),
                      lane,
                      more,
                      config_ld::shrunk(command) != 0,
                      scale != ONE && shape_.mvin_scale,
                      weights};
    }

    // Rows first to first + distance of one memory.
    Kind load(const Command& command, const LoadSet& set, Op& op) {
        const Local local(mvin::local(command));
        op.unit = LOAD;
        op.rows = mvin::rows(command);
        op.cols = mvin::cols(command);
        op.wide = local.acc && !set.shrunk;
        op.lane = op.wide ? 0 : set.lane;
        op.more = local.acc ? 0 : set.more;
        const uint32_t blocks = op.wide ? shape_.load_blocks_acc : shape_.load_blocks;
        const uint32_t width = op.cols + op.lane;
        if (local.garbage || op.rows > shape_.dim || width > shape_.dim * blocks || !op.rows ||
            !op.cols || (op.more && op.cols * (op.more + 1) > shape_.dim))
            return Kind::NOTHING;
        op.address = mvin::address(command);
        op.stride = set.stride;
        op.zero = op.address == 0;
        op.acc = local.acc;
        op.accumulate = local.accumulate;
        op.row = local.row;
        op.block_stride = set.block_stride;
        op.weights = set.weights && !op.acc;
        op.scaled = set.scaled && !op.wide && !op.zero && !op.weights;
        const bool apart = width <= shape_.dim || op.block_stride >= op.rows;
        op.once = op.stride == 0 && !op.zero && apart && !op.more;
        if (op.more) op.lane = op.more * op.cols;
        const uint32_t last_block = (width - 1) / shape_.dim;
        op.write = span(local.acc, local.row, last_block * set.block_stride + op.rows - 1);
        if (op.more) {  // copies lie in front, in the same half
            const uint32_t half = shape_.sp_rows / 2, within = local.row % half;
            op.write.first -= std::min(within, op.more);
        }
        return fits(op.write) ? Kind::DISPATCH : Kind::NOTHING;
    }

    Kind store(const Command& command, Op& op) {
        const Local local(mvout::local(command));
        op.unit = STORE;
        op.rows = mvout::rows(command);
        op.cols = mvout::cols(command);
        const bool counts = local.norm != 0, full = local.full && !counts;
        if (counts && !shape_.normalisation) return Kind::NOTHING;
        const bool image = !local.full && !counts && (pool_.stride || pool_.size);
        normalise(op, local.norm);
        const uint32_t blocks = local.full || image ? 1 : shape_.store_blocks;
        op.pooled = image && pool_.stride;
        op.pool = pool_;
        if (image) op.rows = pool_.out_rows * pool_.out_cols;
        if (op.pooled && !(pool_.pool_rows && pool_.pool_cols)) return Kind::NOTHING;
        if (local.garbage || (!image && op.rows > shape_.dim) || op.cols > shape_.dim * blocks ||
            !op.rows || !op.cols)
            return Kind::NOTHING;
        op.address = mvout::address(command);
        op.stride = store_stride_;
        op.acc = local.acc;
        op.full = full;
        op.row = local.row;
        const uint32_t last_block = (op.cols - 1) / shape_.dim;
        op.in_order = !op.pooled;
        op.single = op.cols <= shape_.dim;
        op.reads[0] = span(local.acc, local.row, last_block * shape_.dim + op.rows - 1);
        return fits(op.reads[0]) ? Kind::DISPATCH : Kind::NOTHING;
    }

    void normalise(Op& op, uint32_t norm) const {
        op.norm = norm;
        op.stat = stat_;
        op.activation = softmax_ ? 4 : activation_;
        op.scale = scale_;
    }

    Kind copy(const Command& command, Op& op) {
        const Local source(mvout_spad::source_addr(command));
        const Local target(mvout_spad::destination(command));
        op.unit = STORE;
        op.local = true;
        op.rows = mvout_spad::source_rows(command);
        op.cols = mvout_spad::source_cols(command);
        op.stride = mvout_spad::stride(command) & 0xFFFF;
        op.acc = source.acc;
        op.row = source.row;
        op.address = target.row;
        normalise(op, 0);
        const bool special = source.full || source.norm;
        if (!shape_.spad_store || source.garbage || target.garbage || target.acc || special)
            return Kind::NOTHING;
        if (op.rows > shape_.dim || op.cols > shape_.dim || !op.rows || !op.cols)
            return Kind::NOTHING;
        op.reads[0] = span(source.acc, source.row, op.rows - 1);
        op.write = span(false, target.row, (op.rows - 1) * op.stride);
        if (!fits(op.reads[0]) || !fits(op.write)) return Kind::NOTHING;
        const bool same = source.row == target.row && op.stride == 1;
        return op.write.meets(op.reads[0]) && !same ? Kind::NOTHING : Kind::DISPATCH;
    }
};
