// An SDRAM chip of single data rate: 4 banks of 8,192 rows of 512 words of 16 bits, bursts of one.
// What a controller does that the data sheets forbid is a violation. Times are the slowest among
// MT48LC16M16A2-75, IS42S16160G-7 and AS4C32M16SB-7.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

struct SdramPins {
    bool cke, cs_n, ras_n, cas_n, we_n;
    uint32_t ba, a, dm, dq, driven;  // `driven`: which bits of dq the controller drives
};

class Sdram {
   public:
    static constexpr uint32_t BANKS = 4, ROWS = 8192, COLUMNS = 512;
    static constexpr uint64_t BYTES = uint64_t(BANKS) * ROWS * COLUMNS * 2;
    static constexpr double RCD = 21, RP = 21, RAS = 44, RC = 66, RRD = 15, WR = 15, RFC = 66;
    static constexpr double POWER_UP = 100e3, REFRESH = 64e6 / ROWS;  // all in nanoseconds
    static constexpr uint32_t MODE_CYCLES = 2, POSTPONED = 8;

    explicit Sdram(double period_ns)
        : period_(period_ns), cells_(static_cast<uint16_t*>(calloc(BYTES, 1))) {}
    ~Sdram() { free(cells_); }
    Sdram(const Sdram&) = delete;

    uint8_t* bytes() { return reinterpret_cast<uint8_t*>(cells_); }
    const std::string& violation() const { return violation_; }

    // A rising edge of its clock; then what it drives, or noise.
    uint16_t edge(const SdramPins& pins) {
        now_++;
        const bool awake = awake_;
        awake_ = pins.cke;
        if (awake && !pins.cs_n) command(pins);
        close_due();
        return drive(pins);
    }

   private:
    static constexpr uint32_t LONGEST = 4;  // cycles from a command to its last effect
    struct Bank {
        bool open = false, closing = false;
        uint32_t row = 0;
        double closes = 0;  // cycle of an automatic precharge
        int64_t activated = -1000000, precharged = -1000000, written = -1000000;
    };
    struct Answer {
        bool valid = false;
        uint16_t word = 0;
    };

    const double period_;
    uint16_t* const cells_;
    Bank banks_[BANKS];
    Answer answers_[LONGEST];
    uint32_t masks_[LONGEST] = {};
    std::string violation_;
    int64_t now_ = 0, activated_ = -1000000, refreshed_ = -1000000, moded_ = -1000000;
    int64_t first_ = -1;  // the first row was opened: from here on contents matter
    uint64_t refreshes_ = 0, start_refreshes_ = 0;
    uint32_t mode_ = ~0u;
    bool awake_ = false, driving_ = false;

    void violate(const char* what, uint32_t bank) {
        if (!violation_.empty()) return;
        char text[160];
        snprintf(text, sizeof text, "SDRAM, cycle %lld, bank %u: %s", (long long)now_, bank, what);
        violation_ = text;
    }
    void least(int64_t since, double ns, const char* what, uint32_t bank) {
        if (double(now_ - since) * period_ < ns - 1e-6) violate(what, bank);
    }
    uint32_t latency() const { return mode_ >> 4 & 7; }

    void command(const SdramPins& pins) {
        const uint32_t code = pins.ras_n << 2 | pins.cas_n << 1 | pins.we_n;
        if (code != 7 && now_ - moded_ < MODE_CYCLES) violate("a command within tMRD", pins.ba);
        if (code != 7) least(refreshed_, RFC, "a command within tRFC", pins.ba);
        switch (code) {
            case 0: return set_mode(pins);
            case 1: return refresh();
            case 2: return precharge(pins);
            case 3: return activate(pins);
            case 4: return access(pins, true);
            case 5: return access(pins, false);
            default: return;  // no operation; nothing to terminate
        }
    }

    bool idle() const {
        for (const Bank& bank : banks_)
            if (bank.open) return false;
        return true;
    }

    void set_mode(const SdramPins& pins) {
        if (!idle()) violate("a mode while a row is open", pins.ba);
        if (double(now_) * period_ < POWER_UP) violate("a mode within 100 us of power-up", pins.ba);
        mode_ = pins.ba << 13 | pins.a;
        moded_ = now_;
    }

    void refresh() {
        if (!idle()) violate("a refresh while a row is open", 0);
        for (uint32_t n = 0; n < BANKS; n++) least(banks_[n].precharged, RP, "a refresh within tRP", n);
        if (first_ >= 0) overdue();
        refreshed_ = now_;
        refreshes_++;
    }

    // Up to eight refreshes may be behind.
    void overdue() {
        const double due = double(now_ - first_) * period_ / REFRESH;
        if (due > double(refreshes_ - start_refreshes_ + POSTPONED + 1)) violate("a refresh is overdue", 0);
    }

    void close(Bank& bank, uint32_t number) {
        if (!bank.open) return;
        least(bank.activated, RAS, "a precharge within tRAS", number);
        least(bank.written, WR, "a precharge within tWR", number);
        bank.open = bank.closing = false;
        bank.precharged = now_;
    }

    void precharge(const SdramPins& pins) {
        for (uint32_t n = 0; n < BANKS; n++)
            if (pins.a >> 10 & 1 || n == pins.ba) close(banks_[n], n);
    }

    void activate(const SdramPins& pins) {
        Bank& bank = banks_[pins.ba];
        if (first_ < 0) {
            if (mode_ & ~0x30u || (latency() != 2 && latency() != 3))
                violate("a row is opened without a mode of CL 2 or 3 and bursts of one", pins.ba);
            if (refreshes_ < 2) violate("a row is opened before two refreshes", pins.ba);
            first_ = now_;
            start_refreshes_ = refreshes_;
        }
        overdue();
        if (bank.open) violate("a second row is opened", pins.ba);
        least(bank.precharged, RP, "a row is opened within tRP", pins.ba);
        least(bank.activated, RC, "a row is opened within tRC", pins.ba);
        least(activated_, RRD, "a row is opened within tRRD", pins.ba);
        bank.open = true;
        bank.row = pins.a;
        bank.activated = activated_ = now_;
    }

    void access(const SdramPins& pins, bool write) {
        Bank& bank = banks_[pins.ba];
        if (!bank.open || bank.closing) return violate("an access without an open row", pins.ba);
        least(bank.activated, RCD, "an access within tRCD", pins.ba);
        const uint64_t at = (uint64_t(bank.row) * BANKS + pins.ba) * COLUMNS + pins.a % COLUMNS;
        if (write) {
            if (pins.driven != 0xffff) violate("nobody drives what is written", pins.ba);
            const uint32_t keep = (pins.dm & 1 ? 0x00ff : 0) | (pins.dm & 2 ? 0xff00 : 0);
            cells_[at] = uint16_t((cells_[at] & keep) | (pins.dq & ~keep));
            bank.written = now_;
        } else {
            answers_[(now_ + latency() - 1) % LONGEST] = {true, cells_[at]};
        }
        if (pins.a >> 10 & 1) {  // as soon as tRAS and tWR allow it
            const double ras = double(bank.activated) + RAS / period_;
            const double wr = double(bank.written) + WR / period_;
            bank.closing = true;
            bank.closes = ras > wr ? ras : wr;
        }
    }

    void close_due() {
        for (Bank& bank : banks_) {
            if (!bank.closing || double(now_) < bank.closes) continue;
            bank.open = bank.closing = false;
            bank.precharged = now_;
        }
    }

    // Read masks count two cycles later.
    uint16_t drive(const SdramPins& pins) {
        const uint32_t mask = masks_[(now_ - 1) % LONGEST];
        masks_[now_ % LONGEST] = pins.dm;
        Answer& answer = answers_[now_ % LONGEST];
        const uint16_t noise = uint16_t(0x9e37 * now_);
        if (pins.driven && (driving_ || answer.valid)) violate("both sides drive the data", 0);
        driving_ = answer.valid;
        if (!answer.valid) return noise;
        answer.valid = false;
        const uint16_t hidden = (mask & 1 ? 0x00ff : 0) | (mask & 2 ? 0xff00 : 0);
        return uint16_t((answer.word & ~hidden) | (noise & hidden));
    }
};
