/* PagedAttention, judged by the reference; and what it refuses. */
#include "backends/cpu/tests/judge.h"

#include "assay/banned.h"

enum { MOST_SEQUENCES = 6, MOST_ROW = 24 };

struct setting {
    int64_t          tokens, heads, kv_heads, width, v_width, blocks, block, sequences, row;
    int32_t          starts[MOST_SEQUENCES + 1], past[MOST_SEQUENCES];
    enum assay_dtype cache;
    bool             wide;
};

static const struct setting settings[] = {
    {5, 4, 2, 8, 8, 9, 4, 3, 4, {0, 1, 4, 5}, {3, 0, 9}, ASSAY_F32, false},           /* grouped; decode and a prompt */
    {7, 2, 2, 17, 5, 6, 3, 2, 3, {0, 0, 4}, {0, 5}, ASSAY_F32, true},                 /* one has no row, three rows are nobody's */
    {70, 4, 1, 32, 32, 40, 16, 4, 9, {0, 1, 2, 66, 70}, {100, 63, 0, 17}, ASSAY_F32, false}, /* many queries; several stretches of keys */
    {70, 4, 1, 32, 32, 40, 16, 4, 9, {0, 1, 2, 66, 70}, {100, 63, 0, 17}, ASSAY_BF16, false},
    {3, 96, 1, 16, 16, 8, 8, 1, 4, {0, 3}, {20}, ASSAY_F32, false},                   /* more heads to a key head than a block has queries */
    {6, 8, 8, 64, 64, 12, 128, 2, 4, {0, 5, 6}, {130, 400}, ASSAY_BF16, true},        /* blocks longer than a stretch */
    {4, 2, 1, 8, 8, 4, 4, 0, 2, {0}, {0}, ASSAY_F32, false},                          /* nobody at all */
};

/* Values are what stands in front in the keys. */
static const struct setting latent[] = {
    {5, 4, 1, 20, 16, 9, 4, 3, 4, {0, 1, 4, 5}, {3, 0, 9}, ASSAY_F32, false},          /* decode and a prompt */
    {70, 16, 1, 72, 64, 40, 16, 4, 9, {0, 1, 2, 66, 70}, {100, 63, 0, 17}, ASSAY_F32, true}, /* many queries; several stretches of keys */
    {70, 16, 1, 72, 64, 40, 16, 4, 9, {0, 1, 2, 66, 70}, {100, 63, 0, 17}, ASSAY_BF16, false},
    {6, 8, 2, 24, 24, 12, 128, 2, 4, {0, 5, 6}, {130, 400}, ASSAY_BF16, false},        /* two heads; all of a key is its value */
};

static int32_t control(struct assay_graph *g, const char *name, const struct setting *t, int32_t rank, const int64_t *dims)
{
    return assay_graph_control(g, name, t->wide ? ASSAY_I64 : ASSAY_I32, rank, dims, (struct assay_fill){ASSAY_FILL_CONSTANT, 0, 0});
}

static struct assay_graph *graph_of(const struct setting *t, bool is_latent, bool in_place)
{
    struct assay_graph *g = assay_graph_new("paged");
    struct assay_error  err = {0};
    int32_t             in[8], out[3];
    const char *const   names[] = {"y", "keys_after", "values_after"};
    int64_t             kw = t->kv_heads * t->width, vw = t->kv_heads * t->v_width;
    in[0] = assay_graph_input(g, "q", ASSAY_F32, 2, (int64_t[]){t->tokens, t->heads * t->width}, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_input(g, "k", ASSAY_F32, 2, (int64_t[]){t->tokens, kw}, ASSAY_FILL_SIGNED);
    in[2] = is_latent ? ASSAY_NO_VALUE : assay_graph_input(g, "v", ASSAY_F32, 2, (int64_t[]){t->tokens, vw}, ASSAY_FILL_SIGNED);
    in[3] = assay_graph_state(g, "keys", t->cache, 3, (int64_t[]){t->blocks, t->block, kw}, ASSAY_FILL_SIGNED);
    in[4] = is_latent ? ASSAY_NO_VALUE : assay_graph_state(g, "values", t->cache, 3, (int64_t[]){t->blocks, t->block, vw}, ASSAY_FILL_SIGNED);
    in[5] = control(g, "block_table", t, 2, (int64_t[]){t->sequences, t->row});
    in[6] = control(g, "starts", t, 1, (int64_t[]){t->sequences + 1});
    in[7] = control(g, "past", t, 1, (int64_t[]){t->sequences});
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("q_num_heads", t->heads), ASSAY_ATTR_INT("kv_num_heads", t->kv_heads),
                                 ASSAY_ATTR_INT("v_head_size", t->v_width), ASSAY_ATTR_END};
    size_t n_outputs = is_latent ? 2 : 3;
    if (!is_latent)
        attrs[2] = ASSAY_ATTR_END;
    assay_graph_op_outputs(g, "assay.PagedAttention", names, n_outputs, in, 8, attrs, out);
    for (size_t i = 0; i < n_outputs; i++) {
        assay_graph_output(g, out[i]);
        if (i && in_place)
            assay_graph_alias(g, out[i], in[2 + i]);
    }
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    return g;
}

static void put(const struct setting *t, struct data *data, int32_t value, size_t i, int64_t x)
{
    if (t->wide)
        ((int64_t *)data->at[value])[i] = x;
    else
        ((int32_t *)data->at[value])[i] = (int32_t)x;
}

/* Blocks in an order of their own, none twice; entries that are not needed are no blocks. */
static void fill_controls(const struct assay_graph *g, const struct setting *t, struct data *data)
{
    int64_t next = 0;
    for (int64_t s = 0; s < t->sequences; s++) {
        int64_t n = t->starts[s + 1] - t->starts[s], needed = n ? (t->past[s] + n + t->block - 1) / t->block : 0;
        for (int64_t b = 0; b < t->row; b++)
            put(t, data, assay_graph_find(g, "block_table"), (size_t)(s * t->row + b), b < needed ? (next++ * 7 + 3) % t->blocks : b % 2 ? -5 : t->blocks);
        put(t, data, assay_graph_find(g, "past"), (size_t)s, t->past[s]);
    }
    for (int64_t s = 0; s <= t->sequences; s++)
        put(t, data, assay_graph_find(g, "starts"), (size_t)s, t->starts[s]);
    for (uint32_t v = 0; t->cache == ASSAY_BF16 && v < g->n_values; v++)
        for (uint64_t i = 0; g->values[v].role == ASSAY_ROLE_STATE && data->at[v] && i < g->values[v].elements; i++) {
            float    x = random_float();
            uint32_t bits;
            memcpy(&bits, &x, sizeof bits);
            ((uint16_t *)data->at[v])[i] = (uint16_t)(bits >> 16);
        }
}

static double number_at(const struct assay_graph *g, const struct data *data, int32_t v, uint64_t i)
{
    uint32_t bits;
    float    x;
    if (g->values[v].dtype != ASSAY_BF16)
        return (double)floats(data, v)[i];
    bits = (uint32_t)((const uint16_t *)data->at[v])[i] << 16;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

static void compare(const struct assay_graph *g, struct assay_reference *r, const struct data *data, int32_t v, const char *what)
{
    uint64_t           n = g->values[v].elements, wrong = 0;
    double            *want = calloc(n + 1, sizeof *want), *bound = calloc(n + 1, sizeof *bound);
    int64_t           *index = calloc(n + 1, sizeof *index);
    struct assay_error err = {0};
    for (uint64_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    cr_assert_eq(assay_reference_at(r, v, n, index, want, bound, &err), ASSAY_OK, "%s", err.message);
    for (uint64_t i = 0; i < n; i++)
        wrong += !(fabs(number_at(g, data, v, i) - want[i]) <= bound[i]) || !isfinite(bound[i]) || bound[i] > 0.05;
    cr_expect_eq(wrong, 0, "%s: %llu of %llu elements of '%s' wrong", what, (unsigned long long)wrong, (unsigned long long)n, g->values[v].name);
    free(want);
    free(bound);
    free(index);
}

static void judge_setting(struct device *d, const struct setting *t, bool is_latent, bool in_place, const char *device)
{
    struct assay_error      err = {0};
    struct assay_graph     *g = graph_of(t, is_latent, in_place);
    struct data             data;
    struct assay_reference *r;
    void                   *before[MAX_VALUES] = {NULL};
    char                    what[120];
    (void)snprintf(what, sizeof what, "%s, %s %d%s", device, is_latent ? "latent" : "setting", (int)(t - (is_latent ? latent : settings)),
                   in_place ? " in place" : "");
    data_new(g, &data);
    fill_controls(g, t, &data);
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (data.at[v])
            memcpy(before[v] = malloc(data.bytes[v] + 1), data.at[v], data.bytes[v]);
        if (g->values[v].alias_of != ASSAY_NO_VALUE) { /* the host need not name it */
            free(data.at[v]);
            data.at[v] = NULL;
        }
    }
    device_run(d, g, &data, false, what);
    cr_assert_eq(assay_reference_new(g, (const void *const *)before, &r, &err), ASSAY_OK, "%s", err.message);
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (g->values[v].role != ASSAY_ROLE_OUTPUT)
            continue;
        int32_t of = g->values[v].alias_of;
        data.at[v] = of != ASSAY_NO_VALUE ? data.at[of] : data.at[v];
        compare(g, r, &data, (int32_t)v, what);
        data.at[v] = of != ASSAY_NO_VALUE ? NULL : data.at[v];
    }
    assay_reference_free(r);
    for (uint32_t v = 0; v < g->n_values; v++)
        free(before[v]);
    data_free(&data);
    assay_graph_free(g);
}

Test(paged, attends_over_pages_as_its_definition_says, .timeout = 60)
{
    static const char *const more[] = {"threads=2,batch_invariant=1"};
    for (size_t i = 0; i < N_DEVICES + 1; i++) {
        struct device d;
        const char   *name = i < N_DEVICES ? every_device[i] : more[0];
        if (!device_open(&d, name))
            continue;
        for (int in_place = 0; in_place < 2; in_place++) {
            for (size_t t = 0; t < sizeof settings / sizeof *settings; t++)
                judge_setting(&d, &settings[t], false, in_place, name);
            for (size_t t = 0; t < sizeof latent / sizeof *latent; t++)
                judge_setting(&d, &latent[t], true, in_place, name);
        }
        device_close(&d);
    }
}

/* ---- what is refused ------------------------------------------------------------------------------------------------ */

static void expect_refused(const char *name, size_t i, int64_t x, const char *why)
{
    struct device            d;
    struct assay_error       err = {0};
    struct data              data;
    const struct setting    *t = &settings[0];
    struct assay_graph      *g = graph_of(t, false, true);
    cr_assert(device_open(&d, "threads=2"));
    data_new(g, &data);
    fill_controls(g, t, &data);
    put(t, &data, assay_graph_find(g, name), i, x);
    struct assay_program *p = device_compile(&d, g, &data, false, &err);
    cr_assert_not_null(p, "%s", err.message);
    cr_expect_eq(device_launch(&d, p, g, &data, &err), ASSAY_DATA);
    cr_expect_str_eq(err.message, why);
    cr_expect(guards_stand(&data));
    put(t, &data, assay_graph_find(g, name), i, 0);
    d.backend->discard(d.session, p);
    device_close(&d);
    data_free(&data);
    assay_graph_free(g);
}

Test(paged, a_needed_entry_that_is_no_block_is_refused_and_not_read)
{
    expect_refused("block_table", 0, -1, "block_table[0,0] is -1; the cache has 9 blocks");
    expect_refused("block_table", 8, 9, "block_table[2,0] is 9; the cache has 9 blocks");
    expect_refused("block_table", 10, INT32_MAX, "block_table[2,2] is 2147483647; the cache has 9 blocks");
}

Test(paged, a_table_without_room_for_a_sequence_is_refused)
{
    expect_refused("past", 2, 16, "sequence 2 has 1 tokens behind 16; its row of block_table has room for 16");
    expect_refused("past", 1, INT32_MAX, "sequence 1 has 3 tokens behind 2147483647; its row of block_table has room for 16");
    expect_refused("past", 1, -1, "sequence 1 has 3 tokens behind -1; its row of block_table has room for 16");
}

Test(paged, starts_that_are_no_starts_are_refused)
{
    expect_refused("starts", 0, 1, "sequence 0 owns rows 1 to 1 of 5");
    expect_refused("starts", 3, 6, "sequence 2 owns rows 4 to 6 of 5");
    expect_refused("starts", 2, 0, "sequence 1 owns rows 1 to 0 of 5");
}

Test(paged, a_cache_that_is_taken_over_by_another_is_not_accepted)
{
    struct device       d;
    char                why[300];
    struct assay_text   why_not = ASSAY_TEXT(why);
    struct assay_graph *g = graph_of(&settings[0], false, false);
    g->values[assay_graph_find(g, "keys_after")].alias_of = assay_graph_find(g, "values");
    cr_assert(device_open(&d, "threads=1"));
    cr_expect_not(d.backend->accepts(d.session, g, 0, &why_not));
    cr_expect_str_eq(why, "PagedAttention whose output 1 takes over the memory of another value than its cache");
    device_close(&d);
    assay_graph_free(g);
}
