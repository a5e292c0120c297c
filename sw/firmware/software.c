/* The same network in plain C on the core alone: what the accelerator is compared with. */
#include <string.h>

#include "network.h"
#include "runtime.h"

enum { MAX_CHANNELS = 1024 };

/* float32 product, nearest integer with ties to even, within int8. */
static int8_t requantise(int32_t value, float scale, int relu) {
    if (relu && value < 0) value = 0;
    const float product = (float)value * scale;
    if (product >= 127.0f) return 127;
    if (product <= -128.0f) return -128;
    const float magic = 12582912.0f; /* 1.5 * 2^23: the sum's last bit is worth 1 */
    union {
        float f;
        int32_t i;
    } sum = {product + magic}, zero = {magic};
    return (int8_t)(sum.i - zero.i);
}

/* One output pixel of all channels: sums += taps * weights. */
static void pixel(const layer_record *l, const int8_t *image, int32_t row, int32_t col,
                  int32_t *restrict sums) {
    const int8_t *weights = (const int8_t *)(uintptr_t)l->weights;
    const uint32_t outs = l->out_c, ins = l->in_c;
    for (uint32_t ky = 0; ky < l->kernel; ky++) {
        for (uint32_t kx = 0; kx < l->kernel; kx++) {
            const int32_t y = row + (int32_t)ky, x = col + (int32_t)kx;
            const int8_t *w = weights + (ky * l->kernel + kx) * ins * outs;
            if ((uint32_t)y >= l->in_h || (uint32_t)x >= l->in_w) continue;
            const int8_t *taps = image + ((uint32_t)y * l->in_w + (uint32_t)x) * ins;
            for (uint32_t c = 0; c < ins; c++, w += outs) {
                const int32_t tap = taps[c];
                if (!tap) continue;
                for (uint32_t o = 0; o < outs; o++) sums[o] += tap * w[o];
            }
        }
    }
}

static void layer_of(const layer_record *l, const int8_t *image, int8_t *out) {
    static int32_t sums[MAX_CHANNELS];
    const int32_t *bias = (const int32_t *)(uintptr_t)l->bias;
    const int32_t padding = (int32_t)l->padding;
    float scale;
    memcpy(&scale, &l->scale, sizeof scale);
    for (uint32_t y = 0; y < l->out_h; y++) {
        for (uint32_t x = 0; x < l->out_w; x++) {
            memcpy(sums, bias, l->out_c * sizeof *sums);
            pixel(l, image, (int32_t)(y * l->stride) - padding, (int32_t)(x * l->stride) - padding,
                  sums);
            for (uint32_t o = 0; o < l->out_c; o++) *out++ = requantise(sums[o], scale, l->relu);
        }
    }
}

int main(void) {
    network_table *table = network_find();
    uint32_t total = 0;
    for (uint32_t i = 0; i < table->layers; i++) {
        layer_record *l = &table->layer[i];
        const uint32_t in = l->in_h * l->in_w * l->in_c, out = l->out_h * l->out_w * l->out_c;
        if (l->out_c > MAX_CHANNELS) {
            printf("layer %u has %u channels; the limit is %d\n", (unsigned)i, (unsigned)l->out_c,
                   MAX_CHANNELS);
            return 3;
        }
        alh_mark(i + 1);
        const uint64_t start = alh_cycles();
        for (uint32_t n = 0; n < table->images; n++)
            layer_of(l, (const int8_t *)(uintptr_t)l->input + n * in,
                     (int8_t *)(uintptr_t)l->output + n * out);
        l->cycles = (uint32_t)(alh_cycles() - start);
        total += l->cycles;
        printf("layer %u: %u cycles\n", (unsigned)i, (unsigned)l->cycles);
    }
    printf("%u images, %u cycles each\n", (unsigned)table->images,
           (unsigned)(total / table->images));
    return 0;
}
