/* Sealed frames of SPEC.md, section 12. The MAC is made piece by piece, so nothing is copied together. */
#include "parking_seal.h"

#define HEAD (PARKING_VERSION << 4 | PARKING_SEALED)
#define POLYNOMIAL 0x87u
#define PADDING 0x80u

/* AES-CMAC under way: `block` holds the chained value, into which `filled` bytes have been added. */
struct cmac {
    const struct parking_key *key;
    uint8_t block[PARKING_BLOCK_SIZE];
    unsigned filled;
};

static void clear(uint8_t block[PARKING_BLOCK_SIZE]) {
    unsigned i;
    for (i = 0; i < PARKING_BLOCK_SIZE; i++) {
        block[i] = 0;
    }
}

/* Doubles in the field of RFC 4493, without a branch on the key's bits. */
static void double_block(uint8_t block[PARKING_BLOCK_SIZE]) {
    unsigned i;
    uint8_t carry = (uint8_t)(0u - (unsigned)(block[0] >> 7));
    for (i = 0; i < PARKING_BLOCK_SIZE - 1; i++) {
        block[i] = (uint8_t)(((unsigned)block[i] << 1 | block[i + 1] >> 7) & 0xFFu);
    }
    block[i] = (uint8_t)((((unsigned)block[i] << 1) & 0xFFu) ^ (carry & POLYNOMIAL));
}

static void cmac_begin(struct cmac *cmac, const struct parking_key *key) {
    cmac->key = key;
    cmac->filled = 0;
    clear(cmac->block);
}

/* A full block is encrypted only when more follows: the last one is treated apart. */
static void cmac_add(struct cmac *cmac, const uint8_t *data, size_t size) {
    size_t i;
    for (i = 0; i < size; i++) {
        if (cmac->filled == PARKING_BLOCK_SIZE) {
            cmac->key->encrypt(cmac->key->context, cmac->block);
            cmac->filled = 0;
        }
        cmac->block[cmac->filled] = (uint8_t)(cmac->block[cmac->filled] ^ data[i]);
        cmac->filled++;
    }
}

static void cmac_end(struct cmac *cmac, uint8_t mac[PARKING_BLOCK_SIZE]) {
    uint8_t subkey[PARKING_BLOCK_SIZE];
    unsigned i;
    clear(subkey);
    cmac->key->encrypt(cmac->key->context, subkey);
    double_block(subkey);
    if (cmac->filled < PARKING_BLOCK_SIZE) {
        double_block(subkey);
        cmac->block[cmac->filled] = (uint8_t)(cmac->block[cmac->filled] ^ PADDING);
    }
    for (i = 0; i < PARKING_BLOCK_SIZE; i++) {
        mac[i] = (uint8_t)(cmac->block[i] ^ subkey[i]);
    }
    cmac->key->encrypt(cmac->key->context, mac);
}

void parking_cmac(const struct parking_key *key, const uint8_t *data, size_t size,
                  uint8_t mac[PARKING_BLOCK_SIZE]) {
    struct cmac cmac;
    cmac_begin(&cmac, key);
    cmac_add(&cmac, data, size);
    cmac_end(&cmac, mac);
}

/* The MAC over device, direction and the signed part of a sealed frame. */
static void make_mac(const struct parking_seal *seal, const uint8_t *data, size_t size,
                     uint8_t mac[PARKING_BLOCK_SIZE]) {
    struct cmac cmac;
    uint8_t byte = (uint8_t)seal->device_size;
    cmac_begin(&cmac, seal->key);
    cmac_add(&cmac, &byte, 1);
    cmac_add(&cmac, (const uint8_t *)seal->device, seal->device_size);
    byte = (uint8_t)seal->direction;
    cmac_add(&cmac, &byte, 1);
    cmac_add(&cmac, data, size);
    cmac_end(&cmac, mac);
}

enum parking_result parking_seal_encode(const struct parking_seal *seal, uint32_t *counter,
                                        const uint8_t *body, size_t body_size, uint8_t *out,
                                        size_t capacity, size_t *size) {
    uint8_t mac[PARKING_BLOCK_SIZE];
    size_t i;
    if (seal->device_size == 0 || seal->device_size > 255) {
        return PARKING_BAD_DEVICE;
    }
    if (body_size > PARKING_MAX_SEALED_BODY) {
        return PARKING_TOO_LONG;
    }
    if (body_size == 0 || body[0] == HEAD || body[0] == (PARKING_VERSION << 4 | PARKING_BUNDLE)) {
        return PARKING_BAD_TYPE;
    }
    if (capacity < PARKING_SEAL_OVERHEAD + body_size) {
        return PARKING_NO_SPACE;
    }
    if (*counter == 0xFFFFFFFFu) {
        return PARKING_USED_UP;
    }
    out[0] = HEAD;
    out[1] = seal->key->number;
    for (i = 0; i < 4; i++) {
        out[2 + i] = (uint8_t)((*counter >> (24u - 8u * i)) & 0xFFu);
    }
    for (i = 0; i < body_size; i++) {
        out[PARKING_SEALED_HEADER_SIZE + i] = body[i];
    }
    make_mac(seal, out, PARKING_SEALED_HEADER_SIZE + body_size, mac);
    for (i = 0; i < PARKING_MAC_SIZE; i++) {
        out[PARKING_SEALED_HEADER_SIZE + body_size + i] = mac[i];
    }
    *size = PARKING_SEAL_OVERHEAD + body_size;
    ++*counter;
    return PARKING_OK;
}

enum parking_result parking_seal_split(const uint8_t *data, size_t size, struct parking_sealed *sealed) {
    if (size == 0) {
        return PARKING_TRUNCATED;
    }
    if (data[0] >> 4 != PARKING_VERSION) {
        return PARKING_BAD_VERSION;
    }
    if (data[0] != HEAD) {
        return PARKING_BAD_TYPE;
    }
    if (size > PARKING_MAX_FRAME_SIZE) {
        return PARKING_TOO_LONG;
    }
    if (size < PARKING_SEAL_OVERHEAD) {
        return PARKING_TRUNCATED;
    }
    sealed->key = data[1];
    sealed->counter =
        ((uint32_t)data[2] << 24) | ((uint32_t)data[3] << 16) | ((uint32_t)data[4] << 8) | data[5];
    sealed->body = data + PARKING_SEALED_HEADER_SIZE;
    sealed->body_size = size - PARKING_SEAL_OVERHEAD;
    sealed->mac = data + size - PARKING_MAC_SIZE;
    return PARKING_OK;
}

/* Marks the counter as used; false if it is used already, or too old to know. */
static bool use(struct parking_window *window, uint32_t counter) {
    uint32_t back = window->highest - counter;
    uint32_t ahead = counter - window->highest;
    if (!window->any || counter > window->highest) {
        if (!window->any || ahead >= PARKING_WINDOW) {
            window->used[1] = 0;
            window->used[0] = 0;
        } else if (ahead >= 32) {
            window->used[1] = window->used[0] << (ahead - 32);
            window->used[0] = 0;
        } else {
            window->used[1] = (window->used[1] << ahead) | (window->used[0] >> (32 - ahead));
            window->used[0] <<= ahead;
        }
        window->used[0] |= 1u;
        window->highest = counter;
        window->any = true;
        return true;
    }
    if (back >= PARKING_WINDOW || ((window->used[back / 32] >> (back % 32)) & 1u) != 0) {
        return false;
    }
    window->used[back / 32] |= (uint32_t)1 << (back % 32);
    return true;
}

enum parking_result parking_seal_verify(const struct parking_seal *seal, const struct parking_sealed *sealed,
                                        struct parking_window *window) {
    uint8_t mac[PARKING_BLOCK_SIZE];
    uint8_t differs = 0;
    unsigned i;
    if (seal->device_size == 0 || seal->device_size > 255) {
        return PARKING_BAD_DEVICE;
    }
    make_mac(seal, sealed->body - PARKING_SEALED_HEADER_SIZE,
             PARKING_SEALED_HEADER_SIZE + sealed->body_size, mac);
    for (i = 0; i < PARKING_MAC_SIZE; i++) {
        differs = (uint8_t)(differs | (mac[i] ^ sealed->mac[i]));
    }
    if (differs != 0 || seal->key->number != sealed->key) {
        return PARKING_FORGED;
    }
    if (seal->direction == PARKING_DOWN && window->any && sealed->counter <= window->highest) {
        return PARKING_REPLAYED; /* commands are taken in order only */
    }
    return use(window, sealed->counter) ? PARKING_OK : PARKING_REPLAYED;
}
