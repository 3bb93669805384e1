#include <criterion/criterion.h>

#include "harness/ir/onnx/proto.h"

#include "assay/banned.h"

TestSuite(proto, .timeout = 60);

static struct assay_error       err;
static struct assay_proto_field  field;
static const unsigned char      every_type[] = {0x08, 0xAC, 0x02,                          /* 1: 300 */
                                           0x11, 1,    0,   0, 0, 0, 0, 0, 0x80,      /* 2: fixed64 */
                                           0x1A, 2,    'h', 'i',                      /* 3: "hi" */
                                           0x25, 0,    0,   0x80, 0x3F};              /* 4: fixed32, 1.0f */

Test(proto, gives_fields_of_every_type_where_they_lie)
{
    struct assay_proto w = assay_proto_of(every_type, sizeof every_type, "x");
    cr_assert_eq(assay_proto_next(&w, &field, &err), ASSAY_OK);
    cr_expect(field.number == 1 && field.type == ASSAY_PROTO_VARINT && field.bits == 300 && field.position == 0);
    cr_assert_eq(assay_proto_next(&w, &field, &err), ASSAY_OK);
    cr_expect(field.number == 2 && field.type == ASSAY_PROTO_FIXED64 && field.bits == (UINT64_C(1) << 63 | 1));
    cr_assert_eq(assay_proto_next(&w, &field, &err), ASSAY_OK);
    cr_expect(field.number == 3 && field.at == every_type + 14 && field.length == 2 && field.position == 12);
    cr_assert_eq(assay_proto_next(&w, &field, &err), ASSAY_OK);
    cr_expect(field.number == 4 && field.type == ASSAY_PROTO_FIXED32 && field.bits == 0x3F800000);
    cr_assert_eq(assay_proto_next(&w, &field, &err), ASSAY_OK);
    cr_expect_eq(field.number, 0, "the message is over");
}

Test(proto, an_empty_message_has_no_field)
{
    struct assay_proto w = assay_proto_of(NULL, 0, "x");
    cr_assert_eq(assay_proto_next(&w, &field, &err), ASSAY_OK);
    cr_expect_eq(field.number, 0);
}

/* Every cut of a message is its beginning or is refused. */
Test(proto, what_is_cut_within_a_field_is_refused)
{
    const size_t ends[] = {0, 3, 12, 16, sizeof every_type};
    for (size_t n = 0, fields = 0; n <= sizeof every_type; n++) {
        struct assay_proto w = assay_proto_of(every_type, n, "x");
        enum assay_code   code;
        size_t            seen = 0;
        while (!(code = assay_proto_next(&w, &field, &err)) && field.number)
            seen++;
        if (fields < 4 && n == ends[fields + 1])
            fields++;
        cr_expect_eq(seen, fields, "%zu bytes: %zu fields", n, seen);
        cr_expect_eq(code, n == ends[fields] ? ASSAY_OK : ASSAY_DATA, "%zu bytes", n);
    }
}

static const struct {
    char          why[60];
    unsigned char bytes[16];
    size_t        n;
} wrong[] = {
    {"x: byte 1: a number of more than 64 bits", {0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2}, 11},
    {"x: byte 1: a length goes beyond the end of its message", {0x0A, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0}, 12},
    {"x: byte 0: no field has this number", {0x00, 1}, 2},
    {"x: byte 2: a field of a kind that is not read", {0x08, 1, 0x0B}, 3},
    {"x: byte 0: no field has this number", {0x80, 0x80, 0x80, 0x80, 0x80, 1, 1}, 7},
};

Test(proto, damage_is_told_with_its_byte)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct assay_proto w = assay_proto_of(wrong[i].bytes, wrong[i].n, "x");
        enum assay_code   code;
        while (!(code = assay_proto_next(&w, &field, &err)) && field.number)
            ;
        cr_expect_eq(code, ASSAY_DATA, "row %zu", i);
        cr_expect(strncmp(err.message, wrong[i].why, strlen(wrong[i].why)) == 0, "row %zu: %s", i, err.message);
    }
}

Test(proto, the_largest_number_has_64_bits)
{
    const unsigned char bytes[] = {0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1};
    struct assay_proto   w = assay_proto_of(bytes, sizeof bytes, "x");
    cr_assert_eq(assay_proto_next(&w, &field, &err), ASSAY_OK);
    cr_expect_eq(field.bits, UINT64_MAX);
}

Test(proto, messages_are_entered_32_deep_and_no_deeper)
{
    unsigned char     bytes[80];
    struct assay_proto w;
    int               depth = 0;
    for (size_t i = 0; i < sizeof bytes; i += 2) {
        bytes[i] = 0x0A;
        bytes[i + 1] = (unsigned char)(sizeof bytes - i - 2);
    }
    w = assay_proto_of(bytes, sizeof bytes, "x");
    while (!assay_proto_next(&w, &field, &err) && !assay_proto_enter(&w, &field, &w, &err))
        depth++;
    cr_expect_eq(depth, ASSAY_PROTO_DEPTH_MOST - 1, "with the outermost, 32");
    cr_expect_str_eq(err.message, "x: byte 62: messages nested more than 32 deep");
}

Test(proto, a_number_is_no_message)
{
    const unsigned char bytes[] = {0x08, 1};
    struct assay_proto   w = assay_proto_of(bytes, sizeof bytes, "x"), inner;
    cr_assert_eq(assay_proto_next(&w, &field, &err), ASSAY_OK);
    cr_expect_eq(assay_proto_enter(&w, &field, &inner, &err), ASSAY_DATA);
    cr_expect_str_eq(err.message, "x: byte 0: a number where a message should be");
}
