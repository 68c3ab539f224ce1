/* What the encoder refuses and how it holds values within range; prints the line of the first failure. */
#include <stdio.h>
#include <string.h>

#include "parking_frame.h"

#define CHECK(condition)                                                                                       \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            printf("line %d: %s\n", __LINE__, #condition);                                                     \
            return 1;                                                                                          \
        }                                                                                                      \
    } while (0)

static struct parking_frame occupied(void) {
    struct parking_frame frame;
    memset(&frame, 0, sizeof frame);
    frame.type = PARKING_EVENT;
    frame.state = PARKING_OCCUPIED;
    frame.battery_mv = 3610;
    return frame;
}

static int check_durations(void) {
    CHECK(parking_pack_duration(0) == 0);
    CHECK(parking_pack_duration(32767) == 0x7FFF);
    CHECK(parking_pack_duration(32768) == (0x8000 | 546));
    CHECK(parking_pack_duration(PARKING_MAX_DURATION_S) == 0xFFFF);
    CHECK(parking_pack_duration(0xFFFFFFFFu) == 0xFFFF);
    CHECK(parking_unpack_duration(0xFFFF) == PARKING_MAX_DURATION_S);
    return 0;
}

static int check_frames(void) {
    uint8_t out[PARKING_MAX_FRAME_SIZE];
    uint8_t tlvs[300] = {0};
    size_t size = 77;
    struct parking_frame frame = occupied();
    frame.type = PARKING_BUNDLE;
    CHECK(parking_frame_encode(&frame, out, sizeof out, &size) == PARKING_BAD_TYPE);
    frame = occupied();
    frame.state = 4;
    CHECK(parking_frame_encode(&frame, out, sizeof out, &size) == PARKING_BAD_VALUE);
    frame = occupied();
    CHECK(parking_frame_encode(&frame, out, PARKING_STATE_SIZE - 1, &size) == PARKING_NO_SPACE);
    frame.tlvs = tlvs;
    frame.tlvs_size = PARKING_MAX_FRAME_SIZE - PARKING_STATE_SIZE + 1;
    CHECK(parking_frame_encode(&frame, out, sizeof out, &size) == PARKING_TOO_LONG);
    frame.tlvs_size = (size_t)-1;
    CHECK(parking_frame_encode(&frame, out, sizeof out, &size) == PARKING_TOO_LONG);
    frame.tlvs_size = 3;
    CHECK(parking_frame_encode(&frame, out, sizeof out, &size) == PARKING_BAD_TLV);
    CHECK(size == 77);
    frame.tlvs_size = 0;
    frame.battery_mv = 0;
    CHECK(parking_frame_encode(&frame, out, sizeof out, &size) == PARKING_OK && size == 11 && out[9] == 0);
    frame.battery_mv = 5000;
    CHECK(parking_frame_encode(&frame, out, sizeof out, &size) == PARKING_OK && out[9] == 254);
    frame.battery_mv = PARKING_BATTERY_UNKNOWN;
    CHECK(parking_frame_encode(&frame, out, sizeof out, &size) == PARKING_OK && out[9] == 255);
    frame.previous_s = 9;
    CHECK(parking_frame_encode(&frame, out, sizeof out, &size) == PARKING_OK && out[8] == 0);
    return 0;
}

static int check_values(void) {
    uint8_t tlvs[9];
    size_t size = 0;
    struct parking_tlv_reader reader;
    struct parking_tlv tlv;
    uint32_t number = 0;
    CHECK(parking_tlv_append_number(tlvs, sizeof tlvs, &size, PARKING_TLV_RSSI, (uint32_t)-90, 1) == PARKING_OK);
    CHECK(parking_tlv_append_number(tlvs, sizeof tlvs, &size, PARKING_TLV_UPTIME, 86400, 3) == PARKING_BAD_VALUE);
    CHECK(parking_tlv_append_number(tlvs, sizeof tlvs, &size, PARKING_TLV_UPTIME, 86400, 4) == PARKING_OK);
    CHECK(size == sizeof tlvs);
    CHECK(parking_tlv_append(tlvs, sizeof tlvs, &size, 128, NULL, 0) == PARKING_NO_SPACE);
    CHECK(parking_tlv_append(tlvs, sizeof tlvs, &size, 128, tlvs, 256) == PARKING_TOO_LONG);
    reader.at = tlvs;
    reader.left = size;
    CHECK(parking_tlv_next(&reader, &tlv) == PARKING_OK && tlv.type == PARKING_TLV_RSSI);
    CHECK(parking_tlv_number(&tlv, &number) && number == 166);
    CHECK(parking_tlv_next(&reader, &tlv) == PARKING_OK && tlv.type == PARKING_TLV_UPTIME);
    CHECK(parking_tlv_number(&tlv, &number) && number == 86400);
    CHECK(parking_tlv_next(&reader, &tlv) == PARKING_END);
    tlv.size = 3;
    CHECK(!parking_tlv_number(&tlv, &number));
    return 0;
}

static int check_bundles(void) {
    uint8_t out[26]; /* header 4, entry 4 + 2 + 11, then 5 */
    uint8_t frame[256] = {0};
    struct parking_bundle_writer writer;
    CHECK(parking_bundle_begin(&writer, out, 3) == PARKING_NO_SPACE);
    CHECK(parking_bundle_begin(&writer, out, sizeof out) == PARKING_OK);
    CHECK(parking_bundle_add(&writer, "A1", 2, 0, frame, 11) == PARKING_BAD_DEVICE);
    CHECK(parking_bundle_add(&writer, "", 0, 0, frame, 11) == PARKING_BAD_DEVICE);
    CHECK(parking_bundle_add(&writer, "a1", 2, 0, frame, 256) == PARKING_TOO_LONG);
    CHECK(parking_bundle_add(&writer, "a1", 2, 0, frame, 17) == PARKING_NO_SPACE);
    CHECK(writer.size == PARKING_BUNDLE_HEADER_SIZE && out[3] == 0);
    CHECK(parking_bundle_add(&writer, "a1", 2, 86400, frame, 11) == PARKING_OK);
    CHECK(writer.size == 21 && out[3] == 1 && out[7] == 0x85 && out[8] == 0xA0);
    CHECK(parking_bundle_add_tlv(&writer, 128, frame, 4) == PARKING_NO_SPACE);
    CHECK(parking_bundle_add_tlv(&writer, 128, frame, 0) == PARKING_OK);
    CHECK(parking_bundle_add(&writer, "a", 1, 0, frame, 0) == PARKING_BAD_VALUE);
    return 0;
}

int main(void) {
    return check_durations() || check_frames() || check_values() || check_bundles();
}
