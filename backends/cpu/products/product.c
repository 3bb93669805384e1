#include "backends/cpu/products/product.h"

#include <stdlib.h>

#include "backends/cpu/products/across.h"
#include "backends/cpu/products/gemv.h"

#include "assay/banned.h"

/* Work below this is not worth waking another thread for: some 10 us of one core. */
#define LEAST_FLOPS 1000000.0

enum kind { NOTHING, COMBINE, DOTS, BLOCKS_OPENBLAS, BLOCKS_OWN, STORED, ACROSS };

struct cpu_product_plan {
    struct cpu_product product;
    enum kind          kind;
    bool               vector_is_b; /* of a product with a vector: B is the vector, A the matrix */
    size_t             outs;        /* of a product with a vector: elements of the result */
    size_t             across, along; /* pieces of the result (rows x columns, or elements x contraction) */
    size_t             rows_each;     /* of B, when it is read across */
    float             *partial;     /* [along][batch][outs], when the contraction is cut */
    float             *scratch;     /* of our own sgemm, scratch_floats a thread */
    size_t             scratch_floats;
    float             *panels;      /* of A, when it is read across */
};

struct running {
    const struct cpu_product_plan *plan;
    const struct cpu_engine       *engine;
    const float                   *a, *b, *c, *added, *scale;
    const void                    *stored;
    float                         *y;
};

static const size_t stored_bytes[CPU_STORED] = {4, 2, 2, 1};

static void add_c(const struct running *r, size_t row, size_t rows, size_t column, size_t columns, size_t batch,
                  bool keep)
{
    const struct cpu_product *p = &r->plan->product;
    for (size_t i = row; i < row + rows; i++) {
        const float *c = r->c + i * p->c_row + column * p->c_column;
        float       *y = r->y + (batch * p->m + i) * p->n + column;
        for (size_t j = 0; j < columns; j++)
            y[j] = (keep ? y[j] : 0.0f) + p->beta * c[j * p->c_column];
    }
}

/* What follows the sums of a block. */
static void finish_block(const struct running *r, size_t batch, size_t row, size_t rows, size_t column, size_t columns)
{
    const struct cpu_product *p = &r->plan->product;
    if (columns == p->n) { /* rows go on without gaps */
        columns *= rows;
        rows = rows ? 1 : 0;
    }
    for (size_t i = row; i < row + rows; i++) {
        size_t at = (batch * p->m + i) * p->n + column;
        if (p->has_added)
            r->engine->kernels->gemv->add(columns, r->added + at, r->y + at);
        if (p->activation)
            p->activation(columns, r->y + at, p->activation_alpha, r->y + at);
    }
}

static void run_nothing(void *self, size_t batch, unsigned thread)
{
    const struct running     *r = self;
    const struct cpu_product *p = &r->plan->product;
    (void)thread;
    memset(r->y + batch * p->m * p->n, 0, p->m * p->n * sizeof *r->y);
    if (p->has_c)
        add_c(r, 0, p->m, 0, p->n, batch, false);
    finish_block(r, batch, 0, p->m, 0, p->n);
}

static void run_block(void *self, size_t chunk, unsigned thread)
{
    const struct running          *r = self;
    const struct cpu_product_plan *plan = r->plan;
    const struct cpu_product      *p = &plan->product;
    size_t batch = chunk / (plan->across * plan->along), rest = chunk % (plan->across * plan->along);
    size_t row, row_end, column, column_end;
    cpu_pool_piece(p->m, plan->across, 8, rest / plan->along, &row, &row_end);
    cpu_pool_piece(p->n, plan->along, 48, rest % plan->along, &column, &column_end);
    if (row == row_end || column == column_end)
        return;
    struct cpu_sgemm block = {
        .m = row_end - row,
        .n = column_end - column,
        .k = p->k,
        .alpha = p->alpha,
        .a = r->a + (p->a_at ? p->a_at[batch] : 0) + row * (p->a_transposed ? 1 : p->k),
        .lda = p->a_transposed ? p->m : p->k,
        .a_transposed = p->a_transposed,
        .b = r->b + (p->b_at ? p->b_at[batch] : 0) + column * (p->b_transposed ? p->k : 1),
        .ldb = p->b_transposed ? p->k : p->n,
        .b_transposed = p->b_transposed,
        .c = r->y + (batch * p->m + row) * p->n + column,
        .ldc = p->n,
        .add = p->has_c,
    };
    if (p->has_c)
        add_c(r, row, block.m, column, block.n, batch, false);
    if (plan->kind == BLOCKS_OPENBLAS)
        cpu_openblas_sgemm(r->engine->openblas, &block);
    else
        cpu_sgemm_own(r->engine->kernels, &block, plan->scratch + thread * plan->scratch_floats);
    finish_block(r, batch, row, block.m, column, block.n);
}

static void scale_row(const struct running *r, float *y, size_t begin, size_t end)
{
    const struct cpu_product *p = &r->plan->product;
    for (size_t j = begin; j < end; j++)
        y[j] *= p->alpha * (p->has_scale ? r->scale[j] : 1.0f);
}

/* Rows of B that stay in the first-level cache while every row of A meets them. */
enum { STORED_ROWS = 4 };

static void run_stored(void *self, size_t chunk, unsigned thread)
{
    const struct running          *r = self;
    const struct cpu_product_plan *plan = r->plan;
    const struct cpu_product      *p = &plan->product;
    size_t begin, end, row_bytes = p->k * stored_bytes[p->stored];
    (void)thread;
    cpu_pool_piece(p->n, plan->across, STORED_ROWS, chunk, &begin, &end);
    for (size_t j = begin, n; j < end; j += n) {
        n = p->m == 1 ? end - begin : end - j < STORED_ROWS ? end - j : STORED_ROWS;
        for (size_t i = 0; i < p->m; i++)
            r->engine->kernels->gemv->stored_dots[p->stored](n, p->k, (const char *)r->stored + j * row_bytes, p->k,
                                                             r->a + i * p->k, r->y + i * p->n + j);
    }
    for (size_t i = 0; i < p->m; i++) {
        float *y = r->y + i * p->n;
        scale_row(r, y, begin, end);
        if (p->has_c)
            add_c(r, i, 1, begin, end - begin, 0, true);
        finish_block(r, 0, i, 1, begin, end - begin);
    }
}

/* One piece of the result's elements by one piece of the contraction, into the result or its partial sums. */
static void run_vector(void *self, size_t chunk, unsigned thread)
{
    const struct running          *r = self;
    const struct cpu_product_plan *plan = r->plan;
    const struct cpu_product      *p = &plan->product;
    const struct cpu_gemv_kernels *gemv = r->engine->kernels->gemv;
    size_t batch = chunk / (plan->across * plan->along), rest = chunk % (plan->across * plan->along);
    size_t out, out_end, k, k_end;
    (void)thread;
    cpu_pool_piece(plan->outs, plan->across, plan->kind == COMBINE ? 64 : 4, rest % plan->across, &out, &out_end);
    cpu_pool_piece(p->k, plan->along, 64, rest / plan->across, &k, &k_end);
    const float *a = r->a + (p->a_at ? p->a_at[batch] : 0), *b = r->b + (p->b_at ? p->b_at[batch] : 0);
    const float *x = (plan->vector_is_b ? b : a) + k, *w = plan->vector_is_b ? a : b;
    float       *y = plan->along == 1 ? r->y + batch * plan->outs
                                      : plan->partial + (rest / plan->across * p->batch + batch) * plan->outs;
    if (out == out_end)
        return;
    if (plan->kind == COMBINE)
        gemv->combine(k_end - k, out_end - out, x, w + k * plan->outs + out, plan->outs, y + out);
    else
        gemv->dots(out_end - out, k_end - k, w + out * p->k + k, p->k, x, y + out);
}

static struct cpu_across across_of(const struct running *r)
{
    const struct cpu_product *p = &r->plan->product;
    return (struct cpu_across){p->m, p->n, p->k, r->a, r->stored, p->stored, r->y};
}

static void pack_across(void *self, size_t panel, unsigned thread)
{
    const struct running *r = self;
    struct cpu_across     p = across_of(r);
    (void)thread;
    cpu_across_pack(r->engine->kernels, &p, panel, r->plan->panels);
}

static void run_across(void *self, size_t chunk, unsigned thread)
{
    const struct running     *r = self;
    const struct cpu_product *p = &r->plan->product;
    struct cpu_across         across = across_of(r);
    size_t each = r->plan->rows_each, column = chunk * each, columns = p->n - column < each ? p->n - column : each;
    float *sums = r->plan->scratch + thread * r->plan->scratch_floats;
    cpu_across_multiply(r->engine->kernels, &across, r->plan->panels, column, columns, sums,
                        sums + cpu_across_sums_floats(r->engine->kernels, p->m));
    for (size_t i = 0; i < p->m && (p->has_scale || p->alpha != 1.0f); i++)
        scale_row(r, r->y + i * p->n, column, column + columns);
    if (p->has_c)
        add_c(r, 0, p->m, column, columns, 0, true);
    finish_block(r, 0, 0, p->m, column, columns);
}

static void add_partials(const struct running *r)
{
    const struct cpu_product_plan *plan = r->plan;
    size_t                         n = plan->product.batch * plan->outs;
    memcpy(r->y, plan->partial, n * sizeof *r->y);
    for (size_t i = 1; i < plan->along; i++)
        r->engine->kernels->gemv->add(n, plan->partial + i * n, r->y);
}

static void finish_vector(const struct running *r)
{
    const struct cpu_product_plan *plan = r->plan;
    const struct cpu_product      *p = &plan->product;
    if (plan->along > 1)
        add_partials(r);
    if (p->alpha != 1.0f)
        for (size_t i = 0; i < p->batch * plan->outs; i++)
            r->y[i] *= p->alpha;
    for (size_t i = 0; p->has_c && i < p->batch; i++)
        add_c(r, 0, p->m, 0, p->n, i, true);
    for (size_t i = 0; i < p->batch; i++)
        finish_block(r, i, 0, p->m, 0, p->n);
}

void cpu_product_run(const struct cpu_product_plan *plan, const struct cpu_engine *engine, const struct cpu_product_operands *at)
{
    const struct cpu_product *p = &plan->product;
    struct running            r = {plan, engine, at->a, at->b, at->c, at->added, at->scale, at->b, at->y};
    size_t                    chunks = p->batch * plan->across * plan->along;
    switch (plan->kind) {
    case NOTHING: cpu_pool_run(engine->pool, p->batch, run_nothing, &r); break;
    case COMBINE:
    case DOTS:
        cpu_pool_run(engine->pool, chunks, run_vector, &r);
        finish_vector(&r);
        break;
    case BLOCKS_OPENBLAS:
    case BLOCKS_OWN: cpu_pool_run(engine->pool, chunks, run_block, &r); break;
    case ACROSS:
        cpu_pool_run(engine->pool, cpu_across_panels(engine->kernels, p->m), pack_across, &r);
        cpu_pool_run(engine->pool, plan->across, run_across, &r);
        break;
    case STORED: cpu_pool_run(engine->pool, plan->across, run_stored, &r); break;
    }
}

/* How many threads a matrix of the batch gets: the batch itself is cut first. */
static size_t threads_each(const struct cpu_engine *engine, const struct cpu_product *p)
{
    double flops = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    size_t threads = cpu_pool_threads(engine->pool);
    size_t wanted = p->batch >= 2 * threads ? 1 : (threads + p->batch - 1) / p->batch;
    size_t worth = flops / LEAST_FLOPS < 1.0 ? 1 : (size_t)(flops / LEAST_FLOPS);
    return wanted < worth ? wanted : worth;
}

static void plan_vector(struct cpu_product_plan *plan, const struct cpu_engine *engine)
{
    const struct cpu_product *p = &plan->product;
    plan->vector_is_b = p->n == 1;
    plan->outs = plan->vector_is_b ? p->m : p->n;
    /* The contraction lies along rows of the matrix: A as it is, or B transposed. */
    if (plan->vector_is_b)
        plan->kind = p->a_transposed ? COMBINE : DOTS;
    else
        plan->kind = p->b_transposed ? DOTS : COMBINE;
    size_t threads = threads_each(engine, p);
    size_t grains = plan->outs / (plan->kind == COMBINE ? 1024 : 16);
    size_t pieces = threads == 1 ? 1 : 4 * threads;
    plan->across = grains < 1 ? 1 : grains < pieces ? grains : pieces;
    plan->along = plan->across < threads ? (threads + plan->across - 1) / plan->across : 1;
    if (plan->along > (p->k + 63) / 64)
        plan->along = (p->k + 63) / 64;
}

/* Blocks as square as the pieces allow: each is read by its own thread, so the sum of their sides is what is read. */
static void plan_blocks(struct cpu_product_plan *plan, const struct cpu_engine *engine)
{
    const struct cpu_product *p = &plan->product;
    size_t                    threads = threads_each(engine, p);
    double                    least = 0;
    plan->across = plan->along = 1;
    for (size_t across = 1; across <= threads; across++) {
        size_t along = threads / across, rows = p->m / across, columns = p->n / along;
        double sides = (double)rows + (double)columns;
        if (across * along < threads || rows < 8 || (along > 1 && columns < 48) || (least > 0 && sides >= least))
            continue;
        least = sides;
        plan->across = across;
        plan->along = along;
    }
}

static enum assay_code reserve(struct cpu_product_plan *plan, const struct cpu_engine *engine, struct assay_error *err)
{
    if (plan->kind == BLOCKS_OWN) {
        plan->scratch_floats = cpu_sgemm_own_scratch(engine->kernels);
        plan->scratch = cpu_block_new(plan->scratch_floats * cpu_pool_threads(engine->pool) * sizeof *plan->scratch);
    }
    if (plan->kind == ACROSS) {
        const struct cpu_product *p = &plan->product;
        plan->scratch_floats = cpu_across_sums_floats(engine->kernels, p->m) + cpu_across_wide_floats(p->stored);
        plan->scratch = cpu_block_new(plan->scratch_floats * cpu_pool_threads(engine->pool) * sizeof *plan->scratch);
        plan->panels = cpu_block_new(cpu_across_panels_floats(engine->kernels, p->m, p->k) * sizeof *plan->panels);
    }
    if (plan->along > 1 && (plan->kind == COMBINE || plan->kind == DOTS))
        plan->partial = cpu_block_new(plan->along * plan->product.batch * plan->outs * sizeof *plan->partial);
    bool lacks = ((plan->kind == BLOCKS_OWN || plan->kind == ACROSS) && !plan->scratch) ||
                 (plan->kind == ACROSS && !plan->panels) ||
                 (plan->along > 1 && (plan->kind == COMBINE || plan->kind == DOTS) && !plan->partial);
    return lacks ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a product's scratch") : ASSAY_OK;
}

static void describe(const struct cpu_product_plan *plan, const struct cpu_engine *engine, struct assay_text *out)
{
    const struct cpu_product *p = &plan->product;
    static const char *const  name[] = {
        "nothing to multiply", "gemv of ours, combining rows", "gemv of ours, dot products", "sgemm of OpenBLAS",
        "sgemm of ours", "gemv of ours, dot products", "product of ours, rows as they stand"};
    static const char *const  stored[] = {"", " with bf16 rows", " with f16 rows", " with i8 rows"};
    assay_text_add(out, "%s%s", name[plan->kind], stored[p->stored]);
    if (plan->kind == NOTHING)
        return;
    assay_text_add(out, ", %zux%zux%zu", p->m, p->n, p->k);
    if (p->batch > 1)
        assay_text_add(out, ", batch %zu", p->batch);
    assay_text_add(out, ", cut %zux%zu", plan->across, plan->along);
    if (plan->kind == BLOCKS_OPENBLAS)
        assay_text_add(out, " (%s)", cpu_openblas_config(engine->openblas));
}

static void plan_across(struct cpu_product_plan *plan, const struct cpu_engine *engine)
{
    enum { PIECES_A_THREAD = 3 };
    size_t n = plan->product.n, threads = cpu_pool_threads(engine->pool);
    plan->kind = ACROSS;
    plan->rows_each = threads == 1 || n >= threads * PIECES_A_THREAD * CPU_ACROSS_ROWS ? CPU_ACROSS_ROWS : CPU_ACROSS_FEWER_ROWS;
    plan->across = (n + plan->rows_each - 1) / plan->rows_each;
}

/* One kernel for any number of rows, that adds up an element's products in one order: by what lies in memory, not by how much. */
static void plan_invariant(struct cpu_product_plan *plan, const struct cpu_engine *engine)
{
    const struct cpu_product *p = &plan->product;
    bool                      across = p->batch == 1 && !p->a_transposed && p->b_transposed;
    if (across) {
        plan_across(plan, engine);
        return;
    }
    plan->kind = BLOCKS_OWN;
    plan_blocks(plan, engine);
}

/* So few that reading B once counts more than how fast it is multiplied: a library would pack it first. */
enum { FEW_ROWS = 4 };

static bool has_few_rows(const struct cpu_product *p)
{
    return p->batch == 1 && p->m > 1 && p->m <= FEW_ROWS && p->n > 1 && !p->a_transposed && p->b_transposed;
}

/* What is stored in another format would be widened anew for every row else, so that empty lanes do not count. */
static bool goes_across(const struct cpu_engine *engine, const struct cpu_product *p)
{
    bool stored = p->stored != CPU_STORED_F32 && p->m > FEW_ROWS;
    return p->batch == 1 && !p->a_transposed && p->b_transposed && (stored || cpu_across_is_good(engine->kernels, p->m, p->n, p->k));
}

enum assay_code cpu_product_plan_new(const struct cpu_engine *engine, const struct cpu_product *product,
                                     struct cpu_product_plan **out, struct assay_text *kernel, struct assay_error *err)
{
    struct cpu_product_plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        free(product->a_at);
        free(product->b_at);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a product's plan");
    }
    plan->product = *product;
    plan->across = plan->along = 1;
    if (!product->k || !product->m || !product->n || !product->batch) {
        plan->kind = NOTHING;
    } else if (engine->batch_invariant) {
        plan_invariant(plan, engine);
    } else if (has_few_rows(product) || (product->stored != CPU_STORED_F32 && !goes_across(engine, product))) {
        size_t threads = threads_each(engine, product);
        plan->kind = STORED;
        plan->across = threads == 1 ? 1 : cpu_pool_pieces(engine->pool, product->n, 16, 4);
    } else if (product->m == 1 || product->n == 1) {
        plan_vector(plan, engine);
    } else if (goes_across(engine, product)) {
        plan_across(plan, engine);
    } else {
        plan->kind = engine->openblas ? BLOCKS_OPENBLAS : BLOCKS_OWN;
        plan_blocks(plan, engine);
    }
    if (reserve(plan, engine, err)) {
        cpu_product_plan_free(plan);
        return err->code;
    }
    describe(plan, engine, kernel);
    *out = plan;
    return ASSAY_OK;
}

void cpu_product_plan_free(void *self)
{
    struct cpu_product_plan *plan = self;
    if (!plan)
        return;
    free(plan->product.a_at);
    free(plan->product.b_at);
    free(plan->partial);
    free(plan->scratch);
    free(plan->panels);
    free(plan);
}
