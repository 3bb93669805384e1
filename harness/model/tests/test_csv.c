#include <criterion/criterion.h>
#include <string.h>

#include "harness/model/csv.h"

static enum assay_code parse(const char *text, struct assay_csv *csv, struct assay_error *err)
{
    return assay_csv_parse(text, strlen(text), csv, err);
}

Test(csv, gives_the_cells_of_a_table_by_row_and_column)
{
    struct assay_csv   csv;
    struct assay_error err = {0};
    cr_assert_eq(parse("# a remark\na,b,c\n1,,3\r\n4,5,6", &csv, &err), ASSAY_OK);
    cr_expect_eq(csv.n_columns, 3);
    cr_expect_eq(csv.n_rows, 2);
    cr_expect_str_eq(assay_csv_cell(&csv, 0, assay_csv_column(&csv, "b")), "");
    cr_expect_str_eq(assay_csv_cell(&csv, 0, 2), "3");
    cr_expect_str_eq(assay_csv_cell(&csv, 1, assay_csv_column(&csv, "c")), "6");
    cr_expect_eq(assay_csv_column(&csv, "d"), csv.n_columns);
    assay_csv_release(&csv);
}

Test(csv, takes_what_is_between_quotes_as_it_is)
{
    struct assay_csv   csv;
    struct assay_error err = {0};
    cr_assert_eq(parse("a,b\n\"x, \"\"y\"\"\nz\",\"\"\n", &csv, &err), ASSAY_OK);
    cr_expect_eq(csv.n_rows, 1);
    cr_expect_str_eq(assay_csv_cell(&csv, 0, 0), "x, \"y\"\nz");
    cr_expect_str_eq(assay_csv_cell(&csv, 0, 1), "");
    assay_csv_release(&csv);
}

static const struct wrong {
    char text[48], message[80];
} wrongs[] = {
    {"a,b\n1\n", "line 2: 1 fields where the header has 2"},
    {"a,b\n1,2\n1,2,3\n", "line 3: 3 fields where the header has 2"},
    {"a,a\n", "column 'a' stands there twice"},
    {"a\n\"x\n", "line 2: a quote does not end"},
    {"a\n\"x\"y\n", "line 2: text behind a closing quote"},
    {"", "no header"},
    {"# only this", "no header"},
};

Test(csv, tells_what_is_wrong_and_where)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct assay_csv   csv = {0};
        struct assay_error err = {0};
        cr_expect_eq(parse(wrongs[i].text, &csv, &err), ASSAY_DATA, "%s", wrongs[i].text);
        cr_expect_str_eq(err.message, wrongs[i].message);
    }
}

Test(csv, refuses_a_nul_byte)
{
    struct assay_csv   csv;
    struct assay_error err = {0};
    cr_expect_eq(assay_csv_parse("a\n1\0,2\n", 7, &csv, &err), ASSAY_DATA);
}
