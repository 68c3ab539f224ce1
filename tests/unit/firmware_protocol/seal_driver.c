/* Seals and verifies on request; the block cipher is whoever reads our output, as AES would be a peripheral.
 *
 * In: "seal NUMBER DEVICE DIRECTION COUNTER BODY", "verify NUMBER DEVICE DIRECTION FRAME", "cmac BYTES",
 * "forget" (the window). Out, any number of times: "block BYTES", answered by a line of the encrypted bytes;
 * then "= ANSWER". Byte strings are hex digits, "-" if empty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parking_seal.h"

static char line[2000];

static size_t bytes_of(const char *hex, uint8_t *out) {
    size_t size = hex[0] == '-' ? 0 : strlen(hex) / 2;
    size_t i;
    for (i = 0; i < size; i++) {
        unsigned value = 0;
        if (sscanf(hex + 2 * i, "%2x", &value) != 1) {
            exit(2);
        }
        out[i] = (uint8_t)value;
    }
    return size;
}

static void print_bytes(const uint8_t *data, size_t size) {
    size_t i;
    for (i = 0; i < size; i++) {
        printf("%02x", data[i]);
    }
}

static void encrypt(void *context, uint8_t block[PARKING_BLOCK_SIZE]) {
    char answer[100];
    (void)context;
    printf("block ");
    print_bytes(block, PARKING_BLOCK_SIZE);
    printf("\n");
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) == NULL) {
        exit(3);
    }
    bytes_of(strtok(answer, "\r\n"), block);
}

static void seal(const struct parking_seal *seal, const char *counter, const char *body) {
    uint8_t data[300];
    size_t size = bytes_of(body, data);
    uint8_t *exact = malloc(size + PARKING_SEAL_OVERHEAD); /* so that a sanitizer sees one byte too many */
    size_t written = 0;
    uint32_t next = (uint32_t)strtoul(counter, NULL, 10);
    enum parking_result result =
        parking_seal_encode(seal, &next, data, size, exact, size + PARKING_SEAL_OVERHEAD, &written);
    printf("= %s %lu ", parking_result_name(result), (unsigned long)next);
    print_bytes(exact, written);
    free(exact);
}

static void verify(struct parking_seal *seal, const char *frame, struct parking_window *window) {
    struct parking_sealed sealed;
    size_t size = strlen(frame) / 2;
    uint8_t *data = malloc(size + 1);
    enum parking_result result = parking_seal_split(data, bytes_of(frame, data), &sealed);
    if (result == PARKING_OK) {
        result = parking_seal_verify(seal, &sealed, window);
    }
    printf("= %s %lu %08lx%08lx", parking_result_name(result), (unsigned long)window->highest,
           (unsigned long)window->used[1], (unsigned long)window->used[0]);
    free(data);
}

int main(void) {
    struct parking_window window = {0};
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *words[6] = {0};
        char *word = strtok(line, " \r\n");
        size_t count;
        struct parking_key key = {0};
        struct parking_seal whose = {0};
        for (count = 0; count < 6 && word != NULL; count++) {
            words[count] = word;
            word = strtok(NULL, " \r\n");
        }
        key.encrypt = encrypt;
        whose.key = &key;
        if (count >= 5) {
            key.number = (uint8_t)atoi(words[1]);
            whose.device = words[2];
            whose.device_size = strlen(words[2]);
            whose.direction = atoi(words[3]) == 0 ? PARKING_UP : PARKING_DOWN;
        }
        if (count == 6) {
            seal(&whose, words[4], words[5]);
        } else if (count == 5) {
            verify(&whose, words[4], &window);
        } else if (count == 2) {
            uint8_t data[1000];
            uint8_t mac[PARKING_BLOCK_SIZE];
            size_t size = bytes_of(words[1], data);
            parking_cmac(&key, data, size, mac);
            printf("= ");
            print_bytes(mac, sizeof mac);
        } else {
            memset(&window, 0, sizeof window);
            printf("= forgotten");
        }
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
