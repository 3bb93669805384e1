/* Several ranks of this back end, each a thread with a session of its own: ops between ranks against the ranks' graphs joined, and a
 * decoder on meshes against the one-rank decoder, within the bounds that the judge has for that. */
#include "backends/cpu/tests/device.h"
#include "backends/cpu/tests/threads_comm.h"
#include "harness/ir/node_text.h"
#include "harness/ir/ops.h"
#include "harness/ir/transform/join.h"
#include "harness/plan/plan.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

enum { MOST = THREAD_RANKS };

struct ranks {
    const struct assay_backend *backend;
    uint32_t            n;
    struct assay_graph *g[MOST];
    int32_t            *there[MOST]; /* for joining */
    void              **data[MOST];
    struct thread_world world;
    struct thread_rank  rank[MOST];
    struct assay_error  err[MOST];
};

static void **bound_data(const struct assay_graph *g)
{
    struct assay_error err = {0};
    void             **data = calloc(g->n_values, sizeof *data);
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *x = &g->values[v];
        if (x->role == ASSAY_ROLE_CONST || x->role == ASSAY_ROLE_TEMP)
            continue;
        if (x->alias_of != ASSAY_NO_VALUE) { /* what it takes over stands before it */
            data[v] = data[x->alias_of];
            continue;
        }
        data[v] = malloc(x->bytes + 1);
        memset(data[v], 0xff, x->bytes); /* not a number */
        if (x->producer < 0)
            cr_assert_eq(assay_fill_value(g, (int32_t)v, 5, 0, data[v], &err), ASSAY_OK, "%s", err.message);
    }
    return data;
}

static void free_data(const struct assay_graph *g, void **data)
{
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].alias_of == ASSAY_NO_VALUE)
            free(data[v]);
    free(data);
}

/* ---- running ----------------------------------------------------------------------------------------------------------- */

static enum assay_code launch(const struct device *d, const struct assay_graph *g, void **data, struct assay_error *err)
{
    struct assay_rank_class rank = {.size = sizeof rank, .graph = g, .multiplicity = 1};
    struct assay_compile    how = {.size = sizeof how, .classes = &rank, .n_classes = 1, .class_stride = sizeof rank};
    struct assay_binding   *bindings = calloc(g->n_values, sizeof *bindings);
    struct assay_launch     l = {.size = sizeof l, .bindings = bindings, .binding_stride = sizeof *bindings};
    struct assay_span       span = {.size = sizeof span};
    struct assay_event     *event;
    size_t                  done;
    for (uint32_t v = 0; v < g->n_values; v++)
        if (data[v])
            bindings[l.n_bindings++] = (struct assay_binding){.value = v, .host = data[v], .valid_rows = ASSAY_ALL_ROWS};
    if (!d->backend->compile(d->session, &how, &l.program, err)) {
        if (!d->backend->execute(d->session, &l, &event, err)) {
            (void)d->backend->poll(d->session, (struct assay_event *const[]){event}, 1, ASSAY_WAIT_FOREVER, &done, &span, err);
            d->backend->forget(d->session, event);
        }
        d->backend->discard(d->session, l.program);
    }
    free(bindings);
    return err->code;
}

struct running {
    struct ranks *s;
    uint32_t      rank;
};

/* No test macro in here: they are for the main thread. */
static void *run_rank(void *self)
{
    const struct running *r = self;
    struct ranks         *s = r->s;
    struct assay_error   *err = &s->err[r->rank];
    struct device         d = {.backend = s->backend};
    struct assay_comm     comm;
    char                  options[256] = {0};
    s->rank[r->rank] = (struct thread_rank){.world = &s->world, .rank = r->rank};
    thread_comm(&s->rank[r->rank], &comm);
    struct assay_open how = {.size = sizeof how, .device = "host", .options = options, .comm = &comm};
    if (assay_options_parse(d.backend->options, options, "threads=1,blas=own,conv=own,integer=own", "cpu", err) || d.backend->open(&how, &d.session, err))
        return NULL;
    char              why[300] = "";
    struct assay_text why_not = ASSAY_TEXT(why);
    for (uint32_t n = 0; n < s->g[r->rank]->n_nodes && !err->code; n++)
        if (!d.backend->accepts(d.session, s->g[r->rank], n, &why_not))
            (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%s", why);
    if (!err->code)
        (void)launch(&d, s->g[r->rank], s->data[r->rank], err);
    d.backend->close(d.session);
    return NULL;
}

static void run(struct ranks *s)
{
    pthread_t      thread[MOST];
    struct running r[MOST];
    /* Lent for the life of the process, and to all threads at once. */
    static struct assay_host host = {.size = sizeof host, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR, .now_ns = test_now_ns, .log = test_log};
    assay_graph_lend(&host);
    s->backend = assay_backend_entry(&host);
    thread_world_init(&s->world, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        r[i] = (struct running){s, i};
        s->err[i] = (struct assay_error){.code = ASSAY_OK};
        s->data[i] = bound_data(s->g[i]);
        cr_assert_eq(pthread_create(&thread[i], NULL, run_rank, &r[i]), 0);
    }
    for (uint32_t i = 0; i < s->n; i++) {
        pthread_join(thread[i], NULL);
        cr_assert_eq(s->err[i].code, ASSAY_OK, "rank %u: %s", i, s->err[i].message);
    }
    thread_world_release(&s->world);
}

static void release(struct ranks *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        free_data(s->g[i], s->data[i]);
        assay_graph_free(s->g[i]);
        free(s->there[i]);
    }
}

/* ---- single ops ---------------------------------------------------------------------------------------------------------- */

static void check_op(const char *op, const char *inputs, const char *attrs, uint32_t n)
{
    struct ranks            s = {.n = n};
    struct assay_graph     *joined;
    struct assay_reference *ref;
    struct assay_error      err = {0};
    int32_t                 y[MOST];
    for (uint32_t r = 0; r < n; r++) {
        int32_t in[ASSAY_OP_MAX_OPERANDS];
        char    name[32];
        s.g[r] = assay_graph_new("rank");
        size_t n_in = assay_node_inputs_read(s.g[r], ASSAY_F32, ASSAY_FILL_SIGNED, inputs, in);
        assay_node_add(s.g[r], op, in, n_in, attrs, 1, &y[r]);
        (void)snprintf(name, sizeof name, "in of %u", r); /* each rank's own numbers */
        struct assay_part part = {.n_holders = 0};
        memcpy(part.name, name, sizeof name);
        memcpy(part.whole, s.g[r]->values[in[0]].dims, sizeof part.whole);
        assay_graph_part(s.g[r], in[0], &part);
        assay_graph_output(s.g[r], y[r]);
        cr_assert_eq(assay_graph_finish(s.g[r], &err), ASSAY_OK, "%s", err.message);
        s.there[r] = malloc(s.g[r]->n_values * sizeof *s.there[r]);
    }
    cr_assert_eq(assay_graph_join((const struct assay_graph *const *)s.g, n, s.there, &joined, &err), ASSAY_OK, "%s", err.message);
    void **data = bound_data(joined);
    cr_assert_eq(assay_reference_new(joined, (const void *const *)data, &ref, &err), ASSAY_OK);
    run(&s);
    for (uint32_t r = 0; r < n; r++) {
        const float *got = s.data[r][y[r]];
        for (int64_t i = 0; i < (int64_t)s.g[r]->values[y[r]].elements; i++) {
            double want, bound;
            cr_assert_eq(assay_reference_at(ref, s.there[r][y[r]], 1, &i, &want, &bound, &err), ASSAY_OK, "%s", err.message);
            cr_expect(fabs((double)got[i] - want) <= bound, "%s %s: rank %u [%d]: %.9g, not %.9g", op, attrs, r, (int)i, got[i], want);
        }
    }
    assay_reference_free(ref);
    free_data(joined, data);
    assay_graph_free(joined);
    release(&s);
}

Test(ranks, ops_between_ranks_do_what_the_joined_graph_does, .timeout = 60)
{
    check_op("assay.AllReduce", "f[3,5]", "ranks=[0,1,2]", 3);
    check_op("assay.AllReduce", "f[3,5]", "ranks=[2,0,1] reduce=max", 3); /* not in the order of all: a group of its own */
    check_op("assay.AllGather", "f[3,5]", "ranks=[0,1,2]", 3);
    check_op("assay.AllGather", "f[3,5,2]", "ranks=[0,1,2] axis=1", 3);
    check_op("assay.AllGather", "f[3,5]", "ranks=[1,2,0] axis=1", 3);
    check_op("assay.AllGather", "f[0,5]", "ranks=[0,1,2] axis=1", 3);
    check_op("assay.ReduceScatter", "f[6,5]", "ranks=[0,1,2]", 3);
    check_op("assay.ReduceScatter", "f[2,9,2]", "ranks=[2,1,0] axis=1", 3);
    check_op("assay.AllToAll", "f[6,5]", "ranks=[0,1,2]", 3);
    check_op("assay.AllToAll", "f[6,5]", "ranks=[0,1,2] concat_axis=1", 3);
    check_op("assay.AllToAll", "f[2,6,3]", "ranks=[0,1,2] split_axis=1 concat_axis=2", 3);
    check_op("assay.AllToAll", "f[2,6,3]", "ranks=[2,0,1] split_axis=-1 concat_axis=0", 3);
    check_op("assay.Replicate", "f[2,6,3]", "ranks=[2,0,1]", 3);
}

static void refuse(const struct assay_comm *comm, const char *op, const char *attrs, const char *want)
{
    struct device       d;
    struct assay_graph *g = assay_graph_new("refused");
    struct assay_error  err = {0};
    char                why[300] = "", options[256] = {0};
    struct assay_text   why_not = ASSAY_TEXT(why);
    int32_t             in[ASSAY_OP_MAX_OPERANDS], y;
    cr_assert(device_open(&d, "threads=1"));
    device_close(&d);
    struct assay_open how = {.size = sizeof how, .device = "host", .options = options, .comm = comm};
    cr_assert_eq(assay_options_parse(d.backend->options, options, "threads=1", "cpu", &err), ASSAY_OK);
    cr_assert_eq(d.backend->open(&how, &d.session, &err), ASSAY_OK, "%s", err.message);
    size_t n = assay_node_inputs_read(g, ASSAY_F32, ASSAY_FILL_SIGNED, "f[4]", in);
    assay_node_add(g, op, in, n, attrs, 1, &y);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    bool taken = d.backend->accepts(d.session, g, 0, &why_not);
    cr_expect(want ? !taken && !strcmp(why, want) : taken, "%s %s: '%s'", op, attrs, why);
    device_close(&d);
    assay_graph_free(g);
}

Test(ranks, a_session_takes_groups_that_its_communicator_has)
{
    struct thread_world w;
    struct thread_rank  r = {.world = &w, .rank = 1};
    struct assay_comm   comm;
    thread_world_init(&w, 2);
    thread_comm(&r, &comm);
    refuse(NULL, "assay.AllReduce", "ranks=[0]", NULL);
    refuse(NULL, "assay.Replicate", "ranks=[0,1]", NULL);
    refuse(NULL, "assay.AllReduce", "ranks=[0,1]", "AllReduce of 2 ranks needs a communicator of 2 ranks; this session has 1");
    refuse(&comm, "assay.AllReduce", "ranks=[0,1]", NULL);
    refuse(&comm, "assay.AllReduce", "ranks=[0,2]", "AllReduce of 2 ranks needs a communicator of 3 ranks; this session has 2");
    comm.n_ranks = 3;
    refuse(&comm, "assay.AllGather", "ranks=[0,2]", "AllGather of a group in which this rank, 1, is not");
    refuse(&comm, "assay.AllGather", "ranks=[0,1]", NULL);
    comm.group = NULL;
    refuse(&comm, "assay.AllGather", "ranks=[0,1]", "AllGather of 2 of 3 ranks; the communicator makes no groups");
    refuse(&comm, "assay.AllGather", "ranks=[0,1,2]", NULL);
    thread_world_release(&w);
}

/* ---- a decoder ------------------------------------------------------------------------------------------------------------ */

static void build(const char *name, struct ranks *s)
{
    struct assay_case  c;
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert(!assay_case_parse(name, &c, &err), "%s", err.message);
    cr_assert(!c.workload->ranks(c.params, c.phase, &s->n, &err), "%s", err.message);
    cr_assert(s->n <= MOST);
    for (uint32_t r = 0; r < s->n; r++) {
        s->g[r] = assay_graph_new("rank");
        cr_assert(!c.workload->build_rank(c.params, c.phase, r, s->g[r], &err), "%s, rank %u: %s", name, r, err.message);
    }
    assay_case_release(&c);
}

/* The one rank's values and bounds of the outputs that are compared. */
struct judged {
    struct assay_graph *g;
    double            **want, **bound;
};

static bool is_judged(const struct assay_value *v)
{
    size_t n = strlen(v->name);
    return v->role == ASSAY_ROLE_OUTPUT &&
           (!strcmp(v->name, "loss") || !strcmp(v->name, "gradient_norm") || (n > 9 && !strcmp(v->name + n - 9, ".gradient")));
}

static void judge(const char *name, struct judged *j)
{
    struct ranks            one = {.n = 0};
    struct assay_reference *ref;
    struct assay_error      err = {0};
    build(name, &one);
    j->g = one.g[0];
    j->want = calloc(j->g->n_values, sizeof *j->want);
    j->bound = calloc(j->g->n_values, sizeof *j->bound);
    void **data = bound_data(j->g);
    cr_assert_eq(assay_reference_new(j->g, (const void *const *)data, &ref, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_reference_bounds(ref), ASSAY_BOUNDS_STATISTICAL);
    for (uint32_t v = 0; v < j->g->n_values; v++) {
        size_t n = (size_t)j->g->values[v].elements;
        if (!is_judged(&j->g->values[v]))
            continue;
        int64_t *index = malloc((n + 1) * sizeof *index);
        for (size_t i = 0; i < n; i++)
            index[i] = (int64_t)i;
        j->want[v] = malloc((n + 1) * sizeof(double));
        j->bound[v] = malloc((n + 1) * sizeof(double));
        cr_assert_eq(assay_reference_at(ref, (int32_t)v, n, index, j->want[v], j->bound[v], &err), ASSAY_OK, "%s", err.message);
        free(index);
    }
    assay_reference_free(ref);
    free_data(j->g, data);
}

static void forget(struct judged *j)
{
    for (uint32_t v = 0; v < j->g->n_values; v++) {
        free(j->want[v]);
        free(j->bound[v]);
    }
    free(j->want);
    free(j->bound);
    assay_graph_free(j->g);
}

/* Where element i of a rank's part lies in the whole. */
static uint64_t place_of(const struct assay_value *v, const struct assay_part *part, uint64_t i)
{
    uint64_t at = 0, step = 1;
    for (int32_t d = v->rank - 1; d >= 0; d--) {
        at += (i % (uint64_t)v->dims[d] + (uint64_t)(part ? part->first[d] : 0)) * step;
        step *= (uint64_t)(part ? part->whole[d] : v->dims[d]);
        i /= (uint64_t)v->dims[d];
    }
    return at;
}

/* The largest observed error over its bound, of all that the ranks give; NaN counts as beyond. *which: where. */
static double worst_of(const struct judged *j, const struct ranks *s, uint64_t *compared, const char **which)
{
    double worst = 0;
    for (uint32_t r = 0; r < s->n; r++)
        for (uint32_t v = 0; v < s->g[r]->n_values; v++) {
            const struct assay_value *x = &s->g[r]->values[v];
            char                      param[ASSAY_VALUE_NAME_BYTES];
            int32_t                   value = is_judged(x) ? assay_graph_find(j->g, x->name) : ASSAY_NO_VALUE;
            if (value == ASSAY_NO_VALUE)
                continue;
            size_t length = strlen(x->name);
            (void)snprintf(param, sizeof param, "%.*s", (int)(length > 9 ? length - 9 : 0), x->name);
            int32_t      of = assay_graph_find(s->g[r], param);
            const float *got = s->data[r][v];
            for (uint64_t i = 0; i < x->elements; i++) {
                uint64_t at = place_of(x, of == ASSAY_NO_VALUE ? NULL : s->g[r]->values[of].part, i);
                double   ratio = fabs((double)got[i] - j->want[value][at]) / j->bound[value][at];
                *compared += 1;
                if (!(ratio <= worst)) {
                    worst = isnan(ratio) ? INFINITY : ratio;
                    *which = x->name;
                }
            }
        }
    return worst;
}

#define DENSE "decoder.gradients/batch=4,layers=2,model=tiny-ranks,tokens=6"
#define DEEP "decoder.gradients/batch=4,model=tiny-ranks,tokens=6"

static void check_meshes(const char *model, const char *const *meshes, size_t n)
{
    struct judged j;
    judge(model, &j);
    for (size_t i = 0; i < n; i++) {
        struct ranks s = {.n = 0};
        char         name[256];
        const char  *which = "";
        uint64_t     compared = 0;
        (void)snprintf(name, sizeof name, "%s,%s", model, meshes[i]);
        build(name, &s);
        run(&s);
        double worst = worst_of(&j, &s, &compared, &which);
        cr_expect(worst <= 1, "%s: '%s' is %.3g of its bound away", name, which, worst);
        cr_expect(compared > 20000, "%s: %llu elements compared", name, (unsigned long long)compared);
        printf("%-24s %llu elements, the farthest at %.3f of its bound ('%s')\n", meshes[i], (unsigned long long)compared, worst, which);
        release(&s);
    }
    forget(&j);
}
#define CHECK(model, ...) check_meshes(model, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

Test(ranks, four_have_the_loss_and_every_gradient_of_one_within_the_bound, .timeout = 120)
{
    (void)setenv("ASSAY_DATA", ".", 0);
    CHECK(DENSE, "dp=4", "tp=4", "tp=2,sp=true", "dp=2,tp=2", "dp=4,zero=1", "dp=4,zero=2");
    CHECK("decoder.gradients/batch=2,layers=2,model=tiny-ranks,tokens=16", "cp=2", "cp=4", "cp=2,sp=true,tp=2", "cp=2,dp=2,zero=2");
    CHECK(DEEP, "pp=4", "ep=4", "pp=2,tp=2", "dp=2,ep=2", "tp=4,sp=true", "pp=4,schedule=1f1b", "chunks=2,pp=2,schedule=1f1b");
}

/* ---- planted faults --------------------------------------------------------------------------------------------------------- */

/* On every rank: the sum of this name is left out. */
static void leave_out(struct ranks *s, const char *name)
{
    for (uint32_t r = 0; r < s->n; r++) {
        int32_t v = assay_graph_find(s->g[r], name);
        cr_assert_neq(v, ASSAY_NO_VALUE, "%s", name);
        struct assay_node *node = &s->g[r]->nodes[s->g[r]->values[v].producer];
        cr_assert_str_eq(node->op->qualified, "assay.AllReduce", "%s", name);
        node->op = assay_op_find("assay.Replicate");
    }
}

/* The last rank has the same slice of this param as the first. */
static void take_a_wrong_slice(struct ranks *s, const char *name)
{
    struct assay_graph *g = s->g[s->n - 1];
    int32_t             v = assay_graph_find(g, name);
    cr_assert_neq(v, ASSAY_NO_VALUE, "%s", name);
    static struct assay_part wrong; /* outlives the graph */
    wrong = *g->values[v].part;
    memset(wrong.first, 0, sizeof wrong.first);
    g->values[v].part = &wrong;
}

/* How far off the ranks are with a fault: in bounds. */
static double off(const struct judged *j, const char *model, const char *mesh, void (*plant)(struct ranks *s, const char *name), const char *name)
{
    struct ranks s = {.n = 0};
    char         text[256];
    const char  *which;
    uint64_t     compared = 0;
    (void)snprintf(text, sizeof text, "%s,%s", model, mesh);
    build(text, &s);
    plant(&s, name);
    run(&s);
    double worst = worst_of(j, &s, &compared, &which);
    release(&s);
    return worst;
}

Test(ranks, a_sum_that_is_left_out_and_a_wrong_slice_are_seen, .timeout = 120)
{
    struct judged j;
    (void)setenv("ASSAY_DATA", ".", 0);
    judge(DENSE, &j);
    cr_expect_gt(off(&j, DENSE, "dp=2", leave_out, "lm_head.weight.gradient_sum"), 10);
    cr_expect_gt(off(&j, DENSE, "tp=2", leave_out, "model.layers.1.self_attn.o_proj.left"), 10);
    cr_expect_gt(off(&j, DENSE, "sp=true,tp=2", leave_out, "model.layers.0.input_layernorm.weight.gradient_sum"), 10);
    cr_expect_gt(off(&j, DENSE, "tp=2", take_a_wrong_slice, "model.layers.0.mlp.down_proj.weight"), 10);
    cr_expect_gt(off(&j, DENSE, "dp=2", take_a_wrong_slice, "input_ids"), 10);
    forget(&j);
}
