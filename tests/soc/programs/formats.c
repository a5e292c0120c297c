/* printf's formats, and the rest of the small C library. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOW(...) (printf(__VA_ARGS__), putchar('\n'))

int main(void) {
    SHOW("%d|%5d|%-5d|%05d|%+d|% d", -42, 42, 42, 42, 42, 42);
    SHOW("%u|%x|%X|%#x|%08x", 4000000000u, 48879u, 48879u, 255u, 255u);
    SHOW("%lld|%llu|%llx", -1234567890123456789ll, 12345678901234567890ull, 0xfedcba9876543210ull);
    SHOW("%s|%10s|%-10s|%.3s|%c|%%", "text", "text", "text", "text", 'x');
    SHOW("%f|%.2f|%8.3f|%.0f|%f", 3.14159265, -2.5, 1e3 / 7, 2.5, 0.0);
    SHOW("%ld|%zu|%hhd|%hu", -7l, sizeof(long), 300, 70000);
    SHOW("%*d|%.*s", 6, 12, 2, "abcdef");
    char text[8];
    const int length = snprintf(text, sizeof text, "%d-%d", 12345, 67890);
    SHOW("%s %d", text, length);
    SHOW("%d %d %d", strcmp("abc", "abd") < 0, strcmp("b", "a") > 0, strncmp("abc", "abx", 2));
    char *block = malloc(100);
    memset(block, 7, 100);
    memmove(block + 1, block, 99);
    SHOW("%d %d", memcmp(block, block + 1, 99), malloc(1u << 30) == NULL);
    return (int)strlen("exit");
}
