#include "suites/weights/value_source.h"

#include "suites/data/fill.h"
#include "suites/weights/tests/folder.h"

#include "assay/banned.h"

static struct assay_error         err;
static struct assay_graph        *g;
static struct assay_value_source *s;
static int32_t                    x, ids, w;

/* y = (x + Gather(w, ids)) * w */
static void set_up(void)
{
    folder_make();
    g = assay_graph_new("test");
    x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){2, 3}, ASSAY_FILL_SIGNED);
    ids = assay_graph_input(g, "ids", ASSAY_I64, 1, (int64_t[]){2}, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 3});
    w = assay_graph_param(g, "w", ASSAY_F32, 2, (int64_t[]){4, 3}, ASSAY_FILL_SIGNED);
    int32_t rows = assay_graph_op(g, "Gather", "rows", (int32_t[]){w, ids}, 2, NULL);
    assay_graph_output(g, assay_graph_op(g, "Add", "y", (int32_t[]){x, rows}, 2, NULL));
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
}

static void tear_down(void)
{
    assay_value_source_close(s);
    assay_graph_free(g);
    folder_remove();
}

TestSuite(value_source, .init = set_up, .fini = tear_down, .timeout = 60);

static enum assay_code fill_made(void *self, void *to, struct assay_error *why)
{
    return made_fill(self, 0, to, why);
}

static void write_npy(const struct made *made)
{
    char                path[200];
    struct assay_tensor t = {.dtype = made->dtype, .rank = made->rank};
    memcpy(t.dims, made->dims, sizeof made->dims);
    (void)snprintf(path, sizeof path, "%s/%s.npy", folder, made->name);
    cr_assert_eq(assay_npy_write(path, &t, fill_made, (void *)(uintptr_t)made, &err), ASSAY_OK, "%s", err.message);
}

static void write_both(void)
{
    write_npy(&(struct made){"x", ASSAY_F32, 3, {2, 2, 3}, 0, 1});
    write_npy(&(struct made){"ids", ASSAY_I64, 1, {2}, 2, 1});
}

static void expect_refused(const char *said)
{
    cr_expect_eq(assay_value_source_open(g, "", folder, &s, &err), ASSAY_DATA, "not refused: %s", said);
    cr_expect_str_eq(err.message, said);
}

Test(value_source, without_files_is_the_generator)
{
    float a[12], b[12];
    cr_assert_eq(assay_value_fill(NULL, g, w, 7, 0, a, &err), ASSAY_OK);
    cr_assert_eq(assay_fill_value(g, w, 7, 0, b, &err), ASSAY_OK);
    cr_expect_arr_eq(a, b, sizeof a);
}

Test(value_source, turns_the_slices_of_a_file_over_the_input_sets)
{
    float   a[6];
    int64_t i[2];
    write_both();
    cr_assert_eq(assay_value_source_open(g, "", folder, &s, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_value_source_check(s, &err), ASSAY_OK, "%s", err.message);
    for (uint64_t set = 0; set < 5; set++) {
        cr_assert_eq(assay_value_fill(s, g, x, 7, set, a, &err), ASSAY_OK);
        cr_expect(a[0] == (float)(set % 2 * 6) && a[5] == a[0] + 5, "%g", a[0]);
        cr_assert_eq(assay_value_fill(s, g, ids, 7, set, i, &err), ASSAY_OK);
        cr_expect(i[0] == 2 && i[1] == 3);
    }
}

Test(value_source, takes_params_from_weights_and_the_rest_from_the_seed)
{
    float a[12], b[6], c[6];
    folder_write("model.safetensors", (struct made[]){{"w", ASSAY_BF16, 2, {4, 3}, 1, 1}, {NULL}});
    cr_assert_eq(assay_value_source_open(g, folder, "", &s, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_value_fill(s, g, w, 7, 3, a, &err), ASSAY_OK);
    cr_expect(a[0] == 1 && a[11] == 12);
    cr_assert(!assay_value_fill(s, g, x, 7, 3, b, &err) && !assay_fill_value(g, x, 7, 3, c, &err));
    cr_expect_arr_eq(b, c, sizeof b);
}

Test(value_source, names_the_files_it_uses)
{
    struct assay_file_set inputs;
    write_both();
    cr_assert_eq(assay_value_source_open(g, "", folder, &s, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_file_set_init(&inputs, folder, &err), ASSAY_OK);
    cr_assert_eq(assay_value_source_files(s, NULL, &inputs, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(inputs.n, 2);
    cr_expect_str_eq(inputs.files[0].name, "x.npy");
    cr_expect_str_eq(inputs.files[1].name, "ids.npy");
    assay_file_set_release(&inputs);
}

Test(value_source, refuses_inputs_that_are_missing_or_too_many)
{
    expect_refused("no file 'x.npy' for input 'x', which is f32[2,3]");
    write_both();
    write_npy(&(struct made){"w", ASSAY_F32, 1, {1}, 0, 0});
    expect_refused("w.npy: the graph has no input of that name");
}

Test(value_source, refuses_another_shape_or_type)
{
    write_both();
    write_npy(&(struct made){"x", ASSAY_F32, 2, {3, 2}, 0, 1});
    expect_refused("x.npy: it is f32[3,2]; the input is f32[2,3], with or without an axis of sets before it");
    write_npy(&(struct made){"x", ASSAY_F32, 3, {0, 2, 3}, 0, 1});
    expect_refused("x.npy: it is f32[0,2,3]; the input is f32[2,3], with or without an axis of sets before it");
    write_npy(&(struct made){"x", ASSAY_F64, 2, {2, 3}, 0, 1});
    expect_refused("x.npy: it is f64[2,3]; the input is f32[2,3], with or without an axis of sets before it");
}

static void expect_bad_content(const char *said)
{
    cr_assert_eq(assay_value_source_open(g, "", folder, &s, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_value_source_check(s, &err), ASSAY_DATA);
    cr_expect_str_eq(err.message, said);
    assay_value_source_close(s);
    s = NULL;
}

Test(value_source, refuses_numbers_that_no_run_may_begin_with)
{
    write_both();
    write_npy(&(struct made){"ids", ASSAY_I64, 1, {2}, 3, 1});
    expect_bad_content("ids.npy: element 1 is 4; the graph allows 0 to 3");
    write_npy(&(struct made){"ids", ASSAY_I64, 1, {2}, -1, 1});
    expect_bad_content("ids.npy: element 0 is -1; the graph allows 0 to 3");
    write_both();
    write_npy(&(struct made){"x", ASSAY_F32, 2, {2, 3}, 1, 1e39});
    expect_bad_content("x.npy: element 1 is inf");
}
