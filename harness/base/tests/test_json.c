#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/json.h"

#include "assay/banned.h"

static struct assay_error err;
static char               path[64];

static void set_up(void)
{
    (void)snprintf(path, sizeof path, "/tmp/assay-json-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    (void)close(fd);
}

static void tear_down(void)
{
    (void)unlink(path);
}

TestSuite(json, .init = set_up, .fini = tear_down, .timeout = 60);

static enum assay_code load(const char *text, size_t limit, struct assay_json_file *out)
{
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK, "%s", err.message);
    return assay_json_load(path, "assay-suite/1", limit, out, &err);
}

/* The message without the path before it. */
static const char *behind_path(void)
{
    size_t length = strlen(path);
    return strncmp(err.message, path, length) ? err.message : err.message + length;
}

Test(json, loads_a_file_and_hands_out_its_members)
{
    struct assay_json_file file;
    const char            *text = "default";
    int64_t                n = 7;
    double                 x = 7;
    bool                   yes = true;
    json_t                *array = NULL, *object = NULL;
    cr_assert_eq(load("{\"format\":\"assay-suite/1\",\"t\":\"abc\",\"n\":-3,\"x\":0.1,\"whole\":2,\"b\":false,"
                      "\"a\":[1],\"o\":{}}", 1000, &file), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_json_text(&file, file.root, "absent", false, &text, &err), ASSAY_OK);
    cr_expect_str_eq(text, "default", "absent leaves the default");
    cr_expect_eq(assay_json_text(&file, file.root, "t", true, &text, &err), ASSAY_OK);
    cr_expect_str_eq(text, "abc");
    cr_expect(!assay_json_i64(&file, file.root, "absent", false, 0, 1, &n, &err) && n == 7);
    cr_expect(!assay_json_i64(&file, file.root, "n", true, -3, -3, &n, &err) && n == -3);
    cr_expect(!assay_json_f64(&file, file.root, "absent", false, 0, 1, &x, &err) && x == 7);
    cr_expect(!assay_json_f64(&file, file.root, "x", true, 0, 1, &x, &err) && x == 0.1);
    cr_expect(!assay_json_f64(&file, file.root, "whole", true, 0, INFINITY, &x, &err) && x == 2);
    cr_expect(!assay_json_bool(&file, file.root, "absent", false, &yes, &err) && yes);
    cr_expect(!assay_json_bool(&file, file.root, "b", true, &yes, &err) && !yes);
    cr_expect(!assay_json_array(&file, file.root, "a", true, &array, &err) && json_array_size(array) == 1);
    cr_expect(!assay_json_object(&file, file.root, "o", true, &object, &err) && json_is_object(object));
    assay_json_release(&file);
    cr_expect(file.root == NULL && file.bytes == NULL);
    assay_json_release(&file);
}

static const char *const malformed[][2] = {
    {"", ":1:0: '[' or '{' expected near end of file"},
    {"{\n \"format\": \"assay-suite/1\",\n \"a\": 1,\n \"a\": 2}", ":4:4: duplicate object key near '\"a\"'"},
    {"{\"format\":\"assay-suite/1\"} x", ":1:28: end of file expected near 'x'"},
    {"{\"format\":\"assay-suite/1\",\n\"x\": \"a\\\n\"}", ":3:0: invalid escape near '\"a\\ '"},
    {"{\"format\":\"assay-suite/1\",\n\"x\": NaN}", ":2:8: invalid token near 'NaN'"},
    {"{\"format\":\"assay-suite/1\",\n\"x\": 1e999}", ":2:10: real number overflow near '1e999'"},
    {"{\"format\":\"assay-suite/1\",\n\"x\": 9223372036854775808}", "too big integer"},
    {"{\"format\":\"assay-suite/1\",\"x\":\"\xff\"}", "unable to decode byte 0xff"},
    {"{\"format\":\"assay-suite/1\",\"x\":\"\\u0000\"}", "\\u0000 is not allowed"},
    {"[]", ": must be an object, not an array"},
    {"{}", ": 'format' is missing; it must be 'assay-suite/1'"},
    {"{\n\"format\": 1}", ":2: 'format' must be a text, not an integer"},
    {"{\n\n\"format\": \"assay-plan/2\"}", ":3: 'format' must be 'assay-suite/1', got 'assay-plan/2'"},
};

Test(json, refuses_a_malformed_file_with_its_place)
{
    struct assay_json_file file, untouched;
    char                   deep[6000];
    memset(&file, 0x5A, sizeof file);
    untouched = file;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        cr_expect_eq(load(malformed[i][0], 1000, &file), ASSAY_DATA, "%s", malformed[i][0]);
        cr_expect(strstr(behind_path(), malformed[i][1]), "%s\n gave %s", malformed[i][0], err.message);
        cr_expect(strncmp(err.message, path, strlen(path)) == 0, "%s", err.message);
    }
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    cr_expect_eq(load(deep, 10000, &file), ASSAY_DATA);
    cr_expect(strstr(err.message, "maximum parsing depth"), "%s", err.message);
    cr_expect_eq(load("{\"format\":\"assay-suite/1\"}", 20, &file), ASSAY_DATA);
    cr_expect(strstr(err.message, "more than 20 bytes"), "%s", err.message);
    cr_expect_eq(load("{\"//\": 1, \"//\": 2}", 100, &file), ASSAY_DATA);
    cr_expect(strstr(err.hint, "\"//1\""), "%s", err.hint);
    cr_expect_eq(assay_json_load("/none/x.json", "f", 10, &file, &err), ASSAY_IO);
    cr_expect(memcmp(&file, &untouched, sizeof file) == 0);
}

/* What is read is put into what is written, a manifest into a report for one, which must not be the deeper for it. */
Test(json, nesting_has_a_bound_far_below_that_of_the_writer)
{
    static const size_t depths[] = {199, 200, 201, 450};
    char                deep[1000];
    json_t             *value = NULL;
    for (size_t i = 0; i < 4; i++) {
        enum assay_code wanted = depths[i] <= 200 ? ASSAY_OK : ASSAY_DATA;
        memset(deep, '[', depths[i]);
        memset(deep + depths[i], ']', depths[i]);
        cr_expect_eq(assay_json_parse(deep, 2 * depths[i], "a line", &value, &err), wanted, "depth %zu", depths[i]);
        if (wanted == ASSAY_OK)
            json_decref(value);
        else
            cr_expect_str_eq(err.message, "a line: arrays and objects are nested deeper than 200");
    }
    cr_expect_eq(assay_json_parse("[{\"a\":[1]},{\"b\":{}}]", 20, "a line", &value, &err), ASSAY_OK);
    json_decref(value);
}

static const char nested[] = "{ \"format\": \"assay-suite/1\", \"about\": \"{\\\"seed\\\": [1,\\\\\",\n" /* 1 */
                             "  \"defaults\": { \"seed\": 1,\n"                                         /* 2 */
                             "     \"empty\": {}, \"none\": [ ],\n"                                    /* 3 */
                             "     \"name\": 2 },\n"                                                   /* 4 */
                             "  \"cases\": [ {\n"                                                      /* 5 */
                             "     \"name\": \"a\", \"inner\": {\n"                                    /* 6 */
                             "       \"n\\u0061me\": null } },\n"                                      /* 7 */
                             "   {\n"                                                                  /* 8 */
                             "     \"name\": [[], {}, -1.5e3, true],\n"                                /* 9 */
                             "     \"// name\": \"}\",\n"                                              /* 10 */
                             "     \"nmae\": 1\n"                                                      /* 11 */
                             "   } ],\n"                                                               /* 12 */
                             "  \"seed\": 99 }\n";                                                     /* 13 */

Test(json, finds_the_line_of_a_key_however_often_its_name_is_repeated)
{
    static const char *const known[] = {"name", "inner"};
    struct assay_json_file   file;
    const char              *text;
    int64_t                  n;
    cr_assert_eq(load(nested, 1000, &file), ASSAY_OK, "%s", err.message);
    json_t *defaults = json_object_get(file.root, "defaults"), *cases = json_object_get(file.root, "cases");
    json_t *first = json_array_get(cases, 0), *second = json_array_get(cases, 1);
    cr_expect_eq(assay_json_text(&file, defaults, "name", true, &text, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":4: 'name' must be a text, not an integer");
    cr_expect_eq(assay_json_i64(&file, first, "name", true, 0, 1, &n, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":6: 'name' must be an integer, not a text");
    cr_expect_eq(assay_json_text(&file, json_object_get(first, "inner"), "name", true, &text, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":7: 'name' must be a text, not null");
    cr_expect_eq(assay_json_text(&file, second, "name", true, &text, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":9: 'name' must be a text, not an array");
    cr_expect_eq(assay_json_text(&file, second, "seed", true, &text, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":8: 'seed' is missing");
    cr_expect_eq(assay_json_i64(&file, file.root, "seed", true, 0, 10, &n, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":13: 'seed' must be from 0 to 10, got 99");
    cr_expect_eq(assay_json_known_keys(&file, first, known, 2, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_json_known_keys(&file, second, known, 2, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":11: unknown key 'nmae'");
    cr_expect_str_eq(err.hint, "did you mean 'name'?");
    cr_expect_eq(assay_json_known_keys(&file, defaults, known, 2, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":2: unknown key 'seed'");
    cr_expect_str_eq(err.hint, "known: name, inner");
    cr_expect_eq(assay_json_fail(&file, "seed", &err, "bad %d", 1), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":13: bad 1", "the root's own key comes before nested ones");
    cr_expect_eq(assay_json_fail(&file, "nmae", &err, "bad"), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":11: bad");
    cr_expect_eq(assay_json_fail(&file, "nowhere", &err, "bad"), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ": bad");
    cr_expect_eq(assay_json_fail(&file, NULL, &err, "bad"), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ": bad");
    assay_json_release(&file);
}

Test(json, refuses_members_of_the_wrong_kind_or_range)
{
    struct assay_json_file file;
    json_t                *value = NULL;
    bool                   yes;
    double                 x = 7;
    int64_t                n = 7;
    cr_assert_eq(load("{\"format\":\"assay-suite/1\",\n\"n\":1.0,\n\"x\":\"1\",\n\"o\":[],\n\"a\":{},\n"
                      "\"b\":1,\"y\":1.5}", 1000, &file), ASSAY_OK);
    cr_expect_eq(assay_json_i64(&file, file.root, "n", false, 0, 9, &n, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":2: 'n' must be an integer, not a number with a fraction");
    cr_expect_eq(assay_json_f64(&file, file.root, "x", false, 0, 9, &x, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":3: 'x' must be a number, not a text");
    cr_expect_eq(assay_json_f64(&file, file.root, "y", false, 2, 9, &x, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":6: 'y' must be from 2 to 9, got 1.5");
    cr_expect_eq(assay_json_object(&file, file.root, "o", false, &value, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":4: 'o' must be an object, not an array");
    cr_expect_eq(assay_json_array(&file, file.root, "a", false, &value, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":5: 'a' must be an array, not an object");
    cr_expect_eq(assay_json_bool(&file, file.root, "b", false, &yes, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":6: 'b' must be true or false, not an integer");
    cr_expect_eq(assay_json_array(&file, file.root, "none", true, &value, &err), ASSAY_DATA);
    cr_expect_str_eq(behind_path(), ":1: 'none' is missing");
    cr_expect(value == NULL && x == 7 && n == 7);
    assay_json_release(&file);
}

Test(json, parses_a_line_strictly)
{
    static const char text[] = "{\"a\":1,\"b\":[2.5]}tail";
    json_t           *value = NULL;
    cr_assert_eq(assay_json_parse(text, sizeof text - 5, "record 3", &value, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(json_integer_value(json_object_get(value, "a")), 1);
    json_decref(value);
    value = NULL;
    cr_expect_eq(assay_json_parse(text, sizeof text - 1, "record 3", &value, &err), ASSAY_DATA);
    cr_expect_str_eq(err.message, "record 3:1:21: end of file expected near 'tail'");
    cr_expect_eq(assay_json_parse("{\"a\":1,\"a\":1}", 13, "record 3", &value, &err), ASSAY_DATA);
    cr_expect_eq(assay_json_parse(text, 10, "record 3", &value, &err), ASSAY_DATA, "a torn line");
    cr_expect_eq(assay_json_parse(text, (size_t)1 << 40, "record 3", &value, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "more than 67108864"), "%s", err.message);
    cr_expect(value == NULL);
}

Test(json, writes_sorted_lines_that_read_back_exactly)
{
    json_t *object = json_object(), *back = NULL;
    json_object_set_new(object, "z", assay_json_number(0.1));
    json_object_set_new(object, "a", assay_json_number(NAN));
    json_object_set_new(object, "b", assay_json_number(-INFINITY));
    json_object_set_new(object, "big", assay_json_u64(UINT64_MAX));
    json_object_set_new(object, "fits", assay_json_u64(INT64_MAX));
    char *line = assay_json_line(object), *pretty = assay_json_pretty(object);
    cr_expect_str_eq(line, "{\"a\":null,\"b\":null,\"big\":\"18446744073709551615\","
                           "\"fits\":9223372036854775807,\"z\":0.10000000000000001}");
    cr_expect(strncmp(pretty, "{\n  \"a\": null,\n  \"b\"", 20) == 0, "%s", pretty);
    cr_assert_eq(assay_json_parse(line, strlen(line), "x", &back, &err), ASSAY_OK);
    cr_expect(json_equal(object, back));
    cr_expect(assay_json_number_of(back, "z") == 0.1 && isnan(assay_json_number_of(back, "a")), "null stands for what is no number");
    cr_expect(isnan(assay_json_number_of(back, "big")) && isnan(assay_json_number_of(back, "none")) && isnan(assay_json_number_of(NULL, "z")));
    json_decref(back);
    json_decref(object);
    free(line);
    free(pretty);
}

static const char *const texts[][2] = {
    {"", ""},
    {"plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"a\xff" "b", "a\xef\xbf\xbd" "b"},
    {"\xc3", "\xef\xbf\xbd"},                                                    /* cut short */
    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},                                    /* cut short */
    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                                    /* overlong */
    {"\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                    /* overlong */
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                    /* surrogate */
    {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},    /* beyond U+10FFFF */
    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
};

Test(json, replaces_what_is_no_utf8)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *value = assay_json_string(texts[i][0]);
        cr_assert(value, "row %zu", i);
        cr_expect_str_eq(json_string_value(value), texts[i][1], "row %zu", i);
        json_decref(value);
    }
    char every[3] = {0}; /* whatever two bytes come, a string comes out */
    for (int a = 1; a < 256; a++)
        for (int b = 1; b < 256; b++) {
            every[0] = (char)a;
            every[1] = (char)b;
            json_t *value = assay_json_string(every);
            cr_expect(value, "%02x %02x", a, b);
            json_decref(value);
        }
}

static int allocations_left;

static void *failing_malloc(size_t bytes)
{
    return allocations_left-- > 0 ? malloc(bytes) : NULL;
}

Test(json, survives_the_end_of_memory_anywhere)
{
    struct assay_json_file file;
    int                    n = 0;
    enum assay_code        code = ASSAY_MEMORY;
    json_set_alloc_funcs(failing_malloc, free);
    for (; code && n < 1000; n++) {
        allocations_left = n;
        code = load(nested, 1000, &file);
        /* jansson itself takes a string without memory for a malformed one, so either class is right */
        cr_expect(!code || ((code == ASSAY_MEMORY || code == ASSAY_DATA) && *err.message), "%d: %d", n, code);
    }
    cr_expect(n > 10 && n < 1000, "succeeded at last, after %d", n);
    assay_json_release(&file);
    json_set_alloc_funcs(malloc, free);
}

Test(json, says_the_end_of_a_long_path)
{
    char                   name[300], where[400];
    struct assay_json_file file;
    memset(name, 'p', sizeof name);
    (void)snprintf(where, sizeof where, "/tmp/%.200s/../%s", name, path + 5);
    cr_expect_eq(assay_json_load(where, "f", 100, &file, &err), ASSAY_IO);
    (void)snprintf(where, sizeof where, "/tmp/.////////////////////////////////////////////////////////////////////"
                                        "////////////////////////////////////////////////////%s", path + 5);
    cr_assert_eq(assay_file_replace(path, "{\"a\" 1}", 7, &err), ASSAY_OK);
    cr_expect_eq(assay_json_load(where, "f", 100, &file, &err), ASSAY_DATA);
    cr_expect(strncmp(err.message, "...///", 6) == 0 && strstr(err.message, ":1:6: ':' expected"), "%s", err.message);
}

Test(json, writes_for_people_what_no_terminal_acts_on)
{
    json_t *value = json_pack("{s:s}", "k", "\x7f \xC2\x9B"
                                            "31m \xE2\x80\xAE \xE2\x81\xA6 \xE2\x80\xA8 \xC3\xA9 \xE2\x80\x93 \xC2\xA0");
    json_t *again = NULL;
    char   *text = assay_json_pretty(value);
    cr_assert_not_null(text);
    cr_expect_str_eq(text, "{\n  \"k\": \"\\u007F \\u009B31m \\u202E \\u2066 \\u2028 \xC3\xA9 \xE2\x80\x93 \xC2\xA0\"\n}");
    cr_assert_eq(assay_json_parse(text, strlen(text), "text", &again, &err), ASSAY_OK);
    cr_expect(json_equal(value, again));
    free(text);
    json_decref(value);
    json_decref(again);
}

Test(json, a_word_is_one_of_those_that_are_known)
{
    static const char *const words[] = {"", "red", "green", NULL};
    struct assay_json_file   file;
    int                      i = 7;
    const char              *text = "{\"format\": \"assay-suite/1\", \"a\": \"green\", \"b\": \"gren\", \"c\": \"\", \"d\": 1}";
    cr_assert_eq(load(text, 1000, &file), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_json_word(&file, file.root, "none", false, words, &i, &err), ASSAY_OK);
    cr_expect_eq(i, 7);
    cr_expect_eq(assay_json_word(&file, file.root, "a", true, words, &i, &err), ASSAY_OK);
    cr_expect_eq(i, 2);
    cr_expect_eq(assay_json_word(&file, file.root, "b", true, words, &i, &err), ASSAY_DATA);
    cr_expect_str_eq(err.hint, "did you mean 'green'?");
    cr_expect_eq(assay_json_word(&file, file.root, "c", true, words, &i, &err), ASSAY_DATA);
    cr_expect_str_eq(err.hint, "it can be: red, green");
    cr_expect_neq(assay_json_word(&file, file.root, "d", true, words, &i, &err), ASSAY_OK);
    cr_expect_neq(assay_json_word(&file, file.root, "none", true, words, &i, &err), ASSAY_OK);
    cr_expect_eq(i, 2);
    assay_json_release(&file);
}

Test(json, members_are_read_as_they_were_written_and_are_nothing_where_they_are_not)
{
    static const uint64_t numbers[] = {0, 7, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    json_t               *object = json_pack("{s:s, s:i, s:s, s:n}", "text", "a", "less", -3, "less_text", "-3", "none");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_object_set_new(object, "n", assay_json_u64(numbers[i]));
        cr_expect_eq(assay_json_u64_of(object, "n"), numbers[i], "%zu", i);
    }
    cr_expect(assay_json_u64_of(object, "less") == 0 && assay_json_u64_of(object, "less_text") == 0 && assay_json_u64_of(object, "none") == 0 &&
              assay_json_u64_of(object, "missing") == 0);
    cr_expect_str_eq(assay_json_text_of(object, "text"), "a");
    cr_expect_str_eq(assay_json_text_of(object, "less"), "");
    cr_expect_str_eq(assay_json_text_of(NULL, "text"), "");
    json_decref(object);
}
