/* <assert.h>: a failed assertion is printed and ends the program. */
#undef assert
#include <stdio.h>
#include <stdlib.h>
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition)                                                               \
    ((condition) ? (void)0                                                              \
                 : (printf("%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition), \
                    exit(1)))
#endif
