#include "suites/data/fill.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGE 400003 /* more than six pieces of work for threads, and no multiple of anything */

/* A graph whose inputs, controls, states and params are these; the output is there because a graph needs one. */
struct made {
    struct assay_graph *g;
    int32_t             value;
};

static struct made value_of(enum assay_role role, const char *name, enum assay_dtype dtype, int64_t elements, struct assay_fill fill)
{
    struct made m = {.g = assay_graph_new("fill")};
    cr_assert(m.g);
    m.value = role == ASSAY_ROLE_PARAM     ? assay_graph_param(m.g, name, dtype, 1, &elements, fill)
              : role == ASSAY_ROLE_STATE   ? assay_graph_state(m.g, name, dtype, 1, &elements, fill)
              : role == ASSAY_ROLE_CONTROL ? assay_graph_control(m.g, name, dtype, 1, &elements, fill)
                                           : assay_graph_input(m.g, name, dtype, 1, &elements, fill);
    cr_assert_neq(m.value, ASSAY_NO_VALUE, "%s", m.g->first_error.message);
    return m;
}

/* The bytes of a value; one byte more that must stay. */
static unsigned char *filled(const struct made *m, uint64_t seed, uint64_t set)
{
    struct assay_error err = {0};
    uint64_t           bytes = assay_graph_value(m->g, m->value)->bytes;
    unsigned char     *to = malloc(bytes + 1);
    memset(to, 0xEE, bytes + 1);
    cr_assert_eq(assay_fill_value(m->g, m->value, seed, set, to, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(to[bytes], 0xEE, "a byte beyond the value was written");
    return to;
}

static bool same(const struct made *a, uint64_t seed_a, uint64_t set_a, const struct made *b, uint64_t seed_b, uint64_t set_b)
{
    unsigned char *x = filled(a, seed_a, set_a), *y = filled(b, seed_b, set_b);
    bool           equal = memcmp(x, y, assay_graph_value(a->g, a->value)->bytes) == 0;
    free(x);
    free(y);
    return equal;
}

Test(fill, bytes_are_the_same_for_any_number_of_threads)
{
    static const struct assay_fill fills[] = {{ASSAY_FILL_UNIFORM, -1, 1}, {ASSAY_FILL_NORMAL, 0, 1}, {ASSAY_FILL_INTEGERS, -7, 7}, {ASSAY_FILL_IOTA, 1, 0.5}};
    static const enum assay_dtype  dtypes[] = {ASSAY_F32, ASSAY_BF16, ASSAY_F4E2M1};
    static const char *const       threads[] = {"1", "2", "3", "7"};
    for (size_t f = 0; f < sizeof fills / sizeof *fills; f++)
        for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
            struct made    m = value_of(ASSAY_ROLE_INPUT, "x", dtypes[d], LARGE, fills[f]);
            uint64_t       bytes = assay_graph_value(m.g, m.value)->bytes;
            unsigned char *first = NULL;
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
                cr_assert_eq(setenv("ASSAY_THREADS", threads[t], 1), 0);
                unsigned char *now = filled(&m, 3, 1);
                cr_expect(!first || memcmp(first, now, bytes) == 0, "fill %zu as %s with %s threads", f, assay_dtype_name(dtypes[d]), threads[t]);
                free(first);
                first = now;
            }
            free(first);
            assay_graph_free(m.g);
        }
}

Test(fill, differs_by_set_by_name_and_by_seed_and_by_nothing_else)
{
    struct made x = value_of(ASSAY_ROLE_INPUT, "x", ASSAY_F32, 1000, ASSAY_FILL_SIGNED), again = value_of(ASSAY_ROLE_INPUT, "x", ASSAY_F32, 1000, ASSAY_FILL_SIGNED);
    struct made y = value_of(ASSAY_ROLE_INPUT, "y", ASSAY_F32, 1000, ASSAY_FILL_SIGNED), control = value_of(ASSAY_ROLE_CONTROL, "x", ASSAY_I32, 1000, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 1000});
    cr_expect(same(&x, 1, 0, &again, 1, 0));
    cr_expect(!same(&x, 1, 0, &y, 1, 0), "another name");
    cr_expect(!same(&x, 1, 0, &x, 2, 0), "another seed");
    for (uint64_t set = 1; set < 16; set++)
        for (uint64_t other = 0; other < set; other++)
            cr_expect(!same(&x, 1, set, &x, 1, other), "sets %llu and %llu", (unsigned long long)set, (unsigned long long)other);
    cr_expect(!same(&control, 1, 0, &control, 1, 1), "a control changes with the set too");
    assay_graph_free(x.g);
    assay_graph_free(again.g);
    assay_graph_free(y.g);
    assay_graph_free(control.g);
}

Test(fill, of_params_and_states_does_not_depend_on_the_set)
{
    static const enum assay_role roles[] = {ASSAY_ROLE_PARAM, ASSAY_ROLE_STATE};
    for (size_t i = 0; i < 2; i++) {
        struct made m = value_of(roles[i], "w", ASSAY_F32, 1000, ASSAY_FILL_SIGNED);
        cr_expect(same(&m, 1, 0, &m, 1, 7));
        cr_expect(!same(&m, 1, 0, &m, 2, 0));
        assay_graph_free(m.g);
    }
}

/* The same numbers in every format, rounded to it: the fast way of f32 is no other way. */
Test(fill, of_another_format_is_the_same_numbers_rounded)
{
    static const struct { enum assay_dtype dtype; double relative; } rows[] = {{ASSAY_F32, 0}, {ASSAY_BF16, 0x1p-8}, {ASSAY_F16, 0x1p-11}};
    struct made    wide = value_of(ASSAY_ROLE_INPUT, "x", ASSAY_F64, 5000, ASSAY_FILL_SIGNED);
    double        *want = (double *)(void *)filled(&wide, 9, 2);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct made    m = value_of(ASSAY_ROLE_INPUT, "x", rows[r].dtype, 5000, ASSAY_FILL_SIGNED);
        unsigned char *got = filled(&m, 9, 2);
        size_t         wrong = 0;
        for (size_t i = 0; i < 5000; i++) {
            uint32_t bits = 0;
            float    f;
            memcpy(&bits, got + i * (rows[r].dtype == ASSAY_F32 ? 4 : 2), rows[r].dtype == ASSAY_F32 ? 4 : 2);
            if (rows[r].dtype == ASSAY_F16) { /* normal numbers only: the fill is hardly ever below 2^-14 */
                double value = ldexp(1024 + (bits & 1023), (int)(bits >> 10 & 31) - 25) * (bits >> 15 ? -1 : 1);
                wrong += (bits >> 10 & 31) != 0 && fabs(value - want[i]) > rows[r].relative * fabs(want[i]);
                continue;
            }
            bits <<= rows[r].dtype == ASSAY_BF16 ? 16 : 0;
            memcpy(&f, &bits, 4);
            wrong += fabs((double)f - want[i]) > rows[r].relative * fabs(want[i]);
        }
        cr_expect_eq(wrong, 0u, "%s", assay_dtype_name(rows[r].dtype));
        free(got);
        assay_graph_free(m.g);
    }
    free(want);
    assay_graph_free(wide.g);
}

struct moments {
    double mean, deviation, low, high, neighbours; /* correlation of neighbours */
};

static struct moments moments_of(const struct made *m, uint64_t set)
{
    double        *x = (double *)(void *)filled(m, 5, set);
    size_t         n = assay_graph_value(m->g, m->value)->elements;
    struct moments s = {.low = INFINITY, .high = -INFINITY};
    for (size_t i = 0; i < n; i++) {
        s.mean += x[i] / (double)n;
        s.low = fmin(s.low, x[i]);
        s.high = fmax(s.high, x[i]);
    }
    double squares = 0, products = 0;
    for (size_t i = 0; i < n; i++) {
        squares += (x[i] - s.mean) * (x[i] - s.mean);
        products += i ? (x[i] - s.mean) * (x[i - 1] - s.mean) : 0;
    }
    s.deviation = sqrt(squares / (double)n);
    s.neighbours = products / squares;
    free(x);
    return s;
}

/* Bounds are 5 standard errors of the statistic. */
Test(fill, uniform_is_uniform_within_its_ends)
{
    struct made m = value_of(ASSAY_ROLE_INPUT, "x", ASSAY_F64, LARGE, (struct assay_fill){ASSAY_FILL_UNIFORM, -1, 3});
    size_t      decile[10] = {0};
    for (uint64_t set = 0; set < 3; set++) {
        struct moments s = moments_of(&m, set);
        cr_expect_lt(fabs(s.mean - 1), 5 * 1.1547 / sqrt(LARGE));
        cr_expect_lt(fabs(s.deviation / (4 / sqrt(12)) - 1), 5 * 0.45 / sqrt(LARGE));
        cr_expect(s.low >= -1 && s.low < -0.999 && s.high < 3 && s.high > 2.999, "[%g, %g]", s.low, s.high);
        cr_expect_lt(fabs(s.neighbours), 5 / sqrt(LARGE));
    }
    double *x = (double *)(void *)filled(&m, 5, 0), chi = 0;
    for (size_t i = 0; i < LARGE; i++)
        decile[(size_t)((x[i] + 1) / 4 * 10)]++;
    for (size_t k = 0; k < 10; k++)
        chi += ((double)decile[k] - LARGE / 10.0) * ((double)decile[k] - LARGE / 10.0) / (LARGE / 10.0);
    cr_expect_lt(chi, 33.7, "chi-square of 9 degrees is below it but once in 10,000: %g", chi);
    free(x);
    assay_graph_free(m.g);
}

Test(fill, normal_has_its_mean_and_deviation_and_its_tails)
{
    struct made    m = value_of(ASSAY_ROLE_INPUT, "x", ASSAY_F64, LARGE, (struct assay_fill){ASSAY_FILL_NORMAL, 0.5, 2});
    struct moments s = moments_of(&m, 0);
    size_t         within_one = 0, beyond_three = 0;
    cr_expect_lt(fabs(s.mean - 0.5), 5 * 2 / sqrt(LARGE));
    cr_expect_lt(fabs(s.deviation / 2 - 1), 5 * 0.7072 / sqrt(LARGE));
    cr_expect_lt(fabs(s.neighbours), 5 / sqrt(LARGE));
    double *x = (double *)(void *)filled(&m, 5, 0);
    for (size_t i = 0; i < LARGE; i++) {
        within_one += fabs(x[i] - 0.5) < 2;
        beyond_three += fabs(x[i] - 0.5) > 6;
    }
    cr_expect_lt(fabs((double)within_one / LARGE - 0.682689), 5 * 0.4655 / sqrt(LARGE));
    cr_expect_lt(fabs((double)beyond_three / LARGE - 0.0026998), 5 * 0.0519 / sqrt(LARGE));
    free(x);
    assay_graph_free(m.g);
}

Test(fill, integers_take_every_number_of_their_range_alike)
{
    struct made m = value_of(ASSAY_ROLE_INPUT, "x", ASSAY_I64, 70000, (struct assay_fill){ASSAY_FILL_INTEGERS, -3, 3});
    int64_t    *x = (int64_t *)(void *)filled(&m, 5, 0);
    size_t      count[7] = {0};
    for (size_t i = 0; i < 70000; i++) {
        cr_assert(x[i] >= -3 && x[i] <= 3);
        count[x[i] + 3]++;
    }
    for (size_t k = 0; k < 7; k++)
        cr_expect(count[k] > 9537 && count[k] < 10463, "%zu of 70,000 are %d", count[k], (int)k - 3); /* 5 standard errors */
    free(x);
    assay_graph_free(m.g);
}

Test(fill, iota_and_constants_are_exact_over_the_seams_of_pieces)
{
    struct made m = value_of(ASSAY_ROLE_INPUT, "x", ASSAY_I64, LARGE, (struct assay_fill){ASSAY_FILL_IOTA, 10, 3}), c = value_of(ASSAY_ROLE_INPUT, "x", ASSAY_F32, LARGE, (struct assay_fill){ASSAY_FILL_CONSTANT, 0.25, 0});
    int64_t    *x = (int64_t *)(void *)filled(&m, 5, 0);
    float      *y = (float *)(void *)filled(&c, 5, 0);
    size_t      wrong = 0;
    for (int64_t i = 0; i < LARGE; i++)
        wrong += x[i] != 10 + 3 * i || y[i] != 0.25f;
    cr_expect_eq(wrong, 0u);
    free(x);
    free(y);
    assay_graph_free(m.g);
    assay_graph_free(c.g);
}

Test(fill, of_a_const_is_its_content_and_what_has_no_rule_is_refused)
{
    struct assay_graph *g = assay_graph_new("fill");
    struct assay_error  err = {0};
    int64_t             axes = assay_graph_i64s(g, "axes", 2, (int64_t[]){1, -5}), got[2] = {0}, n = 4;
    int32_t             x = assay_graph_input(g, "x", ASSAY_F32, 1, &n, (struct assay_fill){ASSAY_FILL_NONE, 0, 0});
    cr_expect_eq(assay_fill_value(g, (int32_t)axes, 1, 0, got, &err), ASSAY_OK);
    cr_expect(got[0] == 1 && got[1] == -5);
    cr_expect(x != ASSAY_NO_VALUE && assay_fill_value(g, x, 1, 0, got, &err) == ASSAY_INTERNAL && strstr(err.message, "'x'"), "%s", err.message);
    cr_expect_eq(assay_fill_value(g, 99, 1, 0, got, &err), ASSAY_INTERNAL);
    assay_graph_free(g);
}

/* ---- with a purpose ---------------------------------------------------------------------------------------------- */

static void fill_with(struct assay_fill fill, double *out)
{
    struct assay_error  err = {.code = ASSAY_OK};
    struct assay_graph *g = assay_graph_new("purpose");
    int32_t             x = assay_graph_input(g, "X", ASSAY_F64, 2, (int64_t[]){60, 50}, fill);
    cr_assert_eq(g->first_error.code, ASSAY_OK, "%s", g->first_error.message);
    cr_assert_eq(assay_fill_value(g, x, 7, 0, out, &err), ASSAY_OK, "%s", err.message);
    assay_graph_free(g);
}

Test(fill, numbers_unlike_their_neighbours_differ_along_both_axes_and_are_not_zero)
{
    static double x[3000];
    bool          seen[17] = {false}, negative = false, positive = false;
    fill_with((struct assay_fill){ASSAY_FILL_UNLIKE, 16, 0}, x);
    for (int i = 0; i < 3000; i++) {
        double m = fabs(x[i]);
        cr_assert(m >= 1 && m <= 16 && m == rint(m), "%g", x[i]);
        seen[(int)m] = true;
        negative |= x[i] < 0;
        positive |= x[i] > 0;
        cr_expect(i % 50 == 49 || fabs(x[i + 1]) != m);
        cr_expect(i >= 2950 || fabs(x[i + 50]) != m);
    }
    for (int m = 1; m <= 16; m++)
        cr_expect(seen[m], "%d", m);
    cr_expect(negative && positive);
}

Test(fill, cancelling_pairs_leave_a_share_of_themselves)
{
    static double x[3000];
    double        most = 0;
    fill_with((struct assay_fill){ASSAY_FILL_CANCELLING, 4, 0x1p-6}, x);
    for (int i = 0; i < 3000; i += 2) {
        double left = fabs(x[i] + x[i + 1]) / fabs(x[i]);
        cr_expect(fabs(x[i]) >= 2 && fabs(x[i]) < 4);
        most = left > most ? left : most;
    }
    cr_expect(most > 0.9 * 0x1p-6 && most < 0x1p-6, "%g", most);
}

Test(fill, wide_magnitudes_and_special_numbers_come_as_often_as_they_should)
{
    static double x[3000];
    int           low = 0, odd = 0;
    fill_with((struct assay_fill){ASSAY_FILL_WIDE, -20, 20}, x);
    for (int i = 0; i < 3000; i++) {
        cr_expect(fabs(x[i]) >= 0x1p-20 && fabs(x[i]) < 0x1p20);
        low += fabs(x[i]) < 1;
    }
    cr_expect(abs(low - 1500) < 165, "%d", low); /* six deviations */
    fill_with((struct assay_fill){ASSAY_FILL_SPECIAL, 30, 0}, x);
    for (int i = 0; i < 3000; i++)
        odd += !isfinite(x[i]) || fabs(x[i]) < 0x1p-120;
    cr_expect(odd > 40 && odd < 160, "%d", odd);
}

Test(fill, ragged_numbers_rise_from_the_first_to_the_last_in_uneven_steps)
{
    static const struct {
        int64_t n, last, least;
    } cases[] = {{9, 8, 1}, {9, 40, 1}, {9, 3, 0}, {2, 5, 5}, {301, 5000, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (uint64_t set = 0; set < 5; set++) {
            struct made m = value_of(ASSAY_ROLE_CONTROL, "starts", ASSAY_I32, cases[c].n, (struct assay_fill){ASSAY_FILL_RAGGED, 0, (double)cases[c].last});
            int32_t    *x = (int32_t *)(void *)filled(&m, 1, set);
            int64_t     shortest = INT64_MAX, longest = 0;
            for (int64_t i = 1; i < cases[c].n; i++) {
                shortest = x[i] - x[i - 1] < shortest ? x[i] - x[i - 1] : shortest;
                longest = x[i] - x[i - 1] > longest ? x[i] - x[i - 1] : longest;
            }
            cr_expect(x[0] == 0 && x[cases[c].n - 1] == cases[c].last && shortest >= cases[c].least, "case %zu", c);
            cr_expect(c != 1 || longest > shortest, "all steps are alike");
            free(x);
            assay_graph_free(m.g);
        }
}

Test(fill, distinct_numbers_are_a_permutation_that_differs_from_set_to_set)
{
    static const int64_t sizes[] = {1, 2, 7, 64, 1000};
    for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
        struct made m = value_of(ASSAY_ROLE_CONTROL, "block_table", ASSAY_I32, sizes[c], (struct assay_fill){ASSAY_FILL_DISTINCT, 3, (double)(sizes[c] + 2)});
        bool       *met = calloc((size_t)sizes[c], sizeof *met);
        int32_t    *x = (int32_t *)(void *)filled(&m, 1, 0);
        int64_t     moved = 0;
        for (int64_t i = 0; i < sizes[c]; i++) {
            cr_assert(x[i] >= 3 && x[i] < 3 + sizes[c] && !met[x[i] - 3], "size %d: %d at %d", (int)sizes[c], x[i], (int)i);
            met[x[i] - 3] = true;
            moved += x[i] != i + 3;
        }
        cr_expect(sizes[c] < 64 || moved > sizes[c] / 2, "in order");
        cr_expect(sizes[c] < 64 || !same(&m, 1, 0, &m, 1, 1));
        free(x);
        free(met);
        assay_graph_free(m.g);
    }
}

/* Every kind of rule, cut in the middle of both axes. */
Test(fill, a_part_has_what_the_whole_has_in_its_place)
{
    static const struct assay_fill fills[] = {{ASSAY_FILL_UNIFORM, -1, 1}, {ASSAY_FILL_NORMAL, 0, 1}, {ASSAY_FILL_CONSTANT, 3, 0},
                                              {ASSAY_FILL_INTEGERS, -7, 7}, {ASSAY_FILL_IOTA, 1, 0.5}, {ASSAY_FILL_UNLIKE, 9, 0},
                                              {ASSAY_FILL_CANCELLING, 1, 0.1}, {ASSAY_FILL_WIDE, -3, 3}, {ASSAY_FILL_DISTINCT, 0, 99}};
    static const enum assay_dtype dtypes[] = {ASSAY_F32, ASSAY_BF16, ASSAY_I64};
    int64_t            dims[2] = {5, 3}, whole[2] = {9, 11};
    struct assay_part  part = {.name = "w", .whole = {9, 11}, .first = {3, 7}};
    for (size_t f = 0; f < sizeof fills / sizeof *fills; f++)
        for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
            struct assay_graph *g = assay_graph_new("part");
            struct assay_error  err = {0};
            unsigned char       all[99 * 8], some[15 * 8];
            size_t              bytes = assay_dtype_bits(dtypes[d]) / 8;
            int32_t             w = assay_graph_param(g, "w", dtypes[d], 2, whole, fills[f]);
            int32_t             p = assay_graph_param(g, "its part", dtypes[d], 2, dims, fills[f]);
            assay_graph_part(g, p, &part);
            cr_assert_eq(assay_fill_value(g, w, 5, 0, all, &err), ASSAY_OK, "%s", err.message);
            cr_assert_eq(assay_fill_value(g, p, 5, 0, some, &err), ASSAY_OK, "%s", err.message);
            for (size_t i = 0; i < 15; i++)
                cr_expect_arr_eq(some + i * bytes, all + ((i / 3 + 3) * 11 + i % 3 + 7) * bytes, bytes, "rule %d, element %zu", fills[f].kind, i);
            assay_graph_free(g);
        }
}

Test(fill, a_part_that_leaves_its_whole_is_refused)
{
    struct assay_graph *g = assay_graph_new("part");
    struct assay_error  err = {0};
    int64_t             dims[1] = {4};
    int32_t             p = assay_graph_param(g, "p", ASSAY_F32, 1, dims, ASSAY_FILL_SIGNED);
    assay_graph_part(g, p, &(struct assay_part){.name = "w", .whole = {8}, .first = {4}});
    cr_expect_eq(g->first_error.code, ASSAY_OK);
    assay_graph_part(g, p, &(struct assay_part){.name = "w", .whole = {8}, .first = {5}});
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "part: 'p' of 'w': it leaves the whole");
    assay_graph_free(g);
}
