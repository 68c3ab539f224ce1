/* One of each, so that `make size` can tell how much memory they take on the target. */
#include "parking_bay.h"
#include "parking_seal.h"

struct parking_bay ram_parking_bay;
struct parking_memory ram_parking_memory;
struct parking_frame ram_parking_frame;
struct parking_window ram_parking_window;
struct parking_bundle_writer ram_parking_bundle_writer;
