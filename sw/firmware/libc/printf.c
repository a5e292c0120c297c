/* printf and its family (stdio.h). */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "runtime.h"

typedef struct {
    char *to; /* NULL: the console */
    size_t size, count;
} sink;

typedef struct {
    bool left, zero, plus, space, alternate;
    int width, precision; /* precision -1: none */
} style;

static void put(sink *out, char c) {
    if (!out->to)
        alh_putchar(c);
    else if (out->count + 1 < out->size)
        out->to[out->count] = c;
    out->count++;
}

static void pad(sink *out, char c, int count) {
    while (count-- > 0) put(out, c);
}

/* `prefix`, zeros up to the wanted digits, `text`; padded to the width. */
static void field(sink *out, const style *s, const char *prefix, int zeros, const char *text,
                  int length) {
    const int used = (int)strlen(prefix) + zeros + length;
    if (!s->left && !s->zero) pad(out, ' ', s->width - used);
    while (*prefix) put(out, *prefix++);
    if (!s->left && s->zero) pad(out, '0', s->width - used);
    pad(out, '0', zeros);
    for (int i = 0; i < length; i++) put(out, text[i]);
    if (s->left) pad(out, ' ', s->width - used);
}

static int digits(char *end, uint64_t value, unsigned base, bool upper) {
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char *at = end;
    while (value >> 32) {
        *--at = set[value % base];
        value /= base;
    }
    for (uint32_t low = (uint32_t)value; low; low /= base) *--at = set[low % base];
    return (int)(end - at);
}

static void number(sink *out, style s, uint64_t value, bool negative, unsigned base, bool upper) {
    char text[24], *end = text + sizeof text;
    const int length = digits(end, value, base, upper);
    int zeros = s.precision < 0 ? (length == 0) : s.precision - length;
    const char *prefix = negative ? "-" : s.plus ? "+" : s.space ? " " : "";
    if (s.alternate && base == 16 && value) prefix = upper ? "0X" : "0x";
    if (s.precision >= 0) s.zero = false;
    field(out, &s, prefix, zeros > 0 ? zeros : 0, end - length, length);
}

static void real(sink *out, style s, double value) {
    char text[40], *end = text + sizeof text, *at = end;
    const int precision = s.precision < 0 ? 6 : s.precision > 9 ? 9 : s.precision;
    const bool negative = __builtin_signbit(value);
    const char *prefix = negative ? "-" : s.plus ? "+" : s.space ? " " : "";
    if (negative) value = -value;
    if (value != value || value > 1e18) {
        s.zero = false;
        field(out, &s, prefix, 0, value != value ? "nan" : "inf", 3);
        return;
    }
    uint64_t scale = 1;
    for (int i = 0; i < precision; i++) scale *= 10;
    uint64_t whole = (uint64_t)value;
    const double rest = (value - (double)whole) * (double)scale;
    uint64_t part = (uint64_t)rest;
    const double left = rest - (double)part;
    if (left > 0.5 || (left == 0.5 && (precision ? part & 1 : whole & 1))) part++;
    if (part >= scale) {
        part -= scale;
        whole++;
    }
    if (precision) {
        const int length = digits(at, part, 10, false);
        at -= length;
        for (int i = length; i < precision; i++) *--at = '0';
        *--at = '.';
    }
    const int length = digits(at, whole, 10, false);
    at -= length;
    if (!length) *--at = '0';
    field(out, &s, prefix, 0, at, (int)(end - at));
}

static const char *flags(const char *p, style *s, va_list *arguments) {
    for (;; p++) {
        if (*p == '-') s->left = true;
        else if (*p == '0') s->zero = true;
        else if (*p == '+') s->plus = true;
        else if (*p == ' ') s->space = true;
        else if (*p == '#') s->alternate = true;
        else break;
    }
    if (*p == '*') {
        s->width = va_arg(*arguments, int);
        if (s->width < 0) s->left = true, s->width = -s->width;
        p++;
    } else {
        while (*p >= '0' && *p <= '9') s->width = s->width * 10 + (*p++ - '0');
    }
    if (*p != '.') return p;
    s->precision = 0;
    if (*++p == '*') {
        s->precision = va_arg(*arguments, int);
        return p + 1;
    }
    while (*p >= '0' && *p <= '9') s->precision = s->precision * 10 + (*p++ - '0');
    return p;
}

static int print(sink *out, const char *p, va_list *arguments) {
    for (; *p; p++) {
        if (*p != '%') {
            put(out, *p);
            continue;
        }
        style s = {.precision = -1};
        p = flags(p + 1, &s, arguments);
        int longs = 0, shorts = 0;
        for (;; p++) {
            if (*p == 'l') longs++;
            else if (*p == 'j') longs = 2;
            else if (*p == 'h') shorts++;
            else if (*p != 'z' && *p != 't') break;
        }
        switch (*p) {
            case 'd':
            case 'i': {
                int64_t value = longs > 1 ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);
                if (shorts) value = shorts > 1 ? (signed char)value : (short)value;
                number(out, s, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, 10, false);
                break;
            }
            case 'u':
            case 'x':
            case 'X': {
                uint64_t value = longs > 1 ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned);
                if (shorts) value &= shorts > 1 ? 0xff : 0xffff;
                s.plus = s.space = false;
                number(out, s, value, false, *p == 'u' ? 10 : 16, *p == 'X');
                break;
            }
            case 'p':
                s.alternate = true;
                number(out, s, (uintptr_t)va_arg(*arguments, void *), false, 16, false);
                break;
            case 'c': {
                const char c = (char)va_arg(*arguments, int);
                field(out, &s, "", 0, &c, 1);
                break;
            }
            case 's': {
                const char *text = va_arg(*arguments, const char *);
                if (!text) text = "(null)";
                size_t length = 0;
                while ((s.precision < 0 || length < (size_t)s.precision) && text[length]) length++;
                s.zero = false;
                field(out, &s, "", 0, text, (int)length);
                break;
            }
            case 'f':
            case 'F':
            case 'g':
            case 'e':
                real(out, s, va_arg(*arguments, double));
                break;
            case '\0':
                return (int)out->count;
            default:
                put(out, *p);
        }
    }
    return (int)out->count;
}

int vprintf(const char *format, va_list arguments) {
    alh_wait();
    sink out = {0};
    va_list copy;
    va_copy(copy, arguments);
    const int count = print(&out, format, &copy);
    va_end(copy);
    return count;
}

int printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int count = vprintf(format, arguments);
    va_end(arguments);
    return count;
}

int vsnprintf(char *to, size_t size, const char *format, va_list arguments) {
    char nothing;
    sink out = {.to = to ? to : &nothing, .size = size};
    va_list copy;
    va_copy(copy, arguments);
    const int count = print(&out, format, &copy);
    va_end(copy);
    if (size) to[(size_t)count < size ? (size_t)count : size - 1] = '\0';
    return count;
}

int snprintf(char *to, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int count = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return count;
}

int putchar(int c) {
    alh_putchar((char)c);
    return c;
}

int puts(const char *text) {
    alh_wait();
    while (*text) alh_putchar(*text++);
    alh_putchar('\n');
    return 1;
}
