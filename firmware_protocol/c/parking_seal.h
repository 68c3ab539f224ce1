/* Sealed frames, SPEC.md section 12: AES-CMAC (RFC 4493) over what is sent, and the window against replays.
 *
 * You supply AES-128 of one block, which most microcontrollers have in hardware; this library does the rest.
 */
#ifndef PARKING_SEAL_H
#define PARKING_SEAL_H

#include "parking_frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PARKING_SEALED_HEADER_SIZE 6
#define PARKING_MAC_SIZE 8
#define PARKING_SEAL_OVERHEAD 14
#define PARKING_MAX_SEALED_BODY (PARKING_MAX_FRAME_SIZE - PARKING_SEAL_OVERHEAD)
#define PARKING_BLOCK_SIZE 16
#define PARKING_WINDOW 64

enum parking_direction { PARKING_UP = 0, PARKING_DOWN = 1 };

/* One key: encrypts one block with it, in place; `context` is yours. */
struct parking_key {
    uint8_t number;
    void (*encrypt)(void *context, uint8_t block[PARKING_BLOCK_SIZE]);
    void *context;
};

/* Who seals, and which way it goes: both are part of what the MAC covers. */
struct parking_seal {
    const struct parking_key *key;
    const char *device; /* device_size bytes, as in the topic */
    size_t device_size;
    enum parking_direction direction;
};

/* A sealed frame in its parts; they point into the bytes it came from. */
struct parking_sealed {
    uint8_t key;
    uint32_t counter;
    const uint8_t *body;
    size_t body_size;
    const uint8_t *mac; /* PARKING_MAC_SIZE bytes */
};

/* Which counters have been used. Zero it at first; keep it over restarts, with what the frames told. */
struct parking_window {
    bool any;
    uint32_t highest;
    uint32_t used[2]; /* bit n of the two together: highest - n was used */
};

/* The whole AES-CMAC of `size` bytes. */
void parking_cmac(const struct parking_key *key, const uint8_t *data, size_t size,
                  uint8_t mac[PARKING_BLOCK_SIZE]);

/* Writes the sealed frame around `body` (which must not overlap out) to out. Give *counter as one that was
 * never used; it is moved on. Keep it over restarts. */
enum parking_result parking_seal_encode(const struct parking_seal *seal, uint32_t *counter,
                                        const uint8_t *body, size_t body_size, uint8_t *out,
                                        size_t capacity, size_t *size);

/* Takes a sealed frame apart, without verifying it: to find out which key it names. */
enum parking_result parking_seal_split(const uint8_t *data, size_t size, struct parking_sealed *sealed);

/* Verifies the MAC, then the counter, and only then moves the window on: PARKING_OK, PARKING_FORGED or
 * PARKING_REPLAYED. `seal->key` must be the key with the number sealed->key. */
enum parking_result parking_seal_verify(const struct parking_seal *seal, const struct parking_sealed *sealed,
                                        struct parking_window *window);

#ifdef __cplusplus
}
#endif

#endif
