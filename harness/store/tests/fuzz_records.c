/* Any lines as records.jsonl: an error that names the line, or records that are written again byte by byte alike. */
#include "harness/store/record_lines.h"

#include "harness/base/json.h"
#include "harness/store/tests/fuzz_lines.h"

#include "assay/banned.h"

/* A record that was read is written, and read again as the same: nothing in it is lost or made up. */
static void check_record(const struct assay_record *record)
{
    static struct assay_record again;
    struct assay_error         err = {.code = ASSAY_OK};
    json_t                    *once = assay_record_to_json(record), *twice;
    FUZZ_HOLDS(once && !assay_record_from_json(once, &again, &err));
    twice = assay_record_to_json(&again);
    FUZZ_HOLDS(twice && json_equal(once, twice));
    json_decref(twice);
    json_decref(once);
}

static void check_chain(const struct assay_record_lines *lines)
{
    char before[65], hash[65], *line;
    memset(before, '0', 64);
    before[64] = 0;
    for (size_t i = 0; i < lines->n; i++) {
        struct assay_error err = {.code = ASSAY_OK};
        size_t             length;
        check_record(&lines->records[i]);
        FUZZ_HOLDS(!assay_record_line_make(&lines->records[i], before, &line, &length, hash, &err));
        FUZZ_HOLDS(line[length - 1] == '\n' && strlen(line) == length && strlen(hash) == 64);
        memcpy(before, hash, sizeof before);
        free(line);
    }
}

static void read_lines(const void *data, size_t bytes)
{
    struct assay_record_lines lines;
    struct assay_error        err = {.code = ASSAY_OK};
    if (assay_record_lines_read(fuzz_file(0, data, bytes), &lines, &err)) {
        FUZZ_HOLDS(err.code == ASSAY_DATA && *err.message);
        return;
    }
    FUZZ_HOLDS(lines.bytes + lines.torn_bytes == bytes && !lines.torn == !lines.torn_bytes);
    check_chain(&lines);
    assay_record_lines_release(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    size_t length;
    char  *mended = fuzz_lines(data, bytes, &length);
    read_lines(data, bytes);
    read_lines(mended, length);
    free(mended);
    return 0;
}
