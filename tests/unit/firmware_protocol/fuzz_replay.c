/* Gives each line of hex digits to the fuzz target, without a fuzzer: any compiler will do. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(void) {
    static char line[200000];
    unsigned long count = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t size = strcspn(line, "\r\n") / 2;
        uint8_t *data = malloc(size > 0 ? size : 1); /* exactly so long, for the sanitizer */
        size_t i;
        for (i = 0; i < size; i++) {
            unsigned value = 0;
            if (data == NULL || sscanf(line + 2 * i, "%2x", &value) != 1) {
                return 2;
            }
            data[i] = (uint8_t)value;
        }
        LLVMFuzzerTestOneInput(data, size);
        free(data);
        count++;
    }
    printf("%lu", count);
    return 0;
}
