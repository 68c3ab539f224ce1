/* The sensor frame of SPEC.md, version 1: encoder and decoder for sensors and gateways.
 *
 * C99 with freestanding headers only. The caller owns all memory, nothing is allocated, nothing is global,
 * no floating point. Decoded frames point into the bytes they came from: keep those while you use them.
 */
#ifndef PARKING_FRAME_H
#define PARKING_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PARKING_VERSION 1
#define PARKING_STATE_SIZE 11
#define PARKING_HEALTH_SIZE 5
#define PARKING_ACK_SIZE 8
#define PARKING_BUNDLE_HEADER_SIZE 4
#define PARKING_MAX_FRAME_SIZE 255
#define PARKING_MAX_BUNDLE_SIZE 65535u
#define PARKING_MAX_DEVICE_SIZE 32
#define PARKING_MAX_DURATION_S 1966020u /* stands for "this long or longer" */
#define PARKING_BATTERY_UNKNOWN 0xFFFFu /* for battery_mv */
#define PARKING_TEMPERATURE_UNKNOWN (-128)

/* What each call answers; anything but OK (and END of an iteration) is an error. */
enum parking_result {
    PARKING_OK = 0,
    PARKING_END,         /* no further element */
    PARKING_TRUNCATED,   /* fewer bytes than the form needs */
    PARKING_BAD_VERSION, /* not version 1 */
    PARKING_BAD_TYPE,    /* a type this call does not take */
    PARKING_BAD_TLV,     /* an optional value ends behind the last byte */
    PARKING_TOO_LONG,    /* more bytes than a frame, bundle or value may have */
    PARKING_BAD_DEVICE,  /* a device id that is not 1 to 32 of a-z 0-9 . _ - */
    PARKING_BAD_VALUE,   /* a field that does not fit */
    PARKING_NO_SPACE,    /* the caller's buffer is too small */
    PARKING_FORGED,      /* a sealed frame whose MAC is not that of its bytes */
    PARKING_REPLAYED,    /* a sealed frame whose counter has been used, or is too old to know */
    PARKING_USED_UP      /* no counter is left under this key */
};

enum parking_type {
    PARKING_EVENT = 1,
    PARKING_HEARTBEAT = 2,
    PARKING_BOOT = 3,
    PARKING_HEALTH = 4,
    PARKING_BUNDLE = 5,
    PARKING_SEALED = 7,  /* parking_seal.h */
    PARKING_COMMAND = 8, /* parking_command.h */
    PARKING_ACK = 9
};

enum parking_state { PARKING_VACANT = 0, PARKING_OCCUPIED = 1, PARKING_UNKNOWN = 2, PARKING_FAULT = 3 };

enum parking_reset {
    PARKING_RESET_UNKNOWN = 0,
    PARKING_RESET_POWER_ON = 1,
    PARKING_RESET_BROWN_OUT = 2,
    PARKING_RESET_WATCHDOG = 3,
    PARKING_RESET_SOFTWARE = 4,
    PARKING_RESET_PIN = 5,
    PARKING_RESET_CRASH = 6,
    PARKING_RESET_UPDATE = 7
};

enum parking_outcome {
    PARKING_DONE = 0,
    PARKING_UNSUPPORTED = 1,
    PARKING_INVALID = 2,
    PARKING_FAILED = 3
};

enum parking_tlv_type {
    PARKING_TLV_FIRMWARE = 1,      /* text */
    PARKING_TLV_HARDWARE = 2,      /* text */
    PARKING_TLV_RESET_CAUSE = 3,   /* 1 byte, enum parking_reset */
    PARKING_TLV_RSSI = 4,          /* 1 byte, signed, dBm */
    PARKING_TLV_UPTIME = 5,        /* 4 bytes, s */
    PARKING_TLV_HEARTBEAT = 6,     /* 2 bytes, s */
    PARKING_TLV_FRAMES_SENT = 7,   /* 4 bytes */
    PARKING_TLV_FRAMES_FAILED = 8, /* 4 bytes */
    PARKING_TLV_DEBOUNCE = 9,      /* 2 bytes, ms */
    PARKING_TLV_TIME = 10,         /* 4 bytes, s since 1970 */
    PARKING_TLV_VENDOR = 128       /* 128 to 255 are yours */
};

/* A state frame (event, heartbeat, boot), a health frame, or an ack. What a type does not have is zero:
 * health has no state to previous_s, an ack only boot, command and outcome, the others not these two. */
struct parking_frame {
    uint8_t type;         /* enum parking_type: one of these five */
    uint8_t state;        /* enum parking_state */
    uint8_t boot;         /* +1 at each start, kept over power loss */
    uint16_t seq;         /* +1 for each transition, 0 at start */
    uint32_t age_s;       /* since the transition, at the time of this very transmission */
    uint32_t previous_s;  /* duration of the state before, if previous_known */
    uint16_t battery_mv;  /* held within 2000 to 4540, or PARKING_BATTERY_UNKNOWN */
    int8_t temperature_c; /* or PARKING_TEMPERATURE_UNKNOWN */
    bool previous_known;
    bool battery_low;
    bool calibrating;
    uint8_t outcome;     /* enum parking_outcome, or a later version's */
    uint32_t command;    /* id of the command that is answered */
    const uint8_t *tlvs; /* optional values, one behind the other; NULL if tlvs_size is 0 */
    size_t tlvs_size;
};

/* The stable name of a result, such as "truncated"; the same as in SPEC.md and the Python codec. */
const char *parking_result_name(enum parking_result result);

/* Seconds to 16 bits and back (SPEC.md, section 3). */
uint16_t parking_pack_duration(uint32_t seconds);
uint32_t parking_unpack_duration(uint16_t value);

/* Reads one frame. On an error *frame is not to be used. */
enum parking_result parking_frame_decode(const uint8_t *data, size_t size, struct parking_frame *frame);

/* Writes one frame to out (which tlvs must not overlap) and its length to *size. */
enum parking_result parking_frame_encode(const struct parking_frame *frame, uint8_t *out, size_t capacity,
                                         size_t *size);

/* Optional values. */
struct parking_tlv {
    uint8_t type;
    uint8_t size;
    const uint8_t *value;
};

struct parking_tlv_reader {
    const uint8_t *at;
    size_t left;
};

/* PARKING_OK if these bytes are whole values, one behind the other; else PARKING_BAD_TLV. */
enum parking_result parking_tlv_check(const uint8_t *tlvs, size_t size);

/* The next value; PARKING_END behind the last one. Skip the types that you do not know. */
enum parking_result parking_tlv_next(struct parking_tlv_reader *reader, struct parking_tlv *tlv);

/* The unsigned number in a value of 1, 2 or 4 bytes; false for other sizes. */
bool parking_tlv_number(const struct parking_tlv *tlv, uint32_t *number);

/* Appends a value to tlvs[0 .. *size) and moves *size on. */
enum parking_result parking_tlv_append(uint8_t *tlvs, size_t capacity, size_t *size, uint8_t type,
                                       const uint8_t *value, size_t value_size);

/* Appends the lower `width` (1, 2 or 4) bytes of a number; cast a signed one to uint32_t. */
enum parking_result parking_tlv_append_number(uint8_t *tlvs, size_t capacity, size_t *size, uint8_t type,
                                              uint32_t number, size_t width);

/* A gateway's bundle, written entry by entry; after each call *size of the writer is a whole bundle. */
struct parking_bundle_writer {
    uint8_t *out;
    size_t capacity;
    size_t size;
    uint16_t count;
    bool closed; /* optional values follow, so no entry may */
};

enum parking_result parking_bundle_begin(struct parking_bundle_writer *writer, uint8_t *out, size_t capacity);

/* Adds one frame as it was received; delay_s is how long the gateway has held it at the time of sending. */
enum parking_result parking_bundle_add(struct parking_bundle_writer *writer, const char *device,
                                       size_t device_size, uint32_t delay_s, const uint8_t *frame,
                                       size_t frame_size);

/* Adds an optional value of the bundle itself; call it after the last entry. */
enum parking_result parking_bundle_add_tlv(struct parking_bundle_writer *writer, uint8_t type,
                                           const uint8_t *value, size_t value_size);

/* A bundle, read entry by entry. */
struct parking_bundle_reader {
    const uint8_t *data;
    size_t size;
    size_t at;
    uint16_t left;
};

struct parking_bundle_entry {
    const char *device; /* not terminated; device_size bytes */
    size_t device_size;
    uint32_t delay_s;
    const uint8_t *raw; /* the frame's bytes as received */
    size_t raw_size;
    enum parking_result result; /* of this entry alone; frame is valid if PARKING_OK */
    struct parking_frame frame;
};

enum parking_result parking_bundle_open(struct parking_bundle_reader *reader, const uint8_t *data,
                                        size_t size);

/* PARKING_OK: an entry, good or bad (see its result); PARKING_END: that was all; else the rest is lost. */
enum parking_result parking_bundle_next(struct parking_bundle_reader *reader,
                                        struct parking_bundle_entry *entry);

/* After PARKING_END: the optional values of the bundle itself. */
enum parking_result parking_bundle_tlvs(const struct parking_bundle_reader *reader, const uint8_t **tlvs,
                                        size_t *tlvs_size);

#ifdef __cplusplus
}
#endif

#endif
