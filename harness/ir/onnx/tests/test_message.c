#include <criterion/criterion.h>

#include <stdlib.h>

#include "harness/ir/onnx/message.h"

#include "assay/banned.h"

TestSuite(message, .timeout = 60);

struct part {
    size_t         position;
    int64_t        number;
    const int64_t *list;
    const float   *floats;
    const char    *text;
    const struct part *parts, *one;
    size_t         n_list, n_floats, n_parts;
};

static const struct assay_message           part_message;
static const struct assay_message_row part_rows[] = {
    {1, ASSAY_MESSAGE_I64, offsetof(struct part, number), 0, NULL},
    {2, ASSAY_MESSAGE_I64S, offsetof(struct part, list), offsetof(struct part, n_list), NULL},
    {3, ASSAY_MESSAGE_F32S, offsetof(struct part, floats), offsetof(struct part, n_floats), NULL},
    {4, ASSAY_MESSAGE_TEXT, offsetof(struct part, text), 0, NULL},
    {5, ASSAY_MESSAGE_MANY, offsetof(struct part, parts), offsetof(struct part, n_parts), &part_message},
    {6, ASSAY_MESSAGE_ONE, offsetof(struct part, one), 0, &part_message},
};
static const struct assay_message part_message = {"Part", sizeof(struct part), part_rows, 6};

static struct assay_error err;
static struct assay_arena arena;
static struct part        part;

static enum assay_code from(const void *bytes, size_t n)
{
    part = (struct part){.position = 0};
    return assay_message_read(&part_message, bytes, n, "x", &arena, &part, &err);
}

Test(message, lists_come_packed_or_one_by_one_or_both)
{
    const unsigned char bytes[] = {0x10, 7, 0x12, 3, 1, 0xAC, 2, 0x10, 9, 0x1D, 0, 0, 0x80, 0x3F, 0x1A, 4, 0, 0, 0, 0x40};
    cr_assert_eq(from(bytes, sizeof bytes), ASSAY_OK, "%s", err.message);
    cr_assert_eq(part.n_list, 4);
    cr_expect(part.list[0] == 7 && part.list[1] == 1 && part.list[2] == 300 && part.list[3] == 9);
    cr_assert_eq(part.n_floats, 2);
    cr_expect(part.floats[0] == 1.0f && part.floats[1] == 2.0f);
    assay_arena_clear(&arena);
}

Test(message, messages_within_know_where_they_lie)
{
    const unsigned char bytes[] = {0x2A, 2, 0x08, 5, 0xF8, 1, 99, 0x2A, 0, 0x32, 2, 0x08, 6};
    cr_assert_eq(from(bytes, sizeof bytes), ASSAY_OK, "%s", err.message);
    cr_assert_eq(part.n_parts, 2, "field 31 is unknown and passed over");
    cr_expect(part.parts[0].number == 5 && part.parts[0].position == 2);
    cr_expect(part.parts[1].number == 0 && part.parts[1].position == 9);
    cr_expect(part.one && part.one->number == 6);
    assay_arena_clear(&arena);
}

static const struct {
    char          why[80];
    unsigned char bytes[12];
    size_t        n;
} wrong[] = {
    {"x: byte 0: a text with control characters, or not in UTF-8", {0x22, 2, 'a', 7}, 4},
    {"x: byte 0: a text with control characters, or not in UTF-8", {0x22, 3, 'a', 0, 'b'}, 5},
    {"x: byte 0: a text with control characters, or not in UTF-8", {0x22, 1, 0xFF}, 3},
    {"x: byte 0: a number where a text should be", {0x20, 1}, 2},
    {"x: byte 2: no whole number where one should be", {0x10, 1, 0x0A, 0}, 4},
    {"x: byte 0: a list that ends within a number", {0x1A, 3, 0, 0, 0}, 5},
    {"x: byte 0: a number of another kind than its list's", {0x18, 3}, 2},
    {"x: byte 2: a number goes on beyond the end of its message", {0x12, 1, 0x80}, 3},
    {"x: byte 0: a number where a message should be", {0x28, 3}, 2},
};

Test(message, what_is_not_of_its_kind_is_refused_with_its_byte)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(from(wrong[i].bytes, wrong[i].n), ASSAY_DATA, "row %zu", i);
        cr_expect_str_eq(err.message, wrong[i].why, "row %zu: %s", i, err.message);
        assay_arena_clear(&arena);
    }
}

/* Two bytes of file would become a struct of over a hundred, ten million times. */
Test(message, room_is_limited_by_the_file_s_size)
{
    const size_t   n = 20000000;
    unsigned char *bytes = malloc(n);
    cr_assert(bytes);
    for (size_t i = 0; i < n; i += 2)
        bytes[i] = 0x2A, bytes[i + 1] = 0;
    cr_expect_eq(from(bytes, n), ASSAY_DATA);
    cr_expect_str_eq(err.message, "x: byte 0: more parts than a file of this size has use for");
    cr_expect(arena.used_bytes < 17 * n);
    assay_arena_clear(&arena);
    free(bytes);
}
