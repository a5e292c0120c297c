// A cycle model of the accelerator: when every command is issued and complete, without its data.
#include <algorithm>
#include <vector>

#include "array_clock.h"
#include "decoder.h"
#include "execute.h"
#include "load.h"
#include "queues.h"
#include "sequencer.h"
#include "sequential.h"
#include "store.h"

namespace {

constexpr Cycle FIRST = 1024;  // so that nothing reaches back before the first cycle

class Model {
   public:
    explicit Model(const Shape& shape)
        : shape_(shape), decoder_(shape_), sequencer_(shape_), load_(shape_), execute_(shape_),
          store_(shape_), array_(shape.array_clock), sequential_(shape_) {
        const uint32_t depths[] = {shape.load_queue, shape.execute_queue, shape.store_queue};
        for (int n = 0; n < 3; n++) queues_[n].depth = depths[n];
    }

    std::vector<Times> times;  // of the last run, in order of dispatch, if they were recorded

    void run(const Command* commands, uint64_t count, uint64_t limit, bool record, Outcome& out) {
        commands_ = commands;
        count_ = count;
        record_ = record;
        times.clear();
        if (shape_.sequential) {
            sequential_.run(commands, count, limit, record ? &times : nullptr, out);
            return;
        }
        start_ = now_;
        sent_ = taken_ = 0;
        attention_ = 2;
        out = Outcome{};
        Cycle last_progress = now_;
        State states[UNITS] = {};
        for (;; now_++) {
            retire();
            if (attention_ && over()) break;
            const bool more = sent_ < count_ || queued_ || sequencer_.stands() || sequencer_.busy() ||
                              busy_ || turns_;
            states[EXECUTE] = shape_.array_clock > 1 ? step_array() : step_execute();
            states[LOAD] = load_.step(now_, execute_, [&](Cycle at) { finish(LOAD, at); });
            states[STORE] = store_.step(now_, execute_, load_.sp_writes(), [&](Cycle at) { finish(STORE, at); });
            if (stirred()) attention_ = 2;
            if (attention_) {
                last_progress = now_;
                attention_--;
                for (uint32_t n = 0; n < 3; n++) outside_[n] = waits(n);
                issue();
                outside_[COMMANDS] = decode();
                offer();
            }
            states[COMMANDS] = outside_[COMMANDS];
            for (uint32_t n = 0; n < 3; n++)
                if (states[n] == IDLE) states[n] = outside_[n];
            for (uint32_t n = 0; n < UNITS; n++) out.states[n][states[n]]++;
            out.bounds[bound_by(states, more)]++;
            if (shape_.array_clock > 1) array_.edge(now_, load_, store_);
            if (now_ - last_progress > 100000 + 8 * shape_.latency || (limit && now_ - start_ >= limit)) {
                out.stuck = 1;
                break;
            }
        }
        out.cycles = now_ - start_;
    }

   private:
    const Shape shape_;
    const Command* commands_ = nullptr;
    uint64_t count_ = 0;
    bool record_ = false;
    Cycle now_ = FIRST, start_ = FIRST;
    Decoder decoder_;
    Sequencer sequencer_;
    Load load_;
    Execute execute_;
    Store store_;
    UnitQueue queues_[3];
    ArrayClock array_;
    Sequential sequential_;
    // Queues and decoder are looked at only for two cycles after something moved.
    uint32_t attention_ = 2;
    State outside_[UNITS] = {};  // of units without an operation inside
    uint64_t sent_ = 0, taken_ = 0, queued_ = 0, next_offer_ = 0;
    Cycle queue_took_ = ~0ull;
    bool busy_ = false, configures_ = false, preloads_ = false, counted_ = false;
    uint32_t unchecked_ = 0;  // cycles until the command in the decoder is checked
    Kind kind_ = Kind::NOTHING;
    uint32_t index_ = 0;  // of the command in the decoder
    Op op_;
    Op entering_;         // its spans are compared in turn (serial_hazards), or it waits (in_order)
    bool full_ = false, stood_ = false;  // in_order: its unit has no place for it; it is there
    uint32_t turns_ = 0;  // that are left of them, the one of this cycle among them
    Cycle queue_since_[64] = {};

    State step_execute() {
        return execute_.step(now_, [&](Cycle at, Cycle soon) {
            if (soon) queues_[EXECUTE].soon.push(0, soon + 1);
            finish(EXECUTE, at, !soon);
        });
    }
    State step_array() {
        if (array_.executed(now_)) finish(EXECUTE, now_);
        return array_.step(now_, execute_, load_, store_);
    }

    // A unit's oldest command wrote its last row: complete when that can be read.
    void finish(Unit unit, Cycle at, bool announces = false) {
        UnitQueue& queue = queues_[unit];
        if (unit != STORE) {
            const Span& write = queue.inside.oldest(queue.ended++).write;
            const bool slow = write.acc && (write.valid || !shape_.in_order);
            if (slow || at <= queue.settles) at = queue.settles = at + shape_.settle - 1;
        }
        queue.finished.push(0, at + 1);
        if (announces) queue.soon.push(0, at + 1);
    }

    void retire() {
        UnitQueue& execute = queues_[EXECUTE];
        for (; execute.soon.shows(now_); execute.soon.pop(now_)) {
            execute.announced++;
            attention_ = 2;
        }
        for (UnitQueue& queue : queues_)
            while (queue.finished.shows(now_)) {
                if (record_) times[queue.inside.front().record].done = now_ - 1 - start_;
                queue.finished.pop(now_);
                queue.inside.pop(now_);
                queue.ended -= queue.ended != 0;
                queue.retired++;
                attention_ = 2;
            }
    }

    bool over() const {
        return sent_ == count_ && !queued_ && !sequencer_.stands() && !sequencer_.busy() && !busy_ &&
               !turns_ && queues_[LOAD].idle() && queues_[EXECUTE].idle() && queues_[STORE].idle();
    }

    bool stirred() {
        const bool any = load_.stirred || execute_.stirred || store_.stirred;
        load_.stirred = execute_.stirred = store_.stirred = false;
        return any;
    }

    State waits(uint32_t n) const {
        const UnitQueue& queue = queues_[n];
        if (shape_.in_order && turns_ && entering_.unit == n) {
            if (disturbs(LOAD)) return ON_LOAD;
            if (disturbs(STORE)) return ON_STORE;
            if (disturbs(EXECUTE)) return ON_EXECUTE;
            if (queue.room()) return n == LOAD ? MEMORY : ROWS;
        }
        if (queue.waiting.empty()) return queue.idle() ? IDLE : DRAIN;
        const Op& op = *queue.waiting.front();
        if (op.needs[LOAD] > queues_[LOAD].retired) return ON_LOAD;
        if (op.needs[STORE] > queues_[STORE].retired) return ON_STORE;
        if (op.needs[EXECUTE] > queues_[EXECUTE].passed(op)) return ON_EXECUTE;
        return n == LOAD ? MEMORY : ROWS;  // it leaves in this cycle
    }

    template <typename Part>
    void issue_to(UnitQueue& queue, Part& part) {
        if (!queue.waiting.shows(now_)) return;
        const Op& op = *queue.waiting.front();
        for (int n = 0; n < 3; n++)
            if (op.needs[n] > queues_[n].passed(op)) return;
        if (!part_ready(part, op)) return;
        part.take(now_, op);
        if (record_) times[op.record].issued = now_ - start_;
        queue.waiting.pop(now_);
        attention_ = 2;
    }
    bool part_ready(const Load& part, const Op&) const { return part.ready(now_); }
    bool part_ready(const Store& part, const Op& op) const { return part.ready(now_, op); }
    bool part_ready(const Execute& part, const Op& op) const { return part.ready(now_, op); }

    // Whether the command that stands alone has to wait for a unit (hw/control/in_order.py).
    bool disturbs(uint32_t n) const {
        const UnitQueue& queue = queues_[n];
        if (queue.idle()) return false;
        const uint32_t writes = entering_.unit == n ? 0 : halves(shape_, entering_.write);
        return (read_halves(shape_, entering_) & queue.wrote) || (writes & (queue.read | queue.wrote));
    }

    template <typename Part>
    void issue_alone(Part& part) {
        UnitQueue& queue = queues_[entering_.unit];
        if (!queue.room() || disturbs(LOAD) || disturbs(EXECUTE) || disturbs(STORE)) return;
        const bool array = entering_.unit == EXECUTE && shape_.array_clock > 1;
        if (array) attention_ = 2;
        if (array ? !array_.takes(entering_) : !part_ready(part, entering_)) return;
        if (queue.idle()) queue.read = queue.wrote = 0;
        queue.read |= read_halves(shape_, entering_);
        queue.wrote |= halves(shape_, entering_.write);
        const Op& op = queue.inside.push(entering_, now_ + 1);
        if (!array) part.take(now_, op);
        if (record_) times[op.record].issued = now_ - start_;
        queue.dispatched++;
        turns_ = 0;
        attention_ = 2;
    }

    void issue() {
        if (shape_.in_order) {
            stood_ = turns_;
            if (!turns_) return;
            full_ = !queues_[entering_.unit].room();
            if (entering_.unit == LOAD) issue_alone(load_);
            else if (entering_.unit == EXECUTE) issue_alone(execute_);
            else issue_alone(store_);
            return;
        }
        issue_to(queues_[LOAD], load_);
        issue_to(queues_[EXECUTE], execute_);
        issue_to(queues_[STORE], store_);
    }

    State decode() {
        uint32_t levels[3];
        for (uint32_t n = 0; n < 3; n++)
            levels[n] = queues_[n].dispatched - queues_[n].retired + (turns_ && entering_.unit == n);
        State state = busy_ || turns_ || (shape_.in_order && stood_) ? ACTIVE : IDLE;
        const bool was_busy = busy_, free = take_turn(state), finish = finish_command(state, free);
        if (busy_ && unchecked_) {
            unchecked_--;
            attention_ = 2;
        }
        if (finish) {
            busy_ = false;
            attention_ = 2;
        }
        const bool waits = queued_ && queue_since_[taken_ % 64] <= now_;
        const Command* next = waits ? &commands_[taken_] : nullptr;
        if (!unrolls()) {
            if (next && accepts(*next, was_busy, finish)) {
                accept(*next, taken_);
                leave_queue();
            }
            return state;
        }
        const bool taken = sequencer_.stands() && accepts(sequencer_.command(), was_busy, finish);
        if (taken) accept(sequencer_.command(), sequencer_.index());
        bool changed = false;
        if (sequencer_.step(taken, was_busy, levels, next, taken_, decoder_, changed)) leave_queue();
        if (changed) attention_ = 2;
        return state;
    }

    bool unrolls() const { return shape_.loop_ws || shape_.loop_conv; }

    // Puts a command into its unit's queue, if there is room.
    bool enter(Op& op, State& state) {
        UnitQueue& queue = queues_[op.unit];
        if (!queue.room()) {
            state = State(uint32_t(ON_LOAD) + uint32_t(op.unit));
            return false;
        }
        find_hazards(shape_, queues_, op);
        queue.waiting.push(&queue.inside.push(op, now_ + 1), now_ + 1);
        queue.dispatched++;
        return true;
    }

    // Compares a span of the command between decoder and queues; returns whether its place is free.
    bool take_turn(State& state) {
        if (shape_.in_order) {
            if (turns_ && full_) state = State(uint32_t(ON_LOAD) + uint32_t(entering_.unit));
            return !turns_;
        }
        if (turns_ > 1 || (turns_ && enter(entering_, state))) {
            turns_--;
            attention_ = 2;
            return !turns_;
        }
        return !turns_;
    }

    // Dispatch the decoder's command or answer it; returns whether it leaves the decoder.
    bool finish_command(State& state, bool free) {
        if (unchecked_) return false;
        if (busy_ && kind_ == Kind::DISPATCH) {
            op_.record = times.size();
            if (shape_.at_once()) {
                if (!enter(op_, state)) return false;
            } else {
                if (!free) return false;
                entering_ = op_;
                turns_ = 1;
                if (!shape_.in_order) {
                    for (const Span& span : op_.reads) turns_ += span.valid;
                    turns_ = std::max(turns_ - 1 + op_.write.valid, 1u);
                }
            }
            if (record_) times.push_back({index_, op_.unit, now_ - start_, 0, 0});
        } else if (busy_ && kind_ == Kind::ERROR) {
            const bool idle =
                free && queues_[0].idle() && queues_[1].idle() && queues_[2].idle();
            if (!idle && state == ACTIVE) state = ANSWER;
            return idle;
        }
        return busy_;
    }

    // Whether the decoder takes what stands before it.
    bool accepts(const Command& command, bool was_busy, bool finish) {
        const uint32_t funct = command.funct & 0x7F;
        const bool line = shape_.dw_lines && funct == compute_depthwise::FUNCT;
        const bool bubble = was_busy && (configures_ || (line && preloads_));
        if (!bubble && !counted_ && decoder_.counts(command)) {
            counted_ = true;
            attention_ = 2;
            return false;
        }
        return !bubble && !(was_busy && !finish);
    }

    void accept(const Command& command, uint32_t index) {
        const uint32_t funct = command.funct & 0x7F;
        busy_ = true;
        unchecked_ = shape_.at_once() ? 0 : 2;
        counted_ = false;
        attention_ = 2;
        configures_ = funct == config_ex::FUNCT;
        preloads_ = funct == preload::FUNCT;
        kind_ = decoder_.decode(command, op_);
        index_ = index;
    }

    void leave_queue() {
        taken_++;
        queued_--;
        queue_took_ = now_;
        attention_ = 2;
    }

    void offer() {
        if (sent_ == count_) return;
        if (next_offer_ > now_) {
            attention_ = 2;
            return;
        }
        if (queued_ + (queue_took_ == now_) >= shape_.command_queue) return;
        queue_since_[sent_++ % 64] = now_ + 1;
        queued_++;
        attention_ = 2;
        next_offer_ = now_ + 1 + shape_.command_gap;
    }
};

}  // namespace

extern "C" {
void* timing_create(const Shape* shape) { return new Model(*shape); }
void timing_destroy(void* model) { delete static_cast<Model*>(model); }
// Runs until idle or for `limit` cycles; returns how many times were recorded, if they are.
uint64_t timing_run(void* model, const Command* commands, uint64_t count, uint64_t limit,
                    uint32_t record, Outcome* outcome) {
    static_cast<Model*>(model)->run(commands, count, limit, record, *outcome);
    return static_cast<Model*>(model)->times.size();
}
void timing_times(void* model, Times* target) {
    const auto& times = static_cast<Model*>(model)->times;
    std::copy(times.begin(), times.end(), target);
}
}
