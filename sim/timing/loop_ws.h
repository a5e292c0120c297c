// loop_ws: a product's loads, computes and stores, as hw/control/loops/matmul.py sends them.
#pragma once
#include "loop_ws_plan.h"
#include "nest.h"
#include "walk.h"

// Preloads and computes of a product (hw/control/loops/tiles.py).
class ProductTiles {
   public:
    bool busy = false, computes = false, last = false;
    uint32_t outer = 0, middle = 0, inner = 0;

    explicit ProductTiles(const Shape& shape) : shape_(shape) {}

    void start(const Product& product) {
        p_ = product;
        busy = true;
        computes = false;
        outer = 0;
        look();
    }
    void next() {
        computes = !computes;
        if (computes) return;
        if (inner + 1 != p_.inner) {
            inner++;
        } else if (middle + 1 != p_.middle) {
            inner = 0;
            middle++;
        } else {
            inner = middle = 0;
            busy = !last;
            outer++;
        }
        look();
    }
    Command command() const {
        const bool ws = p_.weight_stationary, last_inner = inner + 1 == p_.inner;
        const bool ends[] = {ws ? last_inner : last, middle + 1 == p_.middle, ws ? last : last_inner};
        uint32_t extents[3];
        for (int n = 0; n < 3; n++) extents[n] = shape_.dim - (ends[n] ? p_.missing[n] : 0);
        const auto [rows, cols, deep] = extents;
        const uint32_t x = place(p_.x, outer, inner), y = place(p_.y, outer, middle);
        const uint32_t z = place(p_.z, middle, inner), b = ws ? y : z;
        if (computes) {
            Command command = inner == 0 ? compute_preloaded::make() : compute_accumulated::make();
            compute_preloaded::a_addr(command, x);
            compute_preloaded::a_rows(command, rows);
            compute_preloaded::a_cols(command, deep);
            compute_preloaded::d_addr(command, ws ? GARBAGE : b);
            compute_preloaded::d_rows(command, ws ? shape_.dim : deep);
            compute_preloaded::d_cols(command, ws ? shape_.dim : cols);
            return command;
        }
        Command command = preload::make();
        preload::b_addr(command, ws && inner == 0 ? b : GARBAGE);
        preload::b_rows(command, ws ? deep : shape_.dim);
        preload::b_cols(command, ws ? cols : shape_.dim);
        const uint64_t c = acc_address(ws ? z : y, p_.accumulate || (ws && outer != 0));
        preload::c_addr(command, ws || last_inner ? c : uint64_t(GARBAGE));
        preload::c_rows(command, rows);
        preload::c_cols(command, cols);
        return command;
    }

   private:
    const Shape& shape_;
    Product p_;

    void look() { last = outer + 1 == p_.outer; }
    uint32_t place(const Product::Operand& at, uint32_t turns, uint32_t steps) const {
        const uint32_t tiles = at.hop ? steps * at.across + turns : turns * at.across + steps;
        return at.row + tiles * shape_.dim;
    }
};

// Stores of rows that are normalised: every row three times over (hw/control/loops/normal.py).
class NormalisedRows {
   public:
    explicit NormalisedRows(const Shape& shape) : shape_(shape) {
        for (uint32_t& step : nest_.step) step = 1;
        nest_.mask[LOCAL] = ~0u;
        nest_.mask[MEMORY] = (1ull << 35) - 1;
    }

    bool busy() const { return begins_ || nest_.busy(); }
    bool valid() const { return nest_.valid(); }
    bool moves() const { return !opens_; }
    uint32_t down() const { return at_.down - nest_.left(I); }
    uint32_t across() const { return at_.across - 1; }

    void start(const Matrix& matrix, uint64_t row_bits, bool softmax, bool full) {
        at_ = matrix;
        softmax_ = softmax;
        full_ = full;
        begins_ = true;
        const uint64_t width = (full ? shape_.acc_row_bytes : shape_.row_bytes) * 8ull;
        const uint32_t counts[] = {matrix.down, 0, 3, matrix.across};
        std::copy(counts, counts + 4, nest_.count);
        nest_.origin[LOCAL] = matrix.row;
        nest_.origin[MEMORY] = uint64_t(matrix.address) << 3;
        const uint64_t local[] = {uint64_t(matrix.across) * shape_.dim, 1, 0, shape_.dim};
        const uint64_t memory[] = {uint64_t(matrix.step) << 3, row_bits, 0, width};
        std::copy(local, local + 4, nest_.hop[LOCAL]);
        std::copy(memory, memory + 4, nest_.hop[MEMORY]);
    }
    Command command() const {
        if (opens_) {
            Command command = config_norm::make();
            config_norm::stat_only(command, 1);
            return command;
        }
        const uint32_t pass = nest_.left(TURN), last = nest_.last(J);
        const uint32_t first = softmax_ ? 5 : 1 + last, second = (softmax_ ? 6 : 3) + last;
        Command command = mvout::make();
        mvout::address(command, nest_.at(MEMORY) >> 3);
        const uint32_t step = pass == 3 ? first : pass == 2 ? second : 0;
        mvout::local(command, acc_address(nest_.at(LOCAL), false, full_, step));
        mvout::rows(command, 1);
        mvout::cols(command, shape_.dim - (last ? at_.across_pad : 0));
        return command;
    }
    bool clock(bool next) {
        const bool moved = next && moves() && nest_.valid(), changed = begins_ || next;
        const bool last_row = begins_ ? at_.down == 1 : nest_.left(I) == 2;
        nest_.count[ROW] = shape_.dim - (last_row ? at_.down_pad : 0);
        const bool again = begins_ || (moved && nest_.advances() != J);
        if (begins_) nest_.start();
        else if (moved) nest_.next();
        else if (nest_.settle()) return true;
        if (again) opens_ = true;
        else if (next) opens_ = false;
        begins_ = false;
        return changed;
    }

   private:
    enum { I, ROW, TURN, J };
    enum { LOCAL, MEMORY };

    const Shape& shape_;
    Nest<4, 2> nest_;
    Matrix at_;
    bool softmax_ = false, full_ = false, begins_ = false, opens_ = false;
};

class MatmulLoop {
   public:
    Offer offers[3];
    bool accept = false, flips = false;

    explicit MatmulLoop(const Shape& shape)
        : shape_(shape), planner_(shape), tiles_(shape), rows_(shape),
          walks_{Walk(shape), Walk(shape), Walk(shape), Walk(shape)} {}

    bool busy() const { return flight_.valid || busy_[A] || busy_[B] || busy_[D] || busy_[TILES] || busy_[C]; }

    bool waits() const { return planner_.waits(); }

    bool parity() const { return flight_.parity; }

    // What stands in this cycle.
    void look(const Settings& settings) {
        for (int n = 0; n < 3; n++) busy_[n] = walks_[n].busy;
        busy_[TILES] = configures_ || tiles_.busy || waits_;
        busy_[C] = walks_[3].busy || rows_.busy();
        flight_.decide(busy_);
        ws_ = settings.weight_stationary;
        relu_ = settings.relu;
        shift_ = settings.shift;
        look_at_loads();
        look_at_computes();
        look_at_stores();
    }

    Command command(uint32_t unit) const {
        if (unit == LOAD) return load();
        if (unit == STORE) return rows_.busy() ? rows_.command() : store();
        if (!configures_) return tiles_.command();
        Command command = config_ex::make();
        config_ex::dataflow(command, ws_);
        config_ex::activation(command, relu_);
        config_ex::transpose_a(command, transposes_[0]);
        config_ex::transpose_b(command, transposes_[1]);
        config_ex::a_stride(command, 1);
        config_ex::shift(command, shift_);
        config_ex::c_stride(command, 1);
        return command;
    }

    // One cycle: `sent` is the unit whose command was taken, or -1; `in`, if not null, stands
    // before the planner. Returns whether it is taken.
    bool clock(int sent, const Command* in, const Settings& settings, bool sp_half, bool acc_half,
               bool& changed) {
        for (int n = 0; n < 3; n++)
            changed |= walks_[n].clock(sent == LOAD && picked_ == n, shape_);
        const bool store_rows = rows_.busy();
        changed |= walks_[3].clock(sent == STORE && !store_rows, shape_);
        changed |= rows_.clock(sent == STORE && store_rows);
        changed |= sent >= 0;
        if (sent == EXECUTE && !configures_) tiles_.next();
        if (sent == EXECUTE) configures_ = false;
        if (waits_ && loaded_) {
            waits_ = false;
            changed = true;
        }
        take();
        accept = false;
        const bool taken = planner_.clock(in, flight_.valid, settings, sp_half, acc_half, accept, changed);
        flips = planner_.plan.has[3];
        changed |= flight_.clock(accept);
        return taken;
    }

   private:
    const Shape& shape_;
    Flight flight_;
    MatmulPlanner planner_;
    ProductTiles tiles_;
    NormalisedRows rows_;
    Walk walks_[4];  // A, B, D and C
    bool busy_[STREAMS] = {};
    bool load_waits_[3] = {}, residual_[4] = {}, full_ = false;
    bool configures_ = false, waits_ = false, loaded_ = false, transposes_[2] = {};
    bool ws_ = true, relu_ = false;
    uint32_t shift_ = 0;
    int picked_ = -1;

    void take() {
        const Plan& plan = planner_.plan;
        for (int n = 0; n < 3; n++) {
            if (!flight_.take[n]) continue;
            if (plan.has[n]) walks_[n].start(plan.matrix[n]);
            load_waits_[n] = plan.waits[n];
            if (n != D) residual_[n] = plan.residual;
        }
        if (flight_.take[TILES]) {
            if (!plan.residual) tiles_.start(plan.product);
            waits_ = plan.residual;
            configures_ = shape_.transposes;
            transposes_[0] = plan.transpose_a;
            transposes_[1] = plan.transpose_b;
        }
        if (!flight_.take[C]) return;
        full_ = plan.full_c;
        residual_[3] = plan.residual;
        if (!plan.has[3]) return;
        const bool softmax = plan.activation == 4;
        if (shape_.normalisation && (softmax || plan.activation == 2))
            rows_.start(plan.matrix[3], plan.c_row_bits, softmax, plan.full_c);
        else
            walks_[3].start(plan.matrix[3]);
    }

    void look_at_loads() {
        bool young[3], wants[3];
        for (int n = 0; n < 3; n++) {
            young[n] = flight_.behind(TILES, n);
            bool held = load_waits_[n] && young[n];
            if (n == B) held |= residual_[B] && !flight_.past(busy_, A, B);
            wants[n] = walks_[n].busy && !held;
        }
        const Walk &a = walks_[A], &b = walks_[B], &d = walks_[D];
        const Walk &y = ws_ ? b : d, &z = ws_ ? d : b;
        const bool xy = a.outer() < y.outer() || (a.outer() == y.outer() && y.inner() != 0);
        const bool zy = y.outer() != 0 || z.outer() < y.inner();
        const bool zx = a.outer() != 0 || (z.outer() == 0 && z.inner() <= a.inner());
        bool before[3][3] = {};
        const auto order = [&](int one, int other, bool first) {
            before[one][other] = young[one] != young[other] ? young[other] : first;
            before[other][one] = !before[one][other];
        };
        order(A, B, ws_ ? xy : !zx);
        order(D, B, ws_ ? zy : !zy);
        order(D, A, ws_ ? zx : !xy);
        picked_ = -1;
        for (int n = 0; n < 3; n++) {
            bool first = wants[n];
            for (int other = 0; other < 3; other++)
                if (other != n && wants[other]) first &= before[n][other];
            if (first) picked_ = n;
        }
        offers[LOAD] = {picked_ >= 0 && walks_[picked_].valid, false,
                        picked_ >= 0 && flight_.loop(picked_)};
    }

    Command load() const {
        const Walk& walk = walks_[picked_];
        const bool acc = picked_ == D || residual_[picked_];
        Command command = picked_ == A ? mvin::make() : picked_ == B ? mvin2::make() : mvin3::make();
        mvin::address(command, walk.address());
        const uint64_t row = walk.row();
        mvin::local(command, acc ? acc_address(row, picked_ == B) : row);
        mvin::rows(command, walk.rows(shape_));
        mvin::cols(command, walk.cols(shape_));
        return command;
    }

    void look_at_computes() {
        const uint32_t outer = tiles_.outer, middle = tiles_.middle, inner = tiles_.inner;
        const auto moved = [&](int n, uint32_t x, uint32_t y) {
            return flight_.past(busy_, n, TILES) || walks_[n].moved(x, y);
        };
        const bool ready = !tiles_.computes ||
                           (moved(A, outer, inner) &&
                            (ws_ ? moved(B, outer, middle) : moved(B, middle, inner)) &&
                            (ws_ ? moved(D, middle, inner) : moved(D, outer, middle)));
        loaded_ = flight_.past(busy_, A, TILES) && flight_.past(busy_, B, TILES);
        offers[EXECUTE] = {configures_ || (tiles_.busy && ready), configures_ || !tiles_.computes,
                           flight_.loop(TILES)};
    }

    void look_at_stores() {
        const bool rows = rows_.busy();
        const Walk& walk = walks_[3];
        const uint32_t x = rows ? (ws_ ? rows_.across() : rows_.down()) : walk.outer();
        const uint32_t y = rows ? (ws_ ? rows_.down() : rows_.across()) : walk.inner();
        const uint32_t outer = ws_ ? tiles_.middle : tiles_.outer;
        const uint32_t inner = ws_ ? tiles_.inner : tiles_.middle;
        const bool later = outer > x || (outer == x && inner > y);
        const bool computed = flight_.past(busy_, TILES, C) || (later && (tiles_.last || !ws_));
        const bool added = flight_.past(busy_, B, C) || walks_[B].moved(x, y);
        const bool valid = rows ? rows_.valid() : walk.valid, free = rows && !rows_.moves();
        const bool ready = residual_[3] ? added : computed;
        offers[STORE] = {valid && (ready || free), free, flight_.loop(C)};
    }

    Command store() const {
        const Walk& walk = walks_[3];
        Command command = mvout::make();
        mvout::address(command, walk.address());
        mvout::local(command, acc_address(walk.row(), false, full_));
        mvout::rows(command, walk.rows(shape_));
        mvout::cols(command, walk.cols(shape_));
        return command;
    }
};
