#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/verify/witness.h"
#include "harness/verify/witness_file.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

Test(witness_file, places_are_distinct_ascending_and_hit_every_element_alike)
{
    static const uint64_t sizes[][2] = {{1, 1}, {7, 7}, {10, 3}, {1000, 64}, {65537, 65536}, {1ull << 44, 4096}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t elements = sizes[i][0], sample = sizes[i][1], last = 0;
        for (uint64_t k = 0; k < sample; k++) {
            uint64_t at = assay_witness_place(42, elements, sample, k);
            cr_expect(at < elements && (k == 0 || at > last), "place %d of %zu", (int)k, i);
            last = at;
        }
    }
    unsigned hits[10] = {0};
    for (uint64_t key = 0; key < 10000; key++)
        for (uint64_t k = 0; k < 3; k++)
            hits[assay_witness_place(assay_witness_key(key, "x", 0, 0), 10, 3, k)]++;
    /* parts of 3, 3 and 4 elements: one in three or four each; deviation 47 at most, five of them */
    for (int i = 0; i < 10; i++)
        cr_expect(fabs(hits[i] - (i < 6 ? 3333.0 : 2500.0)) < 240, "element %d: %u", i, hits[i]);
}

Test(witness_file, signs_are_balanced_and_do_not_depend_on_where_a_range_begins)
{
    double signs[1000], part[100], sum = 0, both = 0, other[1000];
    assay_witness_signs(5, 1, ASSAY_WITNESS_COLUMN, 0, 1000, signs);
    assay_witness_signs(5, 2, ASSAY_WITNESS_COLUMN, 0, 1000, other);
    assay_witness_signs(5, 1, ASSAY_WITNESS_COLUMN, 437, 100, part);
    cr_expect(!memcmp(part, signs + 437, sizeof part));
    for (int i = 0; i < 1000; i++) {
        cr_expect(fabs(signs[i]) == 1);
        sum += signs[i];
        both += signs[i] * other[i];
    }
    cr_expect(fabs(sum) < 160 && fabs(both) < 160, "%g %g", sum, both); /* five deviations */
    assay_witness_signs(5, 0, ASSAY_WITNESS_POSITION, 3, 100, part);
    for (int i = 0; i < 100; i++)
        cr_expect_eq(part[i], 1.0);
}

Test(witness_file, elements_of_every_format_come_back_as_they_lie)
{
    static const enum assay_dtype types[] = {
#define X(id, number, name, bits, is_float) ASSAY_##id,
        ASSAY_DTYPES(X)
#undef X
    };
    unsigned char packed[8 * 40], kept[8];
    for (size_t i = 0; i < sizeof packed; i++)
        packed[i] = (unsigned char)(i * 37 + 11);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        double all[40], one;
        assay_to_double(types[t], packed, 40, all);
        for (uint64_t i = 0; i < 40; i++) {
            assay_witness_element(types[t], packed, i, kept);
            assay_witness_decode(types[t], kept, 1, &one);
            cr_expect(one == all[i] || (isnan(one) && isnan(all[i])), "%s element %d: %g, not %g", assay_dtype_name(types[t]),
                      (int)i, one, all[i]);
        }
    }
}

static struct assay_graph *graph_of(int outputs, int64_t rows, int64_t columns)
{
    struct assay_graph *g = assay_graph_new("layout");
    for (int i = 0; i < outputs; i++) {
        char name[2][16];
        (void)snprintf(name[0], sizeof name[0], "X%d", i);
        (void)snprintf(name[1], sizeof name[1], "Y%d", i);
        int32_t x = assay_graph_input(g, name[0], ASSAY_F32, 2, (int64_t[]){rows, columns}, ASSAY_FILL_SIGNED);
        assay_graph_output(g, assay_graph_op(g, i % 2 ? "Softmax" : "Relu", name[1], &x, 1, NULL));
    }
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    return g;
}

Test(witness_file, stays_within_its_size_and_keeps_all_of_small_outputs)
{
    static const struct {
        int      outputs;
        int64_t  rows, columns;
        uint32_t sets, chosen;
    } shape[] = {{1, 1, 1, 1, 1}, {1, 256, 256, 8, 59}, {1, 30000, 1000, 8, 59}, {5, 3000, 1000, 8, 59}, {1, 30000, 1000, 256, 59},
                 {1, 30000, 1000, 8, 1024}, {32, 1000, 1000, 8, 59}, {2, 1 << 20, 1, 1, 1}, {330, 1000, 1000, 8, 12}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        struct assay_error          err = {.code = ASSAY_OK};
        struct assay_witness_layout l;
        struct assay_graph         *g = graph_of(shape[i].outputs, shape[i].rows, shape[i].columns);
        cr_expect_eq(assay_witness_layout(g, 1, shape[i].sets, shape[i].chosen, &l, &err), ASSAY_OK, "%s", err.message);
        cr_expect_leq(l.file_bytes, ASSAY_WITNESS_MAX_BYTES, "shape %zu", i);
        for (uint32_t o = 0; o < l.outputs; o++) {
            const struct assay_witness_part *p = &assay_witness_parts(&l, ASSAY_WITNESS_FIRST)[o];
            cr_expect_geq(p->sample, 1);
            cr_expect_eq(p->sums == 0, p->sample == p->elements, "sums where not everything is kept");
            if (i == 1)
                cr_expect_eq(p->sample, 65536);
            for (uint32_t k = 0; k < p->n_projections; k++)
                cr_expect_geq(p->projection[k].positions * p->projection[k].length, p->elements);
        }
        assay_graph_free(g);
    }
}

Test(witness_file, keeps_fewer_iterations_of_a_graph_with_hundreds_of_outputs)
{
    const int outputs[] = {1, 32, 330, 512, 1183, 3000};
    uint32_t  last = ASSAY_WITNESS_DEFAULT_CHOSEN;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        static struct assay_witness_layout l;
        struct assay_error                 err = {.code = ASSAY_OK};
        struct assay_graph                *g = graph_of(outputs[i], 1000, 1000);
        uint32_t                           chosen = assay_witness_chosen_of(g, 8);
        cr_expect_eq(chosen, outputs[i] <= 32 ? ASSAY_WITNESS_DEFAULT_CHOSEN : chosen);
        cr_expect(chosen <= last && chosen >= 10, "%d outputs: %u", outputs[i], chosen);
        cr_expect_eq(assay_witness_layout(g, 1, 8, chosen, &l, &err), ASSAY_OK, "%s", err.message);
        const struct assay_witness_part *first = assay_witness_parts(&l, ASSAY_WITNESS_FIRST);
        const uint32_t                   kept = l.block[ASSAY_WITNESS_FIRST].parts;
        cr_expect_eq(kept, outputs[i] < 2048 ? (uint32_t)outputs[i] : 2048);
        cr_expect_geq(first[0].sample, kept <= 512 ? 64 : 32, "enough to trust an output by, beside the sums of all");
        for (uint32_t k = 1; k < kept; k++)
            cr_expect(first[k].output > first[k - 1].output && first[k].output < (uint32_t)outputs[i]);
        last = chosen;
        assay_graph_free(g);
    }
}
