/* Lives through a script of a bay: what the detector sees, how the network does, starts, commands.
 *
 * In: "start CLOCK RANDOM BOOT HEARTBEAT DEBOUNCE COMMAND OUTCOME", "sample STATE", "run MS PATTERN" (which frames
 * are acknowledged, 0 or 1, over and over), "hold MS" (take a frame and let MS pass), "sent 0|1" (tell how it fared),
 * "command BYTES", "fail OUTCOME", "health", "calibrating 0|1", "memory".
 * Out: "frame MS TYPE BYTES ACKNOWLEDGED" (MS since the first start), "answer ...", "memory ...", or what is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parking_bay.h"

static struct parking_bay bay;
static uint32_t clock_ms;
static unsigned long long elapsed;
static size_t turn;

static void pass(uint32_t ms) {
    clock_ms += ms; /* wraps, as the counter of a microcontroller does */
    elapsed += ms;
}

static void send(const char *pattern, struct parking_frame *frame) {
    uint8_t tlvs[40];
    uint8_t out[PARKING_MAX_FRAME_SIZE];
    size_t tlvs_size = 0;
    size_t size = 0;
    size_t i;
    bool acknowledged = pattern[turn++ % strlen(pattern)] == '1';
    if (parking_bay_values(&bay, frame, PARKING_RESET_WATCHDOG, tlvs, sizeof tlvs, &tlvs_size) != PARKING_OK) {
        printf("no room for the values\n");
    }
    frame->tlvs = tlvs;
    frame->tlvs_size = tlvs_size;
    frame->battery_mv = 3600;
    if (parking_frame_encode(frame, out, sizeof out, &size) != PARKING_OK) {
        printf("a frame that does not encode\n");
    }
    printf("frame %llu ", elapsed);
    for (i = 0; i < size; i++) {
        printf("%02x", out[i]);
    }
    printf(" %d\n", acknowledged);
    parking_bay_sent(&bay, clock_ms, acknowledged);
}

/* Sleeps for as long as it may, a millisecond less, and sees that nothing is due before the time. */
static void run(uint32_t left, const char *pattern) {
    struct parking_frame frame;
    for (;;) {
        uint32_t wait = parking_bay_wait(&bay, clock_ms);
        bool due = wait == 0;
        if (wait > left) {
            pass(left);
            return;
        }
        if (!due) {
            pass(wait - 1);
            if (parking_bay_poll(&bay, clock_ms, &frame) == PARKING_OK) {
                printf("early at %llu\n", elapsed);
            }
            pass(1);
            left -= wait;
        }
        if (parking_bay_poll(&bay, clock_ms, &frame) == PARKING_OK) {
            send(pattern, &frame);
        } else if (due) {
            printf("nothing was due at %llu\n", elapsed);
            return;
        }
    }
}

static void command(char *hex) {
    uint8_t data[300];
    size_t size = strlen(hex) / 2;
    size_t i;
    enum parking_action action = PARKING_NOTHING;
    enum parking_result result;
    uint32_t time_s = 0;
    for (i = 0; i < size; i++) {
        unsigned value = 0;
        sscanf(hex + 2 * i, "%2x", &value);
        data[i] = (uint8_t)value;
    }
    result = parking_bay_command(&bay, clock_ms, data, size, &action, &time_s);
    printf("answer %s %d %lu\n", parking_result_name(result), (int)action, (unsigned long)time_s);
}

static void start(const char *line) {
    unsigned long clock, random, id;
    unsigned boot, heartbeat, debounce, outcome;
    struct parking_memory memory = {0};
    if (sscanf(line, "%*s %lu %lu %u %u %u %lu %u", &clock, &random, &boot, &heartbeat, &debounce, &id, &outcome) != 7) {
        exit(2);
    }
    memory.boot = (uint8_t)boot;
    memory.heartbeat_s = (uint16_t)heartbeat;
    memory.debounce_ms = (uint16_t)debounce;
    memory.command = (uint32_t)id;
    memory.outcome = (uint8_t)outcome;
    clock_ms = (uint32_t)clock;
    parking_bay_start(&bay, &memory, clock_ms, (uint32_t)random);
}

int main(void) {
    char line[1000];
    char word[20];
    char rest[800];
    while (fgets(line, sizeof line, stdin) != NULL) {
        unsigned long number = 0;
        int words = sscanf(line, "%19s %lu %799s", word, &number, rest);
        if (strcmp(word, "start") == 0) {
            start(line);
        } else if (strcmp(word, "sample") == 0) {
            if (parking_bay_sample(&bay, clock_ms, (uint8_t)number) != PARKING_OK) {
                printf("refused\n");
            }
        } else if (strcmp(word, "run") == 0 && words == 3) {
            run((uint32_t)number, rest);
        } else if (strcmp(word, "command") == 0 && sscanf(line, "%*s %799s", rest) == 1) {
            command(rest);
        } else if (strcmp(word, "hold") == 0) {
            struct parking_frame frame;
            if (parking_bay_poll(&bay, clock_ms, &frame) != PARKING_OK) {
                printf("nothing to hold\n");
            }
            pass((uint32_t)number);
        } else if (strcmp(word, "sent") == 0) {
            parking_bay_sent(&bay, clock_ms, number != 0);
        } else if (strcmp(word, "fail") == 0) {
            parking_bay_fail(&bay, (enum parking_outcome)number);
        } else if (strcmp(word, "health") == 0) {
            parking_bay_ask_health(&bay);
        } else if (strcmp(word, "calibrating") == 0) {
            bay.calibrating = number != 0;
        } else {
            printf("memory %u %u %u %lu %u\n", bay.memory.boot, bay.memory.heartbeat_s, bay.memory.debounce_ms,
                   (unsigned long)bay.memory.command, bay.memory.outcome);
        }
    }
    return 0;
}
