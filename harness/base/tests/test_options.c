#include <criterion/criterion.h>

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/dtype.h"
#include "harness/base/options.h"

#include "assay/banned.h"

struct sample {
    bool             fast;
    int64_t          m, phase;
    double           peak;
    char             path[16], backends[32];
    enum assay_dtype dtype;
    uint64_t         wait_ns, room_bytes;
};

static const char *const phases[] = {"prefill", "decode", NULL};
static const char *const dtypes[] = {"f32", "bf16", NULL};

static const struct assay_option table[] = {
    {.name = "wait", .type = ASSAY_OPT_SECONDS, .offset = offsetof(struct sample, wait_ns), .dflt = "1.5",
     .min = 0.001, .max = 60, .help = "how long to wait"},
    {.name = "m", .type = ASSAY_OPT_I64, .offset = offsetof(struct sample, m), .dflt = "64", .min = 1, .max = 8192,
     .help = "rows"},
    {.name = "peak-tflops", .type = ASSAY_OPT_F64, .offset = offsetof(struct sample, peak), .dflt = "100",
     .unit = "TFLOP/s", .min = 1e-3, .max = 1e6, .help = "dense peak"},
    {.name = "path", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct sample, path), .bytes = 16, .dflt = "",
     .help = "where it is"},
    {.name = "phase", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct sample, phase), .dflt = "decode",
     .choices = phases, .help = "what is run"},
    {.name = "dtype", .type = ASSAY_OPT_DTYPE, .offset = offsetof(struct sample, dtype), .dflt = "f32",
     .choices = dtypes, .help = "element type"},
    {.name = "fast", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct sample, fast), .dflt = "false",
     .help = ".hurry \\ up"},
    {.name = "room", .type = ASSAY_OPT_BYTES, .offset = offsetof(struct sample, room_bytes), .dflt = "64KiB",
     .help = "memory"},
    {.name = "backend", .type = ASSAY_OPT_LIST, .offset = offsetof(struct sample, backends), .bytes = 32,
     .dflt = "cpu", .help = "what to run on"},
    {.name = NULL},
};

/* One row of each type without bounds, for round trips. */
struct any {
    int64_t          i64;
    double           f64;
    uint64_t         ns, bytes;
    char             text[64];
    enum assay_dtype dtype;
};
static const struct assay_option any_table[] = {
    {.name = "i64", .type = ASSAY_OPT_I64, .offset = offsetof(struct any, i64), .dflt = "0", .help = "i"},
    {.name = "f64", .type = ASSAY_OPT_F64, .offset = offsetof(struct any, f64), .dflt = "0", .help = "f"},
    {.name = "s", .type = ASSAY_OPT_SECONDS, .offset = offsetof(struct any, ns), .dflt = "0", .help = "s"},
    {.name = "bytes", .type = ASSAY_OPT_BYTES, .offset = offsetof(struct any, bytes), .dflt = "0", .help = "b"},
    {.name = "text", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct any, text), .bytes = 64, .dflt = "",
     .help = "t"},
    {.name = "dtype", .type = ASSAY_OPT_DTYPE, .offset = offsetof(struct any, dtype), .dflt = "u4", .help = "d"},
    {.name = NULL},
};

static struct assay_error err;

static bool refused(const char *list, const char *message)
{
    struct sample sample;
    memset(&sample, 0x5A, sizeof sample);
    struct sample before = sample;
    bool ok = assay_options_parse(table, &sample, list, "workload x", &err) == ASSAY_CONFIG;
    cr_expect(ok, "'%s' was taken", list);
    cr_expect(strstr(err.message, message) != NULL, "'%s' gave: %s", list, err.message);
    cr_expect(strncmp(err.message, "workload x: ", 12) == 0, "no owner in: %s", err.message);
    cr_expect(memcmp(&before, &sample, sizeof sample) == 0, "'%s' changed the target", list);
    return ok;
}

Test(options, sets_defaults_and_writes_them_out_sorted)
{
    struct sample     sample;
    char              text[256];
    struct assay_text out = ASSAY_TEXT(text);
    memset(&sample, 0x5A, sizeof sample);
    cr_assert_eq(assay_options_defaults(table, &sample, &err), ASSAY_OK, "%s", err.message);
    assay_options_write(table, &sample, &out);
    cr_expect_str_eq(text, "backend=cpu,dtype=f32,fast=false,m=64,path=,peak_tflops=100,phase=decode,room=64KiB,"
                           "wait=1.5s");
    cr_expect_eq(assay_options_count(table), 9);
    cr_expect_eq(sample.wait_ns, 1500000000u);
    cr_expect_eq(sample.phase, 1);
    cr_expect_eq(sample.dtype, ASSAY_F32);
}

Test(options, reads_what_it_wrote_in_any_order)
{
    struct sample a, b;
    char          first[256], second[256];
    cr_assert_eq(assay_options_parse(table, &a,
                                     "room=2GB,phase=prefill,path=\"a,b:=\\\" c\\n\",peak-tflops=0.1,m=1,"
                                     "fast=1,wait=20ms,dtype=bf16,backend=\"x\\ny\"",
                                     "x", &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(a.path, "a,b:=\" c\n");
    cr_expect_str_eq(a.backends, "x\ny");
    struct assay_text out = ASSAY_TEXT(first), again = ASSAY_TEXT(second);
    assay_options_write(table, &a, &out);
    cr_expect_str_eq(first, "backend=\"x\\ny\",dtype=bf16,fast=true,m=1,path=\"a,b:=\\\" c\\n\",peak_tflops=0.1,"
                            "phase=prefill,room=2GB,wait=20ms");
    cr_assert_eq(assay_options_parse(table, &b, first, "x", &err), ASSAY_OK, "%s", err.message);
    assay_options_write(table, &b, &again);
    cr_expect_str_eq(first, second);
    cr_expect_eq(assay_options_parse(table, &b, NULL, "x", &err), ASSAY_OK, "no list gives the defaults");
    cr_expect_eq(b.m, 64);
}

Test(options, names_what_is_wrong_with_a_list_and_leaves_the_target_alone)
{
    refused("mm=3", "unknown option 'mm'");
    cr_expect_str_eq(err.hint, "did you mean 'm'?");
    refused("peak_tflop=3", "unknown option 'peak_tflop'");
    cr_expect_str_eq(err.hint, "did you mean 'peak_tflops'?");
    refused("zzzzzzzzz=3", "unknown option");
    cr_expect(strstr(err.hint, "known: wait, m, peak_tflops"), "%s", err.hint);
    refused("m=1,m=1", "option 'm' is given twice");
    refused("peak-tflops=1,peak_tflops=1", "is given twice");
    refused("m=1,", "nothing follows ','");
    refused(",m=1", "a name is missing at character 1");
    refused("m=1,,fast=1", "a name is missing at character 5");
    refused("m", "'=' and a value are missing at character 2");
    refused("m =1", "'=' and a value are missing");
    refused("m=1 ,fast=1", "a character that a plain value cannot have at character 4");
    cr_expect(strstr(err.hint, "JSON string"), "%s", err.hint);
    refused("path=a:b", "a plain value cannot have");
    refused("path=a=b", "a plain value cannot have");
    refused("path=\"abc", "the JSON string does not end");
    refused("path=\"abc\"d", "',' is missing");
    refused("path=\"\\q\"", "no other escapes");
    refused("path=\"\\u0000\"", "no other escapes");
    refused("path=\"\\udc00\"", "no other escapes");
    refused("path=\"\\ud800x\"", "no other escapes");
    refused("path=\"\\u12\"", "no other escapes");
    refused("path=\"a\nb\"", "control character");
    refused("path=0123456789abcdef", "path has room for 15 bytes, got 16");
}

Test(options, wants_what_has_no_default)
{
    static const struct assay_option must[] = {
        {.name = "k", .type = ASSAY_OPT_I64, .offset = 0, .help = "depth"},
        {.name = "n", .type = ASSAY_OPT_I64, .offset = sizeof(int64_t), .dflt = "2", .help = "width"},
        {.name = NULL},
    };
    int64_t kn[2] = {7, 7};
    cr_expect_eq(assay_options_parse(must, kn, "n=1", "x", &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "x: option 'k' must be given: depth");
    cr_expect_eq(kn[1], 7);
    cr_expect_eq(assay_options_parse(must, kn, "k=3", "x", &err), ASSAY_OK);
    cr_expect(kn[0] == 3 && kn[1] == 2);
    cr_expect_eq(assay_options_defaults(must, kn, &err), ASSAY_OK);
    cr_expect(kn[0] == 0 && kn[1] == 2);
}

/* value, part of the message */
static const char *const bad[][3] = {
    {"m", "", "an integer"},
    {"m", "0", "from 1 to 8192, got '0'"},
    {"m", "8193", "from 1 to 8192, got '8193'"},
    {"m", "-1", "from 1 to 8192, got '-1'"},
    {"m", "1x", "got '1x'"},
    {"m", "+1", "an integer"},
    {"m", " 1", "an integer"},
    {"m", "0x10", "an integer"},
    {"m", "1.0", "an integer"},
    {"m", "-", "an integer"},
    {"m", "9223372036854775808", "does not fit 64 bits"},
    {"m", "-9223372036854775809", "does not fit 64 bits"},
    {"peak-tflops", "nan", "a number from 0.001 to 1000000, got 'nan'"},
    {"peak-tflops", "inf", "a number"},
    {"peak-tflops", "1e999", "too large for a double"},
    {"peak-tflops", "1e-999", "too small for a double"},
    {"peak-tflops", "1e", "a number"},
    {"peak-tflops", "1.", "a number"},
    {"peak-tflops", ".5", "a number"},
    {"peak-tflops", "1,5", "a number"},
    {"peak-tflops", "0x1p3", "a number"},
    {"peak-tflops", "1e-4", "from 0.001"},
    {"wait", "1.5sec", "a time from 1ms to 60s, got '1.5sec'"},
    {"wait", "s", "a time"},
    {"wait", "1.s", "a time"},
    {"wait", "-1s", "a time"},
    {"wait", "1 s", "a time"},
    {"wait", "0.5ms", "from 1ms"},
    {"wait", "2m", "to 60s"},
    {"wait", "1.0000000001", "finer than a nanosecond"},
    {"wait", "1.5ns", "finer than a nanosecond"},
    {"wait", "99999999999999999999", "too large"},
    {"wait", "18446744074s", "too large"},
    {"room", "1.5", "not a whole number of bytes"},
    {"room", "1Ki", "a size"},
    {"room", "1kib", "a size"},
    {"room", "20000PiB", "too large"},
    {"fast", "yes", "true or false, got 'yes'"},
    {"fast", "TRUE", "true or false"},
    {"phase", "prefil", "phase must be one of prefill, decode; got 'prefil'"},
    {"dtype", "f16", "dtype must be one of f32, bf16; got 'f16'"},
};

Test(options, refuses_every_value_that_is_not_exactly_right)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sample sample;
        cr_assert_eq(assay_options_defaults(table, &sample, &err), ASSAY_OK);
        struct sample before = sample;
        cr_expect_eq(assay_option_set(table, &sample, bad[i][0], bad[i][1], &err), ASSAY_CONFIG, "%s=%s was taken",
                     bad[i][0], bad[i][1]);
        cr_expect(strstr(err.message, bad[i][2]), "%s=%s: %s", bad[i][0], bad[i][1], err.message);
        cr_expect(memcmp(&before, &sample, sizeof sample) == 0);
    }
    struct any any;
    cr_expect_eq(assay_option_set(table, &(struct sample){0}, "phase", "prefil", &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.hint, "did you mean 'prefill'?");
    cr_expect_eq(assay_option_set(any_table, &any, "dtype", "bf17", &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.hint, "did you mean 'bf16'?");
    cr_expect_eq(assay_option_set(any_table, &any, "none", "1", &err), ASSAY_CONFIG);
}

static void round_trip(const char *name, struct any *any, const char *canonical)
{
    char              text[400], again[400];
    struct any        back = {0};
    struct assay_text out = ASSAY_TEXT(text), second = ASSAY_TEXT(again);
    assay_options_write(any_table, any, &out);
    cr_assert_not(out.cut);
    cr_assert_eq(assay_options_parse(any_table, &back, text, "x", &err), ASSAY_OK, "%s: %s", text, err.message);
    cr_expect_eq(back.i64, any->i64);
    cr_expect(memcmp(&back.f64, &any->f64, sizeof back.f64) == 0, "%s", text);
    cr_expect_eq(back.ns, any->ns, "%s", text);
    cr_expect_eq(back.bytes, any->bytes, "%s", text);
    cr_expect_str_eq(back.text, any->text);
    for (const struct assay_option *row = any_table; canonical && row->name; row++)
        if (!strcmp(row->name, name)) {
            assay_option_write(row, any, &second);
            cr_expect_str_eq(again, canonical);
        }
}

static uint64_t next_random(uint64_t *state) /* xorshift64* */
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

Test(options, writes_values_that_read_back_exactly, .timeout = 60)
{
    static const struct { uint64_t ns; char text[32]; } times[] = {
        {0, "0s"}, {1, "1ns"}, {999, "999ns"}, {1500, "1.5us"}, {20000000, "20ms"}, {1500000000, "1.5s"},
        {1000000001, "1.000000001s"}, {60000000000, "60s"}, {UINT64_MAX, "18446744073.709551615s"},
    };
    static const struct { uint64_t bytes; char text[32]; } sizes[] = {
        {0, "0"}, {1, "1"}, {1000, "1KB"}, {1024, "1KiB"}, {65536, "64KiB"}, {2000000000, "2GB"},
        {UINT64_C(1) << 30, "1GiB"}, {UINT64_C(1) << 63, "8192PiB"}, {1025, "1025"},
        {UINT64_MAX, "18446744073709551615"},
    };
    static const struct { double value; char text[32]; } reals[] = {
        {0, "0"}, {-0.0, "-0"}, {0.1, "0.1"}, {1e23, "1e+23"}, {100, "100"}, {20000, "20000"}, {1e6, "1e+06"},
        {1.0 / 3, "0.3333333333333333"},
        {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    struct any any = {.dtype = ASSAY_U4};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        any.ns = times[i].ns;
        round_trip("s", &any, times[i].text);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        any.bytes = sizes[i].bytes;
        round_trip("bytes", &any, sizes[i].text);
    }
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        any.f64 = reals[i].value;
        round_trip("f64", &any, reals[i].text);
    }
    any.i64 = INT64_MIN;
    round_trip("i64", &any, "-9223372036854775808");
    any.i64 = INT64_MAX;
    round_trip("i64", &any, "9223372036854775807");
    uint64_t state = 1;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&state);
        any.i64 = (int64_t)bits;
        any.ns = next_random(&state) >> (i % 64);
        any.bytes = (next_random(&state) >> (i % 60)) << (i % 50);
        memcpy(&any.f64, &bits, sizeof bits);
        if (!isfinite(any.f64))
            any.f64 = 0;
        for (size_t k = 0; k < 12; k++) /* every byte but NUL, whatever it means */
            any.text[k] = (char)(1 + next_random(&state) % 255);
        round_trip("", &any, NULL);
    }
}

Test(options, takes_every_unit_and_every_escape)
{
    static const char *const times[] = {"1.5", "1500ms", "1500000us", "1500000000ns", "0.025m",
                                         "1.50000000000000000000s"};
    struct any               any = {0};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        cr_expect_eq(assay_option_set(any_table, &any, "s", times[i], &err), ASSAY_OK, "%s", err.message);
        cr_expect_eq(any.ns, 1500000000u, "%s", times[i]);
    }
    cr_expect_eq(assay_option_set(any_table, &any, "s", "2h", &err), ASSAY_OK);
    cr_expect_eq(any.ns, 7200000000000u);
    cr_expect_eq(assay_option_set(any_table, &any, "bytes", "1.5KiB", &err), ASSAY_OK);
    cr_expect_eq(any.bytes, 1536u);
    cr_expect_eq(assay_options_parse(any_table, &any,
                                     "text=\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\uDE00\"",
                                     "x", &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(any.text, "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

Test(options, does_not_depend_on_the_locale)
{
    struct any any = {.dtype = ASSAY_U4};
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
        cr_skip_test("no locale with a decimal comma is installed");
    cr_assert_str_eq(localeconv()->decimal_point, ",");
    any.f64 = 0.5;
    round_trip("f64", &any, "0.5");
    cr_expect_str_eq(localeconv()->decimal_point, ",", "the program's locale stays");
}

Test(options, takes_options_out_of_the_command_line)
{
    char          words[][32] = {"suite", "--m", "128", "--fast", "-", "--peak-tflops=2.5", "--backend", "null",
                                 "--backend=cpu,x=1", "--path", "-x", "case", "--", "--m"};
    char         *argv[16];
    int           argc = (int)(sizeof words / sizeof *words);
    bool          given[9];
    struct sample sample;
    for (int i = 0; i < argc; i++)
        argv[i] = words[i];
    cr_assert_eq(assay_options_defaults(table, &sample, &err), ASSAY_OK);
    cr_assert_eq(assay_options_from_argv(table, &sample, &argc, argv, given, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(argc, 4);
    cr_expect_str_eq(argv[0], "suite");
    cr_expect_str_eq(argv[1], "-");
    cr_expect_str_eq(argv[2], "case");
    cr_expect_str_eq(argv[3], "--m");
    cr_expect(sample.m == 128 && sample.fast && sample.peak == 2.5);
    cr_expect_str_eq(sample.backends, "null\ncpu,x=1", "the default gives way");
    cr_expect_str_eq(sample.path, "-x");
    cr_expect(!given[0] && given[1] && given[2] && given[3] && !given[4] && given[6] && given[8]);
}

static void argv_refused(const char *one, const char *two, const char *message, const char *hint)
{
    char          words[2][32];
    char         *argv[] = {words[0], words[1]};
    int           argc = two ? 2 : 1;
    struct sample sample, before;
    (void)snprintf(words[0], sizeof words[0], "%s", one);
    (void)snprintf(words[1], sizeof words[1], "%s", two ? two : "");
    cr_assert_eq(assay_options_defaults(table, &sample, &err), ASSAY_OK);
    before = sample;
    cr_expect_eq(assay_options_from_argv(table, &sample, &argc, argv, NULL, &err), ASSAY_CONFIG, "%s", one);
    cr_expect_str_eq(err.message, message);
    cr_expect(strstr(err.hint, hint), "%s", err.hint);
    cr_expect(memcmp(&sample, &before, sizeof sample) == 0);
}

Test(options, explains_a_wrong_command_line)
{
    argv_refused("--peak-tflop", "2", "unknown option '--peak-tflop'", "did you mean '--peak-tflops'?");
    argv_refused("-x", NULL, "unknown option '-x'", "known: --wait, -m, --peak-tflops");
    argv_refused("-fast", NULL, "unknown option '-fast'", "two dashes");
    argv_refused("--m", NULL, "option '--m' needs a value", "");
    argv_refused("--path", "--fast", "option '--path' needs a value", "--path=--fast");
    argv_refused("--m=1", "--m=2", "option '--m' is given twice", "");
    argv_refused("--fast=maybe", NULL, "fast must be true or false, got 'maybe'", "");
    argv_refused("--backend=", NULL, "option '--backend' must not be empty", "");
    argv_refused("--path=", NULL, "option '--path' must not be empty", "");
    argv_refused("--backend=x\ny", NULL, "option '--backend' must be one line, got 'x\ny'", "");
    argv_refused("--backend=0123456789012345", "--backend=0123456789012345",
                 "backend has room for 14 bytes, got 16: '0123456789012345'", "");
    argv_refused("--=3", NULL, "unknown option '--'", "known");
}

Test(options, knows_one_letter_with_one_dash)
{
    static const struct assay_option one[] = {
        {.name = "o", .type = ASSAY_OPT_TEXT, .bytes = 8, .dflt = "", .help = "where the result goes"},
        {.name = NULL},
    };
    char  words[][8] = {"-o", "x"}, to[8] = "", *argv[] = {words[0], words[1]};
    int   argc = 2;
    cr_expect_eq(assay_options_from_argv(one, to, &argc, argv, NULL, &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(to, "x");
    cr_expect_eq(argc, 0);
}

Test(options, has_no_default_where_it_is_empty_and_shows_none)
{
    static const struct assay_option rows[] = {
        {.name = "n", .type = ASSAY_OPT_I64, .dflt = "", .min = 1, .max = 9, .help = "how many"},
        {.name = NULL},
    };
    int64_t n = 7;
    char   *text = NULL;
    size_t  length = 0;
    FILE   *out = open_memstream(&text, &length);
    cr_expect_eq(assay_options_defaults(rows, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(n, 0);
    assay_options_help(rows, out);
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(text, "  -n N  how many (from 1 to 9)\n");
    free(text);
}

Test(options, prints_help_and_a_man_page)
{
    char  *text = NULL;
    size_t length = 0;
    FILE  *out = open_memstream(&text, &length);
    assay_options_help(table, out);
    cr_assert_eq(fclose(out), 0);
    cr_expect(strstr(text, "  --wait TIME      how long to wait (from 1ms to 60s; default 1.5)\n"), "%s", text);
    cr_expect(strstr(text, "  --peak-tflops X  dense peak (from 0.001 to 1000000; in TFLOP/s; default 100)\n"));
    cr_expect(strstr(text, "  --phase NAME     what is run (one of prefill, decode; default decode)\n"));
    cr_expect(strstr(text, "  --fast           .hurry \\ up\n"));
    cr_expect(strstr(text, "  --path TEXT      where it is\n"));
    free(text);
    out = open_memstream(&text, &length);
    assay_options_man(table, out);
    cr_assert_eq(fclose(out), 0);
    cr_expect(strstr(text, ".TP\n\\fB\\-\\-peak\\-tflops\\fR \\fIX\\fR\ndense peak (from 0.001"), "%s", text);
    cr_expect(strstr(text, ".TP\n\\fB\\-\\-fast\\fR\n\\&.hurry \\e up\n"), "%s", text);
    free(text);
}

Test(options, in_milliseconds_a_bare_number_is_one_and_other_units_are_taken)
{
    static const struct {
        char     given[16], written[16];
        uint64_t ns;
    } values[] = {{"15", "15", 15000000}, {"1.5", "1.5", 1500000}, {"2s", "2000", 2000000000u}, {"250us", "0.25", 250000},
                  {"1ns", "0.000001", 1}, {"0", "0", 0},           {"60000", "60000", 60000000000u}};
    static const struct assay_option row[] = {
        {.name = "latency_ms", .type = ASSAY_OPT_MILLISECONDS, .dflt = "1", .min = 0, .max = 60000, .help = "limit"}, {0}};
    uint64_t ns;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char              text[40];
        struct assay_text out = ASSAY_TEXT(text);
        cr_expect_eq(assay_option_set(row, &ns, "latency_ms", values[i].given, &err), ASSAY_OK, "%s", err.message);
        cr_expect_eq(ns, values[i].ns, "%s", values[i].given);
        assay_option_write(row, &ns, &out);
        cr_expect_str_eq(text, values[i].written);
    }
    cr_expect_eq(assay_option_set(row, &ns, "latency_ms", "60000.1", &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "latency_ms must be a time from 0s to 60s, got '60000.1'");
    cr_expect_eq(assay_option_set(row, &ns, "latency_ms", "0.0000001", &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "latency_ms must be a time from 0s to 60s, got '0.0000001': it is finer than a nanosecond");
}
