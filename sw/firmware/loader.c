/* Resident on a board: answers the frames of sw/board/frames.py, whose numbers come as defines. */
#include <string.h>

#include "runtime.h"
#ifdef WITH_SDRAM
#include "litedram.h"
#else
static void start_sdram(void) {}
#endif

#ifndef SILENCE /* cycles without a byte that end a frame */
#define SILENCE 100000
#endif

enum { HEADER = 5, TAIL = 4 }; /* magic, number, operation, length; CRC */

static uint8_t frame[HEADER + FRAME_MOST + TAIL];

/* What a restart must not forget: the request before this one (operation 0: none), and what
 * its RUN came to. Repeated, GO and RUN are answered, not done again. */
static struct {
    uint32_t number, operation;
    alh_outcome outcome;
} last __attribute__((section(".noinit")));

/* The number of the GO since which there were only pings, 0 for none. */
static uint32_t started __attribute__((section(".noinit")));

static uint32_t crc32(const uint8_t *data, size_t count) {
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = ~0u;
    for (; count; count--) {
        crc ^= *data++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static uint32_t word_at(const uint8_t *bytes) {
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* One byte, or -1 after a silence. */
static int byte(void) {
    int c = alh_getchar();
    if (c >= 0) return c;
    const uint32_t start = ALH_REGISTER(ALH_TIMER_NOW_LOW);
    do c = alh_getchar();
    while (c < 0 && ALH_REGISTER(ALH_TIMER_NOW_LOW) - start < SILENCE);
    return c;
}

/* Bytes of the payload of the next whole frame in `frame`, -1 for a broken one. */
static int receive(void) {
    size_t have = 1, want = HEADER;
    int c;
    do c = alh_getchar();
    while (c != FRAME_MAGIC);
    while (have < want) {
        if ((c = byte()) < 0) return -1;
        frame[have++] = (uint8_t)c;
        if (have == HEADER) {
            const size_t length = frame[3] | frame[4] << 8;
            if (length > FRAME_MOST) return -1;
            want = HEADER + length + TAIL;
        }
    }
    if (crc32(frame + 1, want - TAIL - 1) != word_at(frame + want - TAIL)) return -1;
    return (int)(want - HEADER - TAIL);
}

/* Send `count` bytes of payload that stand in `frame`, with its number. */
static void send(uint8_t operation, size_t count) {
    frame[0] = FRAME_MAGIC;
    frame[2] = operation;
    frame[3] = (uint8_t)count;
    frame[4] = (uint8_t)(count >> 8);
    const uint32_t crc = crc32(frame + 1, HEADER - 1 + count);
    memcpy(frame + HEADER + count, &crc, TAIL);
    for (size_t n = 0; n < HEADER + count + TAIL; n++) alh_putchar((char)frame[n]);
}

static void reply(size_t count) { send(frame[2] | FRAME_REPLY, count); }

static void ping(void) {
    const uint32_t words[3] = {FRAME_MOST, started, ALH_REGISTER(ALH_CONTROL_EXIT)};
    memcpy(frame + HEADER, words, sizeof words);
    memcpy(frame + HEADER + sizeof words, ALH_CONFIG_NAME, sizeof ALH_CONFIG_NAME - 1);
    reply(sizeof words + sizeof ALH_CONFIG_NAME - 1);
}

static void run(const uint8_t *payload, int again) {
    if (!again)
        last.outcome = alh_carry_out((const alh_command *)(uintptr_t)word_at(payload),
                                     word_at(payload + 4),
                                     (uint32_t *)(uintptr_t)word_at(payload + 8),
                                     word_at(payload + 12));
    memcpy(frame + HEADER, &last.outcome, sizeof last.outcome);
    reply(sizeof last.outcome);
}

static void go(const uint8_t *payload, int again) {
    const uint32_t entry = word_at(payload);
    last.operation = FRAME_GO;
    last.number = started = frame[1];
    reply(0);
    if (again) return;
    __asm__ volatile(ALH_FETCH_ANEW ::: "memory");
    ((void (*)(void))(uintptr_t)entry)();
}

int main(void) {
    start_sdram();
    if (ALH_REGISTER(ALH_CONTROL_ENDED)) {
        const uint32_t words[2] = {started, ALH_REGISTER(ALH_CONTROL_EXIT)};
        memcpy(frame + HEADER, words, sizeof words);
        frame[1] = 0;
        send(FRAME_ENDED, sizeof words);
    } else {
        last.operation = started = 0;
    }
    for (;;) {
        const int length = receive();
        uint8_t *payload = frame + HEADER;
        static const uint8_t least[] = {
            [FRAME_WRITE] = 4, [FRAME_READ] = 8, [FRAME_RUN] = 16, [FRAME_GO] = 4, [FRAME_RESET] = 0};
        const uint8_t number = frame[1], operation = frame[2];
        if (length < 0 || operation >= sizeof least || length < least[operation]) continue;
        const int again = last.number == number && last.operation == operation;
        last.operation = 0; /* not kept until it is whole */
        if (operation != FRAME_PING) started = 0;
        switch (operation) {
        case FRAME_PING: ping(); break;
        case FRAME_WRITE:
            memcpy((void *)(uintptr_t)word_at(payload), payload + 4, (size_t)length - 4);
            reply(0);
            break;
        case FRAME_READ: {
            const uint32_t count = word_at(payload + 4);
            if (count > FRAME_MOST) break;
            memcpy(payload, (const void *)(uintptr_t)word_at(payload), count);
            reply(count);
            break;
        }
        case FRAME_RUN: run(payload, again); break;
        case FRAME_GO: go(payload, again); break;
        case FRAME_RESET:
            reply(0);
            ALH_REGISTER(ALH_CONTROL_RESET) = 1;
            break;
        }
        last.number = number;
        last.operation = operation;
    }
}
