/* The part of <stdio.h> that programs without an operating system use. */
#ifndef ALHENA_STDIO_H
#define ALHENA_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)
#define stdout ((void *)0)
#define stderr ((void *)0)
#define fflush(stream) ((void)(stream))
#define fprintf(stream, ...) ((void)(stream), printf(__VA_ARGS__))

/* d i u x X p c s % f, flags - 0 + space #, width, precision, *, lengths hh h l ll z t j. Waits for
 * the accelerator first, so that what is printed is what it wrote. */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *format, va_list arguments);
int snprintf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *to, size_t size, const char *format, va_list arguments);
int putchar(int c);
int puts(const char *text);

#endif
