#include "harness/run/items.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "suites/data/fill.h"

#include "assay/banned.h"

enum { SEED = 5 };

static struct assay_case  what;
static struct assay_items items;
static struct assay_error err;

static enum assay_code find(const char *name, uint32_t least)
{
    memset(&err, 0, sizeof err);
    cr_assert_eq(assay_case_parse(name, &what, &err), ASSAY_OK, "%s", err.message);
    return assay_items_init(&what, SEED, least, &items, &err);
}

static void put_away(void)
{
    assay_items_release(&items);
    assay_case_release(&what);
}

static const struct assay_item_axis *axis_of(const char *name, int32_t *value)
{
    for (uint32_t i = 0; i < items.graph->n_values; i++)
        if (!strcmp(items.graph->values[i].name, name)) {
            *value = (int32_t)i;
            return &items.axis[i];
        }
    cr_assert_fail("no value '%s'", name);
    return NULL;
}

Test(items, are_where_the_graph_grows_with_them)
{
    int32_t value;
    cr_assert_eq(find("gemm/m=6,n=5,k=7", 4), ASSAY_OK, "%s", err.message);
    cr_expect_eq(items.size, 6);
    cr_expect(axis_of("A", &value)->has && axis_of("A", &value)->outer == 1 && axis_of("A", &value)->chunk_bytes == 28);
    cr_expect(!axis_of("B", &value)->has, "all items share it");
    cr_expect(axis_of("C", &value)->has && axis_of("C", &value)->chunk_elements == 5);
    put_away();
    cr_assert_eq(find("gemm/m=6,n=5,k=7,transpose_a=true", 4), ASSAY_OK, "%s", err.message);
    cr_expect(axis_of("A", &value)->outer == 7 && axis_of("A", &value)->chunk_bytes == 4, "a column of the stored matrix");
    put_away();
    cr_assert_eq(find("conv/batch=1,height=5,width=5", 4), ASSAY_OK, "%s", err.message);
    cr_expect_eq(items.size, 4, "one item has no neighbours");
    put_away();
}

Test(items, whoever_has_none_says_why)
{
    static const struct { const char *name, *why; } none[] = {
        {"memory", "has no batch"},
        {"reduce/rows=8,columns=3,axis=0", "no output of the case belongs to an item"},
        {"bert.train/layers=1,tokens=8", "joins the items of its batch"},
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        cr_expect_eq(find(none[i].name, 4), ASSAY_UNSUPPORTED, "%s", none[i].name);
        cr_expect(strstr(err.message, none[i].why), "%s: %s", none[i].name, err.message);
        put_away();
    }
}

/* The bytes of a value in an arrangement of n items, filled into a graph of so many. */
static unsigned char *filled(const struct assay_arrangement *a, const char *name)
{
    struct assay_arrangements all = {&items, a};
    struct assay_case         c;
    struct assay_graph       *g;
    int32_t                   value;
    (void)axis_of(name, &value);
    cr_assert_eq(assay_items_case(&items, a->n, &c, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_case_graph(&c, &g, &err), ASSAY_OK, "%s", err.message);
    unsigned char *bytes = calloc(1, (size_t)g->values[value].bytes + 1);
    cr_assert_eq(assay_items_fill(&all, g, value, 0, bytes, &err), ASSAY_OK, "%s", err.message);
    assay_graph_free(g);
    assay_case_release(&c);
    return bytes;
}

static unsigned char *generated(const char *name, uint64_t set)
{
    int32_t value;
    (void)axis_of(name, &value);
    unsigned char *bytes = calloc(1, (size_t)items.graph->values[value].bytes + 1);
    cr_assert_eq(assay_fill_value(items.graph, value, SEED, set, bytes, &err), ASSAY_OK);
    return bytes;
}

Test(items, stand_where_an_arrangement_puts_them_and_share_what_is_shared)
{
    const struct assay_item  item[3] = {{2, 4}, {6, 0}, {2, 1}};
    struct assay_arrangement a = {.set = 2, .n = 3, .item = item};
    cr_assert_eq(find("gemm/m=6,n=5,k=7", 4), ASSAY_OK);
    unsigned char *x = filled(&a, "A"), *b = filled(&a, "B"), *of2 = generated("A", 2), *of6 = generated("A", 6), *b2 = generated("B", 2);
    cr_expect_arr_eq(x, of2 + 4 * 28, 28);
    cr_expect_arr_eq(x + 28, of6, 28);
    cr_expect_arr_eq(x + 56, of2 + 28, 28);
    cr_expect_arr_eq(b, b2, 7 * 5 * 4);
    free(x), free(b), free(of2), free(of6), free(b2);
    put_away();
}

Test(items, of_a_transposed_matrix_are_its_columns)
{
    const struct assay_item  item[2] = {{0, 5}, {1, 2}};
    struct assay_arrangement a = {.set = 0, .n = 2, .item = item};
    cr_assert_eq(find("gemm/m=6,n=5,k=7,transpose_a=true", 4), ASSAY_OK);
    unsigned char *x = filled(&a, "A"), *of0 = generated("A", 0), *of1 = generated("A", 1);
    for (int row = 0; row < 7; row++) {
        cr_expect_arr_eq(x + 8 * row, of0 + (6 * row + 5) * 4, 4);
        cr_expect_arr_eq(x + 8 * row + 4, of1 + (6 * row + 2) * 4, 4);
    }
    free(x), free(of0), free(of1);
    put_away();
}

Test(items, what_counts_places_stays_in_its_place)
{
    const struct assay_item  item[4] = {{0, 3}, {0, 2}, {0, 1}, {0, 0}};
    struct assay_arrangement a = {.set = 0, .n = 4, .item = item};
    cr_assert_eq(find("dlrm.infer/batch=4,most_rows=50", 4), ASSAY_OK, "%s", err.message);
    const char *name = NULL;
    for (uint32_t i = 0; i < items.graph->n_values && !name; i++)
        if (items.axis[i].has && items.graph->values[i].fill.kind == ASSAY_FILL_IOTA)
            name = items.graph->values[i].name;
    cr_assert(name, "offsets of bags are controls of a dlrm");
    unsigned char *x = filled(&a, name), *plain = generated(name, 0);
    cr_expect_arr_eq(x, plain, 4 * 8);
    free(x), free(plain);
    put_away();
}
