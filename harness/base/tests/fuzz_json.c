/* Any bytes as a JSON file and as a line: refused with a reason, or read as what they say. */
#include "harness/base/json.h"

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

#define LIMIT_BYTES 65536

/* Every reader of members, on every key of every object. */
static void read_members(const struct assay_json_file *file, const json_t *object, int depth)
{
    static const char *const known[] = {"format", "name", "cases", "//"};
    struct assay_error       err = {.code = ASSAY_OK};
    const char              *key, *text = NULL;
    json_t                  *value, *found = NULL;
    int64_t                  integer = 0;
    double                   real = 0;
    bool                     flag = false;
    if (assay_json_known_keys(file, object, known, 4, &err))
        FUZZ_HOLDS(err.code == ASSAY_DATA && *err.message && *err.hint);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        (void)assay_json_text(file, object, key, true, &text, &err);
        (void)assay_json_i64(file, object, key, true, -5, 1000, &integer, &err);
        (void)assay_json_f64(file, object, key, true, -1e3, 1e9, &real, &err);
        (void)assay_json_bool(file, object, key, true, &flag, &err);
        (void)assay_json_array(file, object, key, true, &found, &err);
        (void)assay_json_object(file, object, key, true, &found, &err);
        (void)assay_json_fail(file, key, &err, "'%.60s' is looked at", key);
        FUZZ_HOLDS(integer >= -5 && integer <= 1000 && real >= -1e3 && real <= 1e9);
        if (json_is_object(value) && depth < 3)
            read_members(file, value, depth + 1);
    }
    FUZZ_HOLDS(assay_json_text(file, object, "is not there", true, &text, &err) == ASSAY_DATA);
}

static void read_line(const uint8_t *data, size_t bytes)
{
    struct assay_error err = {.code = ASSAY_OK};
    json_t            *value = NULL, *again = NULL;
    if (assay_json_parse((const char *)data, bytes, "a line", &value, &err)) {
        FUZZ_HOLDS(err.code == ASSAY_DATA && *err.message);
        return;
    }
    char *line = assay_json_line(value), *pretty = assay_json_pretty(value);
    FUZZ_HOLDS(line && pretty && !strchr(line, '\n'));
    FUZZ_HOLDS(!assay_json_parse(line, strlen(line), "a line", &again, &err) && json_equal(value, again));
    json_decref(again);
    FUZZ_HOLDS(!assay_json_parse(pretty, strlen(pretty), "text", &again, &err) && json_equal(value, again));
    json_decref(again);
    json_decref(value);
    free(pretty);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error     err = {.code = ASSAY_OK};
    struct assay_json_file file;
    if (!assay_json_load(fuzz_file(0, data, bytes), "fuzz/1", LIMIT_BYTES, &file, &err)) {
        read_members(&file, file.root, 0);
        assay_json_release(&file);
    } else {
        FUZZ_HOLDS(err.code == ASSAY_DATA && *err.message);
    }
    read_line(data, bytes);
    char   *text = fuzz_text(data, bytes);
    json_t *string = assay_json_string(text); /* whatever the bytes are */
    FUZZ_HOLDS(string);
    json_decref(string);
    free(text);
    return 0;
}
