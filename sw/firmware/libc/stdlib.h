/* The part of <stdlib.h> that programs without an operating system use. */
#ifndef ALHENA_STDLIB_H
#define ALHENA_STDLIB_H

#include <stddef.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX 0x7fffffff

/* Waits for the accelerator, then ends the program. */
_Noreturn void exit(int code);
_Noreturn void abort(void);
int abs(int value);
int rand(void);
void srand(unsigned seed);
/* From the region's free end; free() gives nothing back. NULL when it is full. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *block);

#endif
