/* The little of the C library that programs need. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

/* A program that ends well while a command was refused did not end well. */
_Noreturn void exit(int code) {
    if (code == 0) alh_check();
    alh_exit(code);
}
_Noreturn void abort(void) {
    puts("abort");
    exit(134);
}
int abs(int value) { return value < 0 ? -value : value; }

static uint32_t seed = 1;
void srand(unsigned value) { seed = value; }
/* Weak: test programs bring their own. */
__attribute__((weak)) int rand(void) {
    seed = seed * 1103515245u + 12345u;
    return (int)(seed >> 1);
}

void *malloc(size_t size) {
    extern char __heap_start[], __heap_end[];
    static char *next;
    if (!next) next = __heap_start;
    char *block = (char *)(((uintptr_t)next + 63) & ~(uintptr_t)63);
    if (block > __heap_end || size > (size_t)(__heap_end - block)) return NULL;
    next = block + size;
    return block;
}
void *calloc(size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) return NULL;
    void *block = malloc(count * size);
    return block ? memset(block, 0, count * size) : NULL;
}
void free(void *block) { (void)block; }

size_t strlen(const char *text) {
    const char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}
int strncmp(const char *a, const char *b, size_t count) {
    for (; count; a++, b++, count--) {
        if (*a != *b) return (unsigned char)*a - (unsigned char)*b;
        if (!*a) break;
    }
    return 0;
}
int strcmp(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX); }
char *strcpy(char *to, const char *from) {
    memcpy(to, from, strlen(from) + 1);
    return to;
}
