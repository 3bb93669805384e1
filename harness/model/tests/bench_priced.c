/* What an interval of 1,000 draws takes for a whole step of Llama-2-70B: every draw prices all of its nodes on a chip
 * of its own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "harness/model/priced.h"
#include "harness/plan/plan.h"

enum { DRAWS = 1000, ROUNDS = 3 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double draw_all(const struct assay_priced *s, struct assay_graph_price *p, double *sum)
{
    struct assay_node_how how = {.f32_as = assay_graph_stored_format(p->graph)};
    struct assay_error err;
    double began = now_s();
    for (uint64_t k = 1; k <= DRAWS; k++) {
        struct assay_world w = assay_priced_world(s, k);
        if (!assay_priced_graph(s, p, &w, &how, false, &err))
            *sum += p->total.ns;
    }
    return now_s() - began;
}

int main(void)
{
    static const char *const cases[] = {"decoder.decode/model=llama-2-70b,weights=bf16,batch=8",
                                        "decoder.prefill/model=llama-2-70b,weights=bf16,tokens=2048"};
    static const char *const names[] = {"decode", "prefill"};
    static struct assay_fitted fitted;
    static struct assay_priced step;
    struct assay_described *d = NULL;
    struct assay_error err = {.code = ASSAY_OK};
    double sum = 0;
    if (assay_fitted_read(NULL, &fitted, &err) || assay_described_find("m100", &d, &err))
        return fprintf(stderr, "bench_priced: %s\n", err.message), 1;
    assay_priced_init(&step, d, &fitted);
    for (size_t i = 0; i < 2; i++) {
        struct assay_case c;
        struct assay_graph *g = NULL;
        struct assay_graph_price *p = NULL;
        double best = INFINITY;
        if (assay_case_parse(cases[i], &c, &err) || assay_case_graph(&c, &g, &err) ||
            assay_graph_price_new(g, &p, &err))
            return fprintf(stderr, "bench_priced: %s\n", err.message), 1;
        for (int r = 0; r < ROUNDS; r++)
            best = fmin(best, draw_all(&step, p, &sum));
        printf("bench model_1000_draws_llama_2_70b_%s %.3f s (goal < 1)\n", names[i], best);
        assay_graph_price_free(p);
        assay_graph_free(g);
        assay_case_release(&c);
    }
    assay_described_free(d);
    return sum > 0 ? 0 : 1;
}
