/* Any text as a list of options and as a command line: refused with a reason, or a value that has one spelling. */
#include "harness/base/options.h"

#include <math.h>

#include "assay/dtype.h"
#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

struct target {
    bool             flag;
    int64_t          count, choice;
    double           share;
    char             text[40], list[60];
    enum assay_dtype dtype;
    uint64_t         wait_ns, limit_ns, room_bytes;
};

#define ROW(row_name, kind, member, ...) \
    {.name = row_name, .type = ASSAY_OPT_##kind, .offset = offsetof(struct target, member), .help = "for fuzzing", __VA_ARGS__}
static const char *const         choices[] = {"one", "two,three", "four=4", NULL};
static const struct assay_option table[] = {
    ROW("flag", BOOL, flag, .dflt = "false"),
    ROW("n", I64, count, .dflt = "-3", .min = -10, .max = 9e18),
    ROW("choice-of", ENUM, choice, .dflt = "one", .choices = choices),
    ROW("share", F64, share, .dflt = "0.1", .min = -INFINITY, .max = 1e300),
    ROW("text", TEXT, text, .bytes = 40, .dflt = ""),
    ROW("list", LIST, list, .bytes = 60, .dflt = ""),
    ROW("dtype", DTYPE, dtype, .dflt = "f32"),
    ROW("wait", SECONDS, wait_ns, .dflt = "20ms", .max = 1e6),
    ROW("limit_ms", MILLISECONDS, limit_ns, .dflt = "15", .max = 1e9),
    ROW("room", BYTES, room_bytes, .dflt = "64KiB"),
    {0},
};

static void check_same(const struct target *a, const struct target *b)
{
    FUZZ_HOLDS(a->flag == b->flag && a->count == b->count && a->choice == b->choice && a->dtype == b->dtype);
    FUZZ_HOLDS(!memcmp(&a->share, &b->share, sizeof a->share) && a->wait_ns == b->wait_ns && a->limit_ns == b->limit_ns && a->room_bytes == b->room_bytes);
    FUZZ_HOLDS(!strcmp(a->text, b->text) && !strcmp(a->list, b->list));
}

/* What was read, written out, is read as the same and written the same. */
static void check_spelling(const struct target *read)
{
    char               once[2048], twice[2048];
    struct assay_text  a = ASSAY_TEXT(once), b = ASSAY_TEXT(twice);
    struct assay_error err = {.code = ASSAY_OK};
    struct target      again = {.flag = false};
    assay_options_write(table, read, &a);
    FUZZ_HOLDS(!a.cut && !assay_options_parse(table, &again, once, "what was written", &err));
    check_same(read, &again);
    assay_options_write(table, &again, &b);
    FUZZ_HOLDS(!strcmp(once, twice));
}

static void check_list(const char *text)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct target      t = {.flag = false};
    if (!assay_options_parse(table, &t, text, "the fuzzer", &err))
        check_spelling(&t);
    else
        FUZZ_HOLDS(err.code == ASSAY_CONFIG && *err.message);
}

/* A value for every row. */
static void check_values(const char *text)
{
    struct target      t = {.flag = false};
    struct assay_error err = {.code = ASSAY_OK};
    FUZZ_HOLDS(!assay_options_defaults(table, &t, &err));
    for (const struct assay_option *row = table; row->name; row++)
        if (assay_option_set(table, &t, row->name, text, &err))
            FUZZ_HOLDS(err.code == ASSAY_CONFIG && *err.message);
    (void)assay_option_set(table, &t, text, "1", &err);
    check_spelling(&t);
}

/* Lines are words. */
static void check_words(char *text)
{
    char              *argv[64], *rest = text, *word;
    int                argc = 0;
    bool               given[16] = {false};
    struct target      t = {.flag = false};
    struct assay_error err = {.code = ASSAY_OK};
    while (argc < 64 && (word = strsep(&rest, "\n")))
        argv[argc++] = word;
    FUZZ_HOLDS(!assay_options_defaults(table, &t, &err));
    int before = argc;
    if (!assay_options_from_argv(table, &t, &argc, argv, given, &err)) {
        FUZZ_HOLDS(argc >= 0 && argc <= before);
        check_spelling(&t);
    } else {
        FUZZ_HOLDS(err.code == ASSAY_CONFIG && *err.message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = fuzz_text(data, bytes);
    check_list(text);
    check_values(text);
    check_words(text);
    free(text);
    return 0;
}
