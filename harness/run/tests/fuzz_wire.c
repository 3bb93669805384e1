/* Any bytes from the other side of the wire: lines that are objects, or an error that names what is wrong. */
#include "harness/run/wire.h"

#include <fcntl.h>

#include "harness/base/json.h"
#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

static void check_error(const json_t *json)
{
    struct assay_error told, again;
    assay_error_from_json(json, &told);
    FUZZ_HOLDS(told.code != ASSAY_OK && *told.message && told.nframes <= ASSAY_ERROR_FRAMES);
    json_t *out = assay_error_to_json(&told);
    FUZZ_HOLDS(out);
    assay_error_from_json(out, &again);
    FUZZ_HOLDS(again.code == told.code && again.nframes == told.nframes && again.vendor == told.vendor);
    json_decref(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_wire  wire;
    size_t             lines = 0, ends = 0;
    for (size_t i = 0; i < bytes; i++)
        ends += data[i] == '\n';
    int fd = open(fuzz_file(0, data, bytes), O_RDONLY | O_CLOEXEC);
    FUZZ_HOLDS(fd >= 0 && !assay_wire_init(&wire, fd, &err));
    for (;; lines++) {
        json_t         *message = NULL;
        enum assay_code code = assay_wire_next(&wire, 1000000000, &message, &err);
        if (code) {
            FUZZ_HOLDS(code == ASSAY_PROTOCOL && err.code == code && *err.message && !message);
            continue;
        }
        if (!message)
            break;
        FUZZ_HOLDS(json_is_object(message));
        check_error(message);
        check_error(json_object_get(message, "error"));
        json_decref(message);
    }
    FUZZ_HOLDS(wire.ended && lines == ends);
    assay_wire_release(&wire);
    (void)close(fd);
    return 0;
}
