#include "harness/base/strings.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"

Test(strings, copy_cuts_and_says_so)
{
    char to[6] = "#####";
    cr_expect(assay_string_copy(to, 4, "abc"));
    cr_expect_str_eq(to, "abc");
    cr_expect_eq(to[4], '#');
    cr_expect_not(assay_string_copy(to, 4, "wxyz"));
    cr_expect_str_eq(to, "wxy");
    cr_expect_eq(to[4], '#');
    cr_expect(assay_string_copy(to, 1, ""));
    cr_expect_not(assay_string_copy(to, 1, "a"));
    cr_expect_str_eq(to, "");
}

Test(strings, distance_counts_the_four_edits)
{
    static const struct {
        char a[16], b[16];
        unsigned distance;
    } rows[] = {
        {"", "", 0},         {"gemm", "gemm", 0}, {"gemm", "gemn", 1}, {"gem", "gemm", 1},         {"gemm", "gem", 1},
        {"gmem", "gemm", 1}, {"", "abc", 3},      {"abc", "", 3},      {"kitten", "sitting", 3},   {"ab", "ba", 1},
        {"ca", "abc", 3}, /* 2 for unrestricted Damerau-Levenshtein */ {"abcdef", "badcfe", 3}, {"abc", "xyz", 3},
        {"a cat", "an abct", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned limit = 0; limit < 12; limit++) {
            unsigned want = rows[i].distance <= limit ? rows[i].distance : limit + 1;
            cr_expect_eq(assay_string_distance(rows[i].a, rows[i].b, limit), want, "%s %s", rows[i].a, rows[i].b);
            cr_expect_eq(assay_string_distance(rows[i].b, rows[i].a, limit), want, "%s %s", rows[i].b, rows[i].a);
        }
}

/* The definition, by recursion. */
static unsigned distance_by_definition(const char *a, size_t i, const char *b, size_t j)
{
    unsigned best, other;
    if (i == 0 || j == 0)
        return (unsigned)(i + j);
    best = distance_by_definition(a, i - 1, b, j - 1) + (a[i - 1] != b[j - 1]);
    other = distance_by_definition(a, i - 1, b, j) + 1;
    best = other < best ? other : best;
    other = distance_by_definition(a, i, b, j - 1) + 1;
    best = other < best ? other : best;
    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        other = distance_by_definition(a, i - 2, b, j - 2) + 1;
        best = other < best ? other : best;
    }
    return best;
}

Test(strings, distance_agrees_with_its_definition)
{
    struct assay_random r;
    assay_random_init(&r, 8);
    for (int round = 0; round < 2000; round++) {
        char a[8] = "", b[8] = "";
        size_t n_a = assay_random_below(&r, 7), n_b = assay_random_below(&r, 7);
        unsigned limit = (unsigned)assay_random_below(&r, 7), want;
        for (size_t i = 0; i < n_a; i++)
            a[i] = (char)('a' + assay_random_below(&r, 3));
        for (size_t i = 0; i < n_b; i++)
            b[i] = (char)('a' + assay_random_below(&r, 3));
        want = distance_by_definition(a, n_a, b, n_b);
        cr_expect_eq(assay_string_distance(a, b, limit), want <= limit ? want : limit + 1, "'%s' '%s' %u", a, b, limit);
    }
}

Test(strings, distance_of_long_strings_is_bounded)
{
    static char a[100001], b[100001];
    memset(a, 'a', 100000);
    memset(b, 'a', 100000);
    cr_expect_eq(assay_string_distance(a, b, 3), 0);
    b[5] = 'b';
    cr_expect_eq(assay_string_distance(a, b, 3), 4);
    a[255] = b[255] = 0;
    cr_expect_eq(assay_string_distance(a, b, 300), 1, "255 bytes are compared");
}

Test(strings, nearest_finds_typing_errors_and_nothing_far)
{
    static const char *const names[] = {"gemm", "gemv", "convolution", "attention", "softmax", "cpu"};
    const size_t n = sizeof names / sizeof names[0];
    cr_expect_str_eq(assay_string_nearest("gem", names, n), "gemm", "the first of equally near ones");
    cr_expect_str_eq(assay_string_nearest("gemv", names, n), "gemv");
    cr_expect_str_eq(assay_string_nearest("covnolution", names, n), "convolution");
    cr_expect_str_eq(assay_string_nearest("atention", names, n), "attention");
    cr_expect_str_eq(assay_string_nearest("cp", names, n), "cpu");
    cr_expect_null(assay_string_nearest("resnet", names, n));
    cr_expect_null(assay_string_nearest("", names, n));
    cr_expect_null(assay_string_nearest("xy", names, n));
    static const char *const letters[] = {"k", "m"};
    cr_expect_str_eq(assay_string_nearest("mm", letters, 2), "m", "short names may be one edit away");
    cr_expect_null(assay_string_nearest("x", letters, 2), "one edit, but nothing in common");
    cr_expect_null(assay_string_nearest("", letters, 2));
    cr_expect_null(assay_string_nearest("gemm", names, 0));
}

struct parts {
    char text[200];
    int seen, stop_at;
};
static bool collect(void *self, const char *part)
{
    struct parts *parts = self;
    size_t length = strlen(parts->text);
    snprintf(parts->text + length, sizeof parts->text - length, "<%s>", part);
    return ++parts->seen != parts->stop_at;
}

Test(strings, split_gives_trimmed_parts_in_order)
{
    static const struct {
        char list[32], want[40];
    } rows[] = {
        {"a,b,c", "<a><b><c>"}, {"  a , b b\t,\nc ", "<a><b b><c>"}, {"a", "<a>"},   {"", ""},          {" \t ", ""},
        {"a,,b", "<a><><b>"},   {",", "<><>"},                       {"a,", "<a><>"}, {" , a", "<><a>"},
        {"a;b", "<a;b>"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct parts parts = {0};
        cr_expect(assay_string_split(rows[i].list, ',', collect, &parts));
        cr_expect_str_eq(parts.text, rows[i].want, "'%s'", rows[i].list);
    }
    struct parts parts = {.stop_at = 2};
    cr_expect_not(assay_string_split("a:b:c", ':', collect, &parts));
    cr_expect_str_eq(parts.text, "<a><b>");
}

Test(strings, quantity_picks_the_prefix_of_what_is_shown)
{
    static const struct {
        double value;
        char unit[8];
        int digits;
        char want[40];
    } rows[] = {
        {0.00123, "s", 3, "1.23 ms"},
        {183e9, "flop/s", 3, "183 Gflop/s"},
        {512.0 * 1048576, "B", 3, "512 MiB"},
        {1, "s", 3, "1.00 s"},
        {999.4, "s", 3, "999 s"},
        {999.6, "s", 3, "1.00 ks"},
        {999.96e-6, "s", 4, "1.000 ms"},
        {999.94e-6, "s", 4, "999.9 \xC2\xB5s"},
        {1e-9, "s", 3, "1.00 ns"},
        {1e-3, "s", 3, "1.00 ms"},
        {12345, "B/s", 3, "12.3 kB/s"},
        {1023, "B", 4, "1023 B"},
        {1024, "B", 4, "1.000 KiB"},
        {5, "B", 4, "5 B"},
        {0.5, "B", 2, "0.50 B"},
        {1536, "B", 2, "1.5 KiB"},
        {1048575, "B", 3, "1020 KiB"},
        {183, "s", 1, "200 s"},
        {-0.0025, "V", 2, "-2.5 mV"},
        {0, "s", 3, "0 s"},
        {98.765, "%", 3, "98.8 %"},
        {1234.5, "", 3, "1230"},
        {1e-30, "s", 3, "1.00e-12 as"},
        {1e40, "s", 3, "1.00e+22 Es"},
        {2.5e-18, "s", 0, "2 as"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buffer[64];
        struct assay_text text = ASSAY_TEXT(buffer);
        assay_string_quantity(&text, rows[i].value, rows[i].unit, rows[i].digits);
        cr_expect_str_eq(buffer, rows[i].want, "row %zu gives '%s'", i, buffer);
    }
}

Test(strings, quantity_survives_every_number)
{
    static const double odd[] = {1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0, 1e308, -1e308, 5e-324, -0.0};
    static const char *const units[] = {"s", "B", "", "%"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        for (size_t u = 0; u < 4; u++)
            for (int digits = -1; digits < 30; digits++) {
                char buffer[64];
                struct assay_text text = ASSAY_TEXT(buffer);
                assay_string_quantity(&text, odd[i], units[u], digits);
                cr_expect(text.length > 0 && !text.cut, "%g %s %d", odd[i], units[u], digits);
            }
    char buffer[64];
    struct assay_text text = ASSAY_TEXT(buffer);
    assay_string_quantity(&text, 1.0 / 0.0, "s", 3);
    cr_expect_str_eq(buffer, "inf s");
}

Test(strings, words_become_one_name)
{
    char buffer[32], tight[6];
    struct assay_text text = ASSAY_TEXT(buffer), cut = ASSAY_TEXT(tight);
    assay_text_add(&text, "memory_");
    assay_string_name(&text, "optimizer's state");
    cr_expect_str_eq(buffer, "memory_optimizers_state");
    assay_string_name(&cut, "master weights");
    cr_expect_str_eq(tight, "maste");
    cr_expect(cut.cut);
}

Test(strings, hex64_is_sixteen_digits)
{
    char out[18] = {[17] = '#'};
    assay_string_hex64(0x0123456789abcdefull, out);
    cr_expect_str_eq(out, "0123456789abcdef");
    assay_string_hex64(0, out);
    cr_expect_str_eq(out, "0000000000000000");
    assay_string_hex64(UINT64_MAX, out);
    cr_expect_str_eq(out, "ffffffffffffffff");
    cr_expect_eq(out[17], '#');
}
