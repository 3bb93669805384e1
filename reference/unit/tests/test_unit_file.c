#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "reference/unit/tests/units.h"

#include "assay/banned.h"

static struct assay_error err;
static char               path[64];

static void set_up(void)
{
    find_source();
    (void)snprintf(path, sizeof path, "/tmp/assay-unit-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    (void)close(fd);
}

static void tear_down(void)
{
    (void)unlink(path);
}

TestSuite(unit_file, .init = set_up, .fini = tear_down, .timeout = 60);

static enum assay_code read_text(const char *text, struct assay_matrix_unit *out)
{
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK, "%s", err.message);
    return assay_unit_read(path, out, &err);
}

#define HEAD "{\"format\": \"assay-matrix-unit/1\", \"name\": \"x\", \"about\": \"x\", \"why\": \"x\", \"source\": \"x\","
#define IN "\"input\": {\"a\": \"f16\", \"b\": \"f16\"}, \"product\": \"exact\","
#define SUM "\"accumulator\": {\"format\": \"f32\"},"
#define OUT "\"output\": {\"format\": \"f32\"}}"

Test(unit_file, reads_the_defaults)
{
    struct assay_matrix_unit u;
    cr_assert_eq(read_text(HEAD IN SUM OUT, &u), ASSAY_OK, "%s", err.message);
    cr_expect(!u.product && !u.promotion && !u.flush_inputs && u.block.length == 1 && u.accumulator.chains == 1);
    cr_expect(u.accumulator.put.rounding == ASSAY_UNIT_NEAREST_EVEN && u.accumulator.order == ASSAY_UNIT_SEQUENTIAL);
}

Test(unit_file, reads_every_field)
{
    struct assay_matrix_unit u;
    cr_assert_eq(read_text(HEAD "\"input\": {\"a\": \"bf16\", \"b\": \"f8e5m2\", \"subnormals\": \"flushed\"}, \"product\": \"f32\","
                           "\"block\": {\"length\": 4, \"sum\": \"bf16\", \"order\": \"tree\", \"rounding\": \"down\"},"
                           "\"accumulator\": {\"format\": \"tf32\", \"rounding\": \"toward_zero\", \"subnormals\": \"flushed\","
                           " \"order\": \"chains\", \"chains\": 8, \"join\": \"halves\"}, \"promotion\": 64,"
                           "\"output\": {\"format\": \"f16\", \"rounding\": \"toward_zero\", \"subnormals\": \"flushed\"}}", &u),
                 ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(u.a->name, "bf16");
    cr_expect_str_eq(u.b->name, "f8e5m2");
    cr_expect_str_eq(u.product->name, "f32");
    cr_expect(u.flush_inputs && u.block.length == 4 && u.block.sum == ASSAY_UNIT_ROUNDED && u.block.order == ASSAY_UNIT_TREE);
    cr_expect_str_eq(u.block.put.format->name, "bf16");
    cr_expect_eq(u.block.put.rounding, ASSAY_UNIT_DOWN);
    cr_expect_str_eq(u.accumulator.put.format->name, "tf32");
    cr_expect(u.accumulator.put.rounding == ASSAY_UNIT_TOWARD_ZERO && u.accumulator.put.flush);
    cr_expect(u.accumulator.order == ASSAY_UNIT_CHAINS && u.accumulator.chains == 8 && u.accumulator.join == ASSAY_UNIT_JOIN_HALVES);
    cr_expect_eq(u.promotion, 64u);
    cr_expect_str_eq(u.output.format->name, "f16");
    cr_expect(u.output.rounding == ASSAY_UNIT_TOWARD_ZERO && u.output.flush);
}

Test(unit_file, what_is_written_is_read_as_the_same_unit)
{
    for (size_t i = 0; i < UNITS; i++) {
        struct assay_matrix_unit u = unit_named(unit_names[i]), again;
        json_t                  *json = assay_unit_to_json(&u);
        char                    *text = assay_json_line(json);
        cr_assert_eq(read_text(text, &again), ASSAY_OK, "%s: %s", u.name, err.message);
        cr_expect(assay_unit_equal(&u, &again), "%s", text);
        cr_expect_str_eq(again.name, unit_names[i], "a file is called as its unit");
        cr_expect_str_eq(again.why, u.why);
        cr_expect_str_eq(again.source, u.source);
        free(text);
        json_decref(json);
    }
}

Test(unit_file, units_that_differ_in_arithmetic_are_not_equal)
{
    for (size_t i = 0; i < UNITS; i++)
        for (size_t k = 0; k < UNITS; k++) {
            struct assay_matrix_unit x = unit_named(unit_names[i]), y = unit_named(unit_names[k]);
            cr_expect_eq(assay_unit_equal(&x, &y), i == k, "%s, %s", x.name, y.name);
        }
}

Test(unit_file, refuses_what_does_not_go_together)
{
    static const struct {
        char text[600], message[100], hint[60];
    } all[] = {
        {HEAD IN SUM "\"outputs\": {}, " OUT, "unknown key 'outputs'", "output"},
        {HEAD IN SUM "\"output\": {\"format\": \"f23\"}}", "format is 'f23'", "did you mean '"},
        {HEAD IN "\"accumulator\": {\"format\": \"f32\", \"rounding\": \"toward-zero\"}," OUT, "rounding is 'toward-zero'", "toward_zero"},
        {HEAD IN "\"accumulator\": {\"format\": \"f32\", \"order\": \"chains\"}," OUT, "chains", ""},
        {HEAD IN "\"accumulator\": {\"format\": \"f32\", \"chains\": 4}," OUT, "chains and join go with order 'chains' only", ""},
        {HEAD IN "\"accumulator\": {\"format\": \"f32\", \"order\": \"chains\", \"chains\": 65}," OUT, "65", ""},
        {HEAD IN "\"accumulator\": {\"format\": \"f32\", \"order\": \"chains\", \"chains\": 6, \"join\": \"halves\"}," OUT,
         "6 chains cannot be halved", ""},
        {HEAD IN "\"accumulator\": {\"format\": \"f32\", \"overflow\": \"wrap\"}," OUT, "f32 is a float", ""},
        {HEAD IN "\"accumulator\": {\"format\": \"i32\"}," OUT, "integers and floats do not mix", ""},
        {HEAD IN SUM "\"block\": {\"length\": 1, \"sum\": \"f32\"}, " OUT, "a block of 1 has nothing to add", ""},
        {HEAD IN SUM "\"block\": {\"length\": 65, \"sum\": \"f32\"}, " OUT, "65", ""},
        {HEAD IN SUM "\"block\": {\"length\": 4, \"sum\": \"aligned\"}, " OUT, "fraction_bits", ""},
        {HEAD IN SUM "\"block\": {\"length\": 4, \"sum\": \"f32\", \"fraction_bits\": 4}, " OUT, "only a sum that is 'aligned'", ""},
        {HEAD IN SUM "\"block\": {\"length\": 4, \"sum\": \"aligned\", \"fraction_bits\": 4, \"order\": \"tree\"}, " OUT,
         "a sum that is 'aligned' has no order", ""},
        {HEAD IN SUM "\"block\": {\"length\": 4, \"sum\": \"f32\"}, \"promotion\": 6, " OUT, "not a number of blocks of 4", ""},
        {HEAD IN "\"block\": {\"length\": 4, \"sum\": \"aligned\", \"fraction_bits\": 4},"
         "\"accumulator\": {\"format\": \"f32\", \"order\": \"tree\"}," OUT, "floats, no tree", ""},
        {HEAD "\"input\": {\"a\": \"f16\", \"b\": \"i8\"}, \"product\": \"exact\"," SUM OUT, "f16 times i8", ""},
        {HEAD "\"input\": {\"a\": \"f16\"}, \"product\": \"exact\"," SUM OUT, "b", ""},
        {HEAD IN OUT, "accumulator", ""},
        {HEAD "\"name\": \"\"," IN SUM OUT, "", ""},
    };
    struct assay_matrix_unit u = {.promotion = 77};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cr_expect_neq(read_text(all[i].text, &u), ASSAY_OK, "%s", all[i].text);
        cr_expect(strstr(err.message, all[i].message), "'%s' is not in '%s'", all[i].message, err.message);
        cr_expect(strstr(err.hint, all[i].hint), "'%s' is not in '%s'", all[i].hint, err.hint);
    }
    cr_expect_eq(u.promotion, 77u, "written only on success");
}

Test(unit_file, suggests_the_nearest_name)
{
    struct assay_matrix_unit u;
    cr_expect_eq(assay_unit_find("bf16-fp33", &u, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "there is no matrix unit 'bf16-fp33'");
    cr_expect_str_eq(err.hint, "did you mean 'bf16-fp32'?");
    cr_expect_neq(assay_unit_find("/nowhere/x.json", &u, &err), ASSAY_OK);
}
