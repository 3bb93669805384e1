/* Frameworks' factors (plan.h) fitted again on llm-foundry's published runs (train.csv of the measurements), each of its models left out
 * in turn and then predicted. Prints the factors and what each model is off by; fails where one is off by more than 12 % on average, or
 * where the factors kept in plan.c are not those of the fit. [FILE]: the table, else ../shared/data/train.csv; without it nothing is
 * checked. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/model/csv.h"
#include "harness/model/cluster/step.h"

enum { MOST_ROWS = 400, MODELS = 9 };
#define LIMIT 0.12

/* mosaicml/llm-foundry:scripts/train/benchmarking: its MPT shapes. */
static const struct model {
    char   name[16];
    double layers, hidden, heads;
} models[MODELS] = {{"MPT-70b FSDP", 80, 8192, 64}, {"MPT-30b FSDP", 48, 7168, 56}, {"MPT-13b FSDP", 40, 5120, 40},
                    {"MPT-7b FSDP", 32, 4096, 32},  {"MPT-3b FSDP", 32, 2560, 20},  {"MPT-1b FSDP", 24, 2048, 16},
                    {"MPT-760m FSDP", 24, 1536, 12}, {"MPT-350m FSDP", 24, 1024, 16}, {"MPT-125m FSDP", 12, 768, 12}};
static const struct stack {
    char device[16], system[16], framework[24];
} stacks[] = {{"a100-sxm-80gb", "dgx-a100", "pytorch-2023"}, {"h100-sxm", "dgx-h100", "pytorch-2023-hopper"}};

struct row {
    size_t                       model;
    struct assay_decoder_numbers d;
    struct assay_train_plan      p;
    struct assay_fabric          f;
    struct assay_step_model     *m;
    double                       tokens_per_s; /* of a device */
};
struct table {
    struct row                row[MOST_ROWS];
    size_t                    n;
    struct assay_coefficients k;
    struct assay_error        err;
};

static const char *cell(const struct assay_csv *csv, size_t row, const char *column)
{
    size_t at = assay_csv_column(csv, column);
    return at < csv->n_columns ? assay_csv_cell(csv, row, at) : "";
}

static enum assay_code put_fabric(struct table *t, const struct stack *stack, struct row *r)
{
    struct assay_system    *s = NULL;
    struct assay_described *d = NULL;
    if (!assay_system_find(stack->system, &s, &t->err) && !assay_described_find(s->device, &d, &t->err) &&
        !assay_system_resize(s, r->p.dp, &t->err) && !assay_fabric_of(s, d, &t->k, 0, &r->f, &t->err))
        (void)assay_step_model_new(&r->d, &r->f, &t->k, &r->m, &t->err);
    assay_described_free(d);
    assay_system_free(s);
    return t->err.code;
}

static enum assay_code put_row(struct table *t, const struct stack *stack, const struct assay_csv *csv, size_t i)
{
    struct row *r = &t->row[t->n];
    size_t      model = 0;
    while (model < MODELS && strcmp(cell(csv, i, "model"), models[model].name) != 0)
        model++;
    if (model == MODELS || strcmp(cell(csv, i, "device"), stack->device) != 0 || strstr(cell(csv, i, "precision"), "fp8") || t->n == MOST_ROWS ||
        strcmp(cell(csv, i, "metric"), "tokens_per_s_per_gpu") != 0)
        return ASSAY_OK;
    const struct model *m = &models[model];
    double batch = strtod(cell(csv, i, "global_batch"), NULL), micro = strtod(cell(csv, i, "micro_batch"), NULL);
    *r = (struct row){.model = model, .tokens_per_s = strtod(cell(csv, i, "value"), NULL)};
    r->d = (struct assay_decoder_numbers){.layers = m->layers, .hidden = m->hidden, .ffn = 4 * m->hidden, .heads = m->heads, .kv_heads = m->heads,
                                          .head_dim = m->hidden / m->heads, .vocab = 50368, .positions = 1, .tied = true}; /* ALiBi: no rotation */
    r->p = (struct assay_train_plan){.tp = 1, .cp = 1, .dp = strtol(cell(csv, i, "devices"), NULL, 10), .pp = 1, .ep = 1, .chunks = 1,
                                     .micro_batch = (int64_t)micro, .seq = strtod(cell(csv, i, "seq"), NULL), .overlap = true,
                                     .zero = strcmp(cell(csv, i, "fsdp"), "FULL_SHARD") ? 2 : 3, .schedule = ASSAY_PIPELINE_1F1B,
                                     .recompute = strcmp(cell(csv, i, "recompute"), "True") ? ASSAY_RECOMPUTE_NONE : ASSAY_RECOMPUTE_FULL,
                                     .attention = ASSAY_ATTENTION_FUSED, .moments = ASSAY_MOMENTS_F32, .compute = ASSAY_BF16, .gradient_bytes = 2};
    r->p.micro_batches = (int64_t)fmax(1, rint(batch / (double)r->p.dp / micro));
    t->n++;
    return put_fabric(t, stack, r);
}

/* Mean |log error| of the rows of one model (only) or of all others; NaN: there are none. MODELS: of all. */
static double off_by(struct table *t, const struct assay_framework *w, size_t model, bool only)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < t->n && !t->err.code; i++) {
        struct row             *r = &t->row[i];
        struct assay_step_price price;
        if (model < MODELS && (r->model == model) != only)
            continue;
        r->p.framework = w;
        if (!assay_price_step(r->m, &r->p, false, &price, &t->err)) {
            sum += fabs(log(price.ns * 1e-9 * r->tokens_per_s * (double)r->p.dp / price.tokens));
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

/* Downhill along both factors by ever smaller steps. */
static struct assay_framework fit_without(struct table *t, size_t model)
{
    struct assay_framework w = {"fit", "", 1, 1, 1};
    double                 best = off_by(t, &w, model, false);
    for (double step = 0.2; step > 0.004;) {
        bool moved = false;
        for (int way = 0; way < 4; way++) {
            struct assay_framework next = w;
            *(way < 2 ? &next.backward : &next.attention) *= exp(way % 2 ? step : -step);
            double off = off_by(t, &next, model, false);
            if (off < best) {
                best = off;
                w = next;
                moved = true;
            }
        }
        step = moved ? step : step / 2;
    }
    return w;
}

static int judge(struct table *t, const struct stack *stack)
{
    const struct assay_framework *kept = NULL;
    struct assay_framework        all = fit_without(t, MODELS);
    int                           bad = 0;
    if (assay_framework_find(stack->framework, &kept, &t->err))
        return 1;
    printf("%s on %s, %zu runs: backward %.3f, attention %.3f; off by %.1f %%, without factors %.1f %%\n", stack->framework, stack->device, t->n,
           all.backward, all.attention, 100 * off_by(t, &all, MODELS, false), 100 * off_by(t, NULL, MODELS, false));
    if (fabs(kept->backward / all.backward - 1) > 0.03 || fabs(kept->attention / all.attention - 1) > 0.03) {
        printf("  kept are %.3f and %.3f\n", kept->backward, kept->attention);
        bad = 1;
    }
    for (size_t i = 0; i < MODELS; i++) {
        struct assay_framework w = fit_without(t, i);
        double                 off = off_by(t, &w, i, true);
        if (isnan(off))
            continue;
        printf("  without %-14s backward %.3f, attention %.3f; on it off by %.1f %%\n", models[i].name, w.backward, w.attention, 100 * off);
        bad |= off > LIMIT;
    }
    return bad;
}

int main(int argc, char **argv)
{
    const char          *path = argc > 1 ? argv[1] : "../shared/data/train.csv";
    struct assay_csv     csv;
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_fitted *fitted = calloc(1, sizeof *fitted);
    struct table        *t = calloc(1, sizeof *t);
    int                  bad = 0;
    if (!assay_file_exists(path)) {
        printf("training: not checked, as the measurements are not here (%s)\n", path);
        free(fitted);
        free(t);
        return 0;
    }
    if (!t || !fitted || assay_csv_read(path, &csv, &err) || assay_fitted_read(NULL, fitted, &err)) {
        printf("training: %s\n", err.message);
        return 1;
    }
    for (size_t s = 0; s < sizeof stacks / sizeof *stacks && !t->err.code; s++) {
        t->n = 0;
        t->k = assay_fitted_for(fitted, "NVIDIA");
        for (size_t i = 0; i < csv.n_rows && !t->err.code; i++)
            (void)put_row(t, &stacks[s], &csv, i);
        bad |= judge(t, &stacks[s]);
        for (size_t i = 0; i < t->n; i++)
            assay_step_model_free(t->row[i].m);
    }
    if (t->err.code)
        printf("training: %s\n", t->err.message);
    bad |= t->err.code != ASSAY_OK;
    assay_csv_release(&csv);
    free(fitted);
    free(t);
    return bad;
}
