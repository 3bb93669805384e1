#include "harness/run/loader.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/run/tests/place.h"

#include "assay/banned.h"

/* The path of a fixture, spelled in a way of its own: what was loaded from a path is not asked again. */
static void fixture(char path[600], const char *name)
{
    static unsigned spelling;
    char folder[200] = "fixtures";
    for (unsigned i = 0; i < spelling % 64; i++)
        (void)strncat(folder, "/.", sizeof folder - strlen(folder) - 1);
    spelling++;
    place_of(path, 600, folder, name);
}

static enum assay_code load_wrong(const char *fault, const struct assay_backend **out, struct assay_error *err)
{
    char path[600];
    (void)setenv("ASSAY_TEST_FAULT", fault, 1);
    fixture(path, "wrong");
    memset(err, 0, sizeof *err);
    *out = NULL;
    return assay_backend_load(path, out, err);
}

Test(loader, refuses_a_back_end_that_breaks_the_agreement_and_says_how, .timeout = 60)
{
    static const struct {
        const char *fault, *says;
    } cases[] = {
        {"null", "refuses this program"},
        {"major", "is of plug-in ABI 2.4, this program has 1.4"},
        {"size_small", "bytes; ABI 1.4 has at least"},
        {"size_huge", "gives a back end of 4294967295 bytes"},
        {"no_probe", "lacks the required entry 'probe'"},
        {"no_forget", "lacks the required entry 'forget'"},
        {"name_missing", "has no usable name"},
        {"name_hostile", "has no usable name"},
        {"name_escape", "has no usable name"},
        {"name_long", "has no usable name"},
        {"summary_missing", "has no summary or version of one plain line"},
        {"version_lines", "has no summary or version of one plain line"},
        {"stride_small", "are 8 bytes apart"},
        {"stride_odd", "bytes apart"},
        {"options_huge", "wants 18446744073709551615 bytes of options"},
        {"option_no_end", "has no end within 256 rows"},
        {"option_name", "its name is not a word"},
        {"option_twice", "its name is taken"},
        {"option_outside", "does not lie in the struct"},
        {"option_edge", "does not lie in the struct"},
        {"option_misaligned", "does not lie in the struct"},
        {"option_type", "no type a back end may have"},
        {"option_list", "no type a back end may have"},
        {"option_range", "its range is empty"},
        {"option_nan", "its range is empty"},
        {"option_choices", "it has no choices"},
        {"option_help", "no help of one plain line"},
        {"option_default", "a default in the option table"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct assay_backend *b;
        struct assay_error err;
        cr_expect_eq(load_wrong(cases[i].fault, &b, &err), ASSAY_PROTOCOL, "%s", cases[i].fault);
        cr_expect_null(b);
        cr_expect(strstr(err.message, cases[i].says), "%s: %s", cases[i].fault, err.message);
        cr_expect(strstr(err.message, "wrong.so"), "%s: the path is named: %s", cases[i].fault, err.message);
    }
}

Test(loader, takes_older_and_newer_plug_ins_of_the_same_major_number, .timeout = 60)
{
    const struct assay_backend *b;
    struct assay_error err;
    cr_assert_eq(load_wrong("none", &b, &err), ASSAY_OK, "%s", err.message);
    cr_expect(ASSAY_HAS(b, draw));
    cr_expect_not(ASSAY_HAS(b, describe), "NULL is absent");
    cr_assert_eq(load_wrong("size_required", &b, &err), ASSAY_OK, "%s", err.message);
    cr_expect_not(ASSAY_HAS(b, draw), "beyond its size is absent");
    cr_expect_null(b->draw, "even to who forgets to ask");
    cr_assert_eq(load_wrong("size_larger", &b, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(b->size, sizeof *b);
    cr_assert_eq(load_wrong("minor_larger", &b, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(load_wrong("stride_larger", &b, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(b->option_stride, sizeof(struct assay_option));
    cr_expect_str_eq(b->options[1].name, "count");
    cr_expect_null(b->options[2].name);
}

Test(loader, loads_a_path_once, .timeout = 60)
{
    const struct assay_backend *b, *again;
    struct assay_error err = {0};
    char path[600];
    fixture(path, "wrong");
    cr_assert_eq(assay_backend_load(path, &b, &err), ASSAY_OK);
    cr_assert_eq(assay_backend_load(path, &again, &err), ASSAY_OK);
    cr_expect_eq(b, again);
}

Test(loader, refuses_files_that_are_no_plug_ins, .timeout = 60)
{
    const struct assay_backend *b = NULL;
    struct assay_error err = {0};
    char path[600], folder[64] = "/tmp/assay-loader-XXXXXX", text[80];
    fixture(path, "no_symbol");
    cr_expect_eq(assay_backend_load(path, &b, &err), ASSAY_PROTOCOL);
    cr_expect(strstr(err.message, "does not export assay_backend_entry"), "%s", err.message);
    fixture(path, "undefined");
    cr_expect_eq(assay_backend_load(path, &b, &err), ASSAY_PROTOCOL);
    cr_expect(strstr(err.message, "assay_function_that_nobody_has"), "%s", err.message);
    cr_expect_eq(assay_backend_load("/nowhere/assay-x.so", &b, &err), ASSAY_UNAVAILABLE);
    cr_expect(strstr(err.message, "No such file"), "%s", err.message);
    cr_assert(mkdtemp(folder));
    cr_expect_eq(assay_backend_load(folder, &b, &err), ASSAY_CONFIG);
    (void)snprintf(text, sizeof text, "%s/assay-text.so", folder);
    FILE *file = fopen(text, "w");
    (void)fputs("not an object", file);
    (void)fclose(file);
    cr_expect_eq(assay_backend_load(text, &b, &err), ASSAY_PROTOCOL);
    cr_expect(strstr(err.message, "assay-text.so"), "%s", err.message);
    (void)remove(text);
    cr_expect_eq(mkfifo(text, 0600), 0);
    cr_expect_eq(assay_backend_load(text, &b, &err), ASSAY_CONFIG, "opening a pipe would wait for ever");
    (void)remove(text);
    (void)remove(folder);
    char long_path[2000];
    memset(long_path, '/', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = 0;
    cr_expect_eq(assay_backend_load(long_path, &b, &err), ASSAY_CONFIG);
    cr_expect_null(b);
}

Test(loader, refuses_a_file_that_calls_itself_otherwise, .timeout = 60)
{
    const struct assay_backend *b = NULL;
    struct assay_error err = {0};
    char path[600], folder[64] = "/tmp/assay-loader-XXXXXX", link_path[80];
    fixture(path, "wrong");
    cr_assert(mkdtemp(folder));
    (void)snprintf(link_path, sizeof link_path, "%s/assay-right.so", folder);
    cr_assert_eq(symlink(path, link_path), 0);
    cr_expect_eq(assay_backend_load(link_path, &b, &err), ASSAY_PROTOCOL);
    cr_expect(strstr(err.message, "calls itself 'wrong'"), "%s", err.message);
    (void)remove(link_path);
    (void)remove(folder);
}

Test(loader, tells_what_a_plug_in_returned_in_one_well_formed_error)
{
    const struct assay_backend b = {.name = "x"};
    struct assay_error err = {.code = ASSAY_OK};
    cr_expect_eq(assay_backend_told(&b, ASSAY_OK, "poll", &err), ASSAY_OK);
    cr_expect_eq(assay_backend_told(&b, ASSAY_TIMEOUT, "poll", &err), ASSAY_TIMEOUT);
    cr_expect_str_eq(err.message, "took too long, and no reason was given");
    cr_expect_str_eq(err.frame[0], "poll of back end 'x'");
    (void)ASSAY_FAIL(&err, ASSAY_IO, "a reason");
    cr_expect_eq(assay_backend_told(&b, ASSAY_DEVICE, "poll", &err), ASSAY_DEVICE);
    cr_expect_eq(err.code, ASSAY_DEVICE);
    cr_expect_str_eq(err.message, "a reason");
    cr_expect_eq(assay_backend_told(&b, (enum assay_code) - 3, "poll", &err), ASSAY_DEVICE);
    cr_expect_str_eq(err.message, "poll of back end 'x' returned -3, which is no code");
    memset(&err, 'x', sizeof err);
    cr_expect_eq(assay_backend_told(&b, ASSAY_IO, "poll", &err), ASSAY_IO);
    cr_expect_eq(strlen(err.message), sizeof err.message - 1);
    cr_expect_eq(err.nframes, 1);
}
