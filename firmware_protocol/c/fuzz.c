/* A libFuzzer target: every byte string through every reader of the library, and through a bay's life.
 *
 * `make fuzz` runs it. Beside what the sanitizers see, what is read must be written back to the same meaning.
 */
#include <stdlib.h>
#include <string.h>

#include "parking_bay.h"
#include "parking_command.h"
#include "parking_frame.h"
#include "parking_seal.h"

#define MUST(condition)                                                                                        \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            abort();                                                                                           \
        }                                                                                                      \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_values(const uint8_t *tlvs, size_t size) {
    struct parking_tlv_reader reader;
    struct parking_tlv tlv;
    uint32_t number;
    uint8_t again[PARKING_MAX_FRAME_SIZE];
    size_t written = 0;
    reader.at = tlvs;
    reader.left = size;
    while (parking_tlv_next(&reader, &tlv) == PARKING_OK) {
        (void)parking_tlv_number(&tlv, &number);
        (void)parking_tlv_append(again, sizeof again, &written, tlv.type, tlv.value, tlv.size);
        MUST(written <= sizeof again);
    }
}

static void read_frame(const uint8_t *data, size_t size) {
    struct parking_frame frame;
    struct parking_frame back;
    uint8_t out[PARKING_MAX_FRAME_SIZE];
    uint8_t again[PARKING_MAX_FRAME_SIZE];
    size_t written = 0;
    size_t rewritten = 0;
    if (parking_frame_decode(data, size, &frame) != PARKING_OK) {
        return;
    }
    read_values(frame.tlvs, frame.tlvs_size);
    MUST(parking_frame_encode(&frame, out, size - 1, &written) == PARKING_NO_SPACE);
    MUST(parking_frame_encode(&frame, out, sizeof out, &written) == PARKING_OK && written == size);
    MUST(parking_frame_decode(out, written, &back) == PARKING_OK);
    MUST(parking_frame_encode(&back, again, sizeof again, &rewritten) == PARKING_OK);
    MUST(rewritten == written && memcmp(out, again, written) == 0);
}

static void read_bundle(const uint8_t *data, size_t size) {
    struct parking_bundle_reader reader;
    struct parking_bundle_writer writer;
    struct parking_bundle_entry entry;
    const uint8_t *tlvs;
    size_t tlvs_size;
    enum parking_result result;
    uint8_t *out = malloc(size + 1);
    if (out != NULL && parking_bundle_open(&reader, data, size) == PARKING_OK &&
        parking_bundle_begin(&writer, out, size) == PARKING_OK) {
        while ((result = parking_bundle_next(&reader, &entry)) == PARKING_OK) {
            MUST(*parking_result_name(entry.result) != '\0');
            (void)parking_bundle_add(&writer, entry.device, entry.device_size, entry.delay_s, entry.raw,
                                     entry.raw_size);
            MUST(writer.size <= size);
        }
        if (result == PARKING_END && parking_bundle_tlvs(&reader, &tlvs, &tlvs_size) == PARKING_OK && tlvs_size > 0) {
            (void)parking_bundle_add_tlv(&writer, tlvs[0], tlvs + 2, tlvs[1]);
            MUST(parking_bundle_add(&writer, "a", 1, 0, data, 0) != PARKING_OK || tlvs_size == 0 || !writer.closed);
        }
    }
    free(out);
}

static void read_command(const uint8_t *data, size_t size) {
    struct parking_command command;
    struct parking_arguments arguments;
    uint8_t out[PARKING_MAX_FRAME_SIZE];
    size_t written = 0;
    if (parking_command_decode(data, size, &command) != PARKING_OK) {
        return;
    }
    MUST(parking_command_check(&command, &arguments) <= PARKING_INVALID);
    MUST(parking_command_encode(&command, out, size - 1, &written) == PARKING_NO_SPACE);
    MUST(parking_command_encode(&command, out, sizeof out, &written) == PARKING_OK && written == size);
    out[1] = data[1]; /* reserved bits are not kept */
    MUST(memcmp(out, data, size) == 0);
}

/* Not a cipher: it only spreads the bits, so that a fuzzer can find its way through. */
static void mix(void *context, uint8_t block[PARKING_BLOCK_SIZE]) {
    unsigned i;
    (void)context;
    for (i = 0; i < PARKING_BLOCK_SIZE; i++) {
        block[i] = (uint8_t)(block[i] * 5u + block[(i + 3u) % PARKING_BLOCK_SIZE] + 1u);
    }
}

static void read_sealed(const uint8_t *data, size_t size) {
    struct parking_key key = {1, mix, NULL};
    struct parking_seal seal = {&key, "fuzz", 4, PARKING_UP};
    struct parking_window window = {false, 0, {0, 0}};
    struct parking_sealed sealed;
    uint8_t out[PARKING_MAX_FRAME_SIZE];
    size_t written = 0;
    uint8_t mac[PARKING_BLOCK_SIZE];
    size_t i;
    uint32_t counter = 0;
    parking_cmac(&key, data, size, mac);
    if (parking_seal_split(data, size, &sealed) == PARKING_OK) {
        (void)parking_seal_verify(&seal, &sealed, &window);
        window.any = false;
    }
    for (i = 0; i < size && i < 6; i++) {
        uint32_t next = counter += 1u + data[i];
        if (parking_seal_encode(&seal, &next, data, size, out, sizeof out, &written) != PARKING_OK) {
            return;
        }
        MUST(next == counter + 1 && written == size + PARKING_SEAL_OVERHEAD);
        MUST(parking_seal_split(out, written, &sealed) == PARKING_OK);
        MUST(parking_seal_verify(&seal, &sealed, &window) == PARKING_OK);
        MUST(parking_seal_verify(&seal, &sealed, &window) == PARKING_REPLAYED);
        out[written - 1] ^= 1u;
        MUST(parking_seal_verify(&seal, &sealed, &window) == PARKING_FORGED);
    }
}

static void send(struct parking_bay *bay, uint32_t clock_ms, bool acknowledged) {
    struct parking_frame frame;
    uint8_t tlvs[40];
    uint8_t out[PARKING_MAX_FRAME_SIZE];
    size_t written = 0;
    uint16_t seq = bay->seq;
    if (parking_bay_poll(bay, clock_ms, &frame) != PARKING_OK) {
        return;
    }
    MUST(bay->seq == seq || bay->seq == (uint16_t)(seq + 1u));
    frame.tlvs = tlvs;
    MUST(parking_bay_values(bay, &frame, PARKING_RESET_PIN, tlvs, sizeof tlvs, &frame.tlvs_size) == PARKING_OK);
    MUST(parking_frame_encode(&frame, out, sizeof out, &written) == PARKING_OK);
    read_frame(out, written);
    if (frame.type == PARKING_ACK && !acknowledged) {
        parking_bay_fail(bay, PARKING_FAILED);
    }
    parking_bay_sent(bay, clock_ms, acknowledged);
}

/* Two bytes a step: what to do, and how. */
static void live(const uint8_t *data, size_t size) {
    struct parking_memory memory = {1, 60, 0, 0, 0};
    struct parking_bay bay;
    enum parking_action action;
    uint32_t time_s;
    uint32_t clock_ms = 0xFFFF0000u;
    size_t i;
    parking_bay_start(&bay, &memory, clock_ms, (uint32_t)size);
    for (i = 0; i + 1 < size; i += 2) {
        switch (data[i] % 6u) {
        case 0: (void)parking_bay_sample(&bay, clock_ms, data[i + 1] % 5u); break;
        case 1: clock_ms += (uint32_t)data[i + 1] << (data[i] / 16u); break;
        case 2: clock_ms += parking_bay_wait(&bay, clock_ms); break;
        case 3: send(&bay, clock_ms, data[i + 1] % 2u != 0); break;
        case 4: (void)parking_bay_command(&bay, clock_ms, data + i + 1, size - i - 1, &action, &time_s); break;
        default: parking_bay_ask_health(&bay); break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_frame(data, size);
    read_bundle(data, size);
    read_command(data, size);
    read_sealed(data, size);
    live(data, size);
    return 0;
}
