/* oneDNN's 2.x interface: operation descriptors, memory descriptors as plain structs. */
#include "backends/cpu/convolution/onednn.h"

#include <stdlib.h>

#if CPU_ONEDNN_MAJOR == 2

#include <oneapi/dnnl/dnnl.h>

#include "backends/cpu/convolution/onednn_library.h"
#include "backends/cpu/cpu.h"

#include "assay/banned.h"

#define CALLS(X)                                                                                                   \
    X(gemm_u8s8s32) X(engine_create) X(engine_destroy) X(stream_create) X(stream_destroy) X(stream_wait)                           \
    X(memory_desc_init_by_tag) X(memory_desc_equal) X(memory_desc_get_size) X(dilated_convolution_forward_desc_init) \
    X(dilated_convolution_backward_data_desc_init) X(dilated_convolution_backward_weights_desc_init)               \
    X(primitive_attr_create) X(primitive_attr_destroy) X(primitive_attr_set_scratchpad_mode)                       \
    X(primitive_desc_create) X(primitive_desc_destroy) X(primitive_desc_query) X(primitive_desc_query_md)          \
    X(reorder_primitive_desc_create) X(primitive_create) X(primitive_destroy) X(primitive_execute)                 \
    X(memory_create) X(memory_destroy) X(memory_set_data_handle)

static struct {
#define X(name) __typeof__(dnnl_##name) *name;
    CALLS(X)
#undef X
} dnnl;

struct cpu_onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

/* A tensor of the convolution: where the graph has it (NCHW), where the convolution wants it, and the way between. */
struct side {
    dnnl_memory_t    outer, inner; /* the same if the layouts are */
    dnnl_primitive_t reorder;      /* NULL: none needed */
    void            *inner_bytes;
};

/* The names that the library has for the tensors of each kind of computation. */
static const struct names {
    const char  *what;
    dnnl_query_t x_query, weights_query, y_query;
    int          x, weights, y;
} names[] = {
    [CPU_ONEDNN_OUTPUT] = {"", dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS,
                           DNNL_ARG_DST},
    [CPU_ONEDNN_INPUT_GRAD] = {" data gradient", dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md,
                               DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
    [CPU_ONEDNN_WEIGHT_GRAD] = {" weights gradient", dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md,
                                DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
};

struct cpu_onednn_conv {
    struct cpu_onednn   *onednn;
    enum cpu_onednn_kind kind;
    dnnl_primitive_t     primitive;
    struct side          x, weights, y;
    dnnl_memory_t        bias, scratchpad;
    void                *scratchpad_bytes;
    bool                 weights_packed;
};

enum assay_code cpu_onednn_open(unsigned threads, struct cpu_onednn **out, struct assay_error *err)
{
    static const struct cpu_onednn_symbol symbols[] = {
#define X(name) {"dnnl_" #name, &dnnl.name, sizeof dnnl.name},
        CALLS(X)
#undef X
    };
    if (cpu_onednn_library_load("libdnnl.so.2", symbols, sizeof symbols / sizeof *symbols, threads, err))
        return err->code;
    struct cpu_onednn *self = calloc(1, sizeof *self);
    if (!self)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for oneDNN's engine");
    dnnl_status_t status = dnnl.engine_create(&self->engine, dnnl_cpu, 0);
    if (!status)
        status = dnnl.stream_create(&self->stream, self->engine, dnnl_stream_default_flags);
    if (status) {
        cpu_onednn_close(self);
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "oneDNN makes no engine or stream: status %d", (int)status);
    }
    *out = self;
    return ASSAY_OK;
}

void cpu_onednn_close(struct cpu_onednn *self)
{
    if (!self)
        return;
    if (self->stream)
        dnnl.stream_destroy(self->stream);
    if (self->engine)
        dnnl.engine_destroy(self->engine);
    free(self);
    cpu_onednn_library_rest();
}

const char *cpu_onednn_path(void)
{
    return cpu_onednn_library_path();
}

enum assay_code cpu_onednn_gemm_u8s8s32(struct cpu_onednn *self, size_t m, size_t n, size_t k, const uint8_t *a, const int8_t *b,
                                        int32_t *c, struct assay_error *err)
{
    const int32_t nothing = 0;
    (void)self; /* this call has an engine of its own */
    dnnl_status_t status = dnnl.gemm_u8s8s32('N', 'N', 'F', (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, 1.0f, a, (dnnl_dim_t)k, 0, b,
                                             (dnnl_dim_t)n, 0, 0.0f, c, (dnnl_dim_t)n, &nothing);
    return status ? ASSAY_FAIL(err, ASSAY_DEVICE, "oneDNN's product of u8 by i8, %zux%zux%zu: status %d", m, n, k, (int)status) : ASSAY_OK;
}

/* Memory in the convolution's layout, and a reorder if the graph's differs. inwards: from outer to inner. */
static dnnl_status_t make_side(struct cpu_onednn *o, const dnnl_memory_desc_t *outer, const dnnl_memory_desc_t *inner,
                               bool inwards, struct side *side)
{
    dnnl_status_t status = dnnl.memory_create(&side->outer, outer, o->engine, DNNL_MEMORY_NONE);
    if (status || dnnl.memory_desc_equal(outer, inner)) {
        side->inner = side->outer;
        return status;
    }
    side->inner_bytes = cpu_block_new(dnnl.memory_desc_get_size(inner));
    if (!side->inner_bytes)
        return dnnl_out_of_memory;
    status = dnnl.memory_create(&side->inner, inner, o->engine, side->inner_bytes);
    dnnl_primitive_desc_t desc = NULL;
    if (!status)
        status = dnnl.reorder_primitive_desc_create(&desc, inwards ? outer : inner, o->engine, inwards ? inner : outer,
                                                    o->engine, NULL);
    if (!status)
        status = dnnl.primitive_create(&side->reorder, desc);
    if (desc)
        dnnl.primitive_desc_destroy(desc);
    return status;
}

static void free_side(struct side *side)
{
    if (side->reorder)
        dnnl.primitive_destroy(side->reorder);
    if (side->inner && side->inner != side->outer)
        dnnl.memory_destroy(side->inner);
    if (side->outer)
        dnnl.memory_destroy(side->outer);
    free(side->inner_bytes);
}

static dnnl_status_t reorder(const struct cpu_onednn_conv *c, const struct side *side, bool inwards)
{
    if (!side->reorder)
        return dnnl_success;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, inwards ? side->outer : side->inner},
                                    {DNNL_ARG_TO, inwards ? side->inner : side->outer}};
    return dnnl.primitive_execute(side->reorder, c->onednn->stream, 2, args);
}

static dnnl_status_t describe_tensor(dnnl_memory_desc_t *out, int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag)
{
    dnnl_dims_t all = {0};
    memcpy(all, dims, (size_t)rank * sizeof *dims);
    return dnnl.memory_desc_init_by_tag(out, rank, all, dnnl_f32, tag);
}

struct tensors {
    dnnl_memory_desc_t x, weights, bias, y;
};

/* The tensors in the graph's layout, or in any the convolution likes. */
static dnnl_status_t describe_tensors(const struct cpu_conv_shape *s, bool any, struct tensors *t)
{
    dnnl_dim_t groups = (dnnl_dim_t)s->groups, out = (dnnl_dim_t)s->out_channels, in = (dnnl_dim_t)s->in_channels;
    dnnl_dim_t x[] = {(dnnl_dim_t)s->images, in, (dnnl_dim_t)s->in[0], (dnnl_dim_t)s->in[1]};
    dnnl_dim_t y[] = {(dnnl_dim_t)s->images, out, (dnnl_dim_t)s->out[0], (dnnl_dim_t)s->out[1]};
    dnnl_dim_t w[] = {groups, out / groups, in / groups, (dnnl_dim_t)s->kernel[0], (dnnl_dim_t)s->kernel[1]};
    bool       grouped = groups > 1;
    dnnl_status_t status = describe_tensor(&t->x, 4, x, any ? dnnl_format_tag_any : dnnl_nchw);
    if (!status)
        status = describe_tensor(&t->y, 4, y, any ? dnnl_format_tag_any : dnnl_nchw);
    if (!status)
        status = describe_tensor(&t->weights, grouped ? 5 : 4, grouped ? w : w + 1,
                                 any ? dnnl_format_tag_any : grouped ? dnnl_goihw : dnnl_oihw);
    return status ? status : describe_tensor(&t->bias, 1, &out, dnnl_x);
}

/* The numbers of a convolution as the library wants them. */
struct geometry {
    dnnl_dims_t strides, dilates, begin, end;
};

static struct geometry geometry_of(const struct cpu_conv_shape *s)
{
    struct geometry g = {{0}, {0}, {0}, {0}};
    for (int i = 0; i < 2; i++) {
        g.strides[i] = (dnnl_dim_t)s->stride[i];
        g.dilates[i] = (dnnl_dim_t)s->dilation[i] - 1;
        g.begin[i] = (dnnl_dim_t)s->pad_begin[i];
        g.end[i] = (dnnl_dim_t)cpu_conv_pad_end(s, i);
    }
    return g;
}

/* Forward or, with the description of the forward one as a hint, backward. */
static dnnl_status_t describe_kind(struct cpu_onednn *o, enum cpu_onednn_kind kind, const struct cpu_conv_shape *s,
                                   const_dnnl_primitive_desc_t forward, dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *out)
{
    struct geometry         g = geometry_of(s);
    struct tensors          t;
    dnnl_convolution_desc_t conv;
    dnnl_status_t           status = describe_tensors(s, true, &t);
    if (!status && kind == CPU_ONEDNN_OUTPUT)
        status = dnnl.dilated_convolution_forward_desc_init(&conv, dnnl_forward_inference, dnnl_convolution_direct, &t.x,
                                                            &t.weights, s->has_bias ? &t.bias : NULL, &t.y, g.strides,
                                                            g.dilates, g.begin, g.end);
    else if (!status && kind == CPU_ONEDNN_INPUT_GRAD)
        status = dnnl.dilated_convolution_backward_data_desc_init(&conv, dnnl_convolution_direct, &t.x, &t.weights, &t.y,
                                                                  g.strides, g.dilates, g.begin, g.end);
    else if (!status)
        status = dnnl.dilated_convolution_backward_weights_desc_init(&conv, dnnl_convolution_direct, &t.x, &t.weights, NULL,
                                                                     &t.y, g.strides, g.dilates, g.begin, g.end);
    return status ? status : dnnl.primitive_desc_create(out, &conv, attr, o->engine, forward);
}

static dnnl_status_t describe_conv(struct cpu_onednn *o, enum cpu_onednn_kind kind, const struct cpu_conv_shape *s,
                                   dnnl_primitive_desc_t *out)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t forward = NULL;
    dnnl_status_t         status = dnnl.primitive_attr_create(&attr);
    if (!status)
        status = dnnl.primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (!status && kind != CPU_ONEDNN_OUTPUT)
        status = describe_kind(o, CPU_ONEDNN_OUTPUT, s, NULL, attr, &forward);
    if (!status)
        status = describe_kind(o, kind, s, forward, attr, out);
    if (forward)
        dnnl.primitive_desc_destroy(forward);
    if (attr)
        dnnl.primitive_attr_destroy(attr);
    return status;
}

static dnnl_status_t make_memories(struct cpu_onednn_conv *c, const struct cpu_conv_shape *s, dnnl_primitive_desc_t desc)
{
    const struct names *n = &names[c->kind];
    struct tensors graph;
    dnnl_status_t  status = describe_tensors(s, false, &graph);
    if (!status)
        status = make_side(c->onednn, &graph.x, dnnl.primitive_desc_query_md(desc, n->x_query, 0),
                           c->kind != CPU_ONEDNN_INPUT_GRAD, &c->x);
    if (!status)
        status = make_side(c->onednn, &graph.weights, dnnl.primitive_desc_query_md(desc, n->weights_query, 0),
                           c->kind != CPU_ONEDNN_WEIGHT_GRAD, &c->weights);
    if (!status)
        status = make_side(c->onednn, &graph.y, dnnl.primitive_desc_query_md(desc, n->y_query, 0), c->kind != CPU_ONEDNN_OUTPUT,
                           &c->y);
    if (!status && s->has_bias)
        status = dnnl.memory_create(&c->bias, &graph.bias, c->onednn->engine, DNNL_MEMORY_NONE);
    const dnnl_memory_desc_t *scratchpad = dnnl.primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    c->scratchpad_bytes = cpu_block_new(dnnl.memory_desc_get_size(scratchpad));
    if (!c->scratchpad_bytes)
        return dnnl_out_of_memory;
    return status ? status : dnnl.memory_create(&c->scratchpad, scratchpad, c->onednn->engine, c->scratchpad_bytes);
}

/* Weights that stay what they are go into the convolution's layout now. */
static dnnl_status_t pack_weights(struct cpu_onednn_conv *c, const float *weights)
{
    void *bytes;
    if (!weights || !c->weights.reorder)
        return dnnl_success;
    memcpy(&bytes, &weights, sizeof bytes); /* the library takes no pointer to const; it only reads */
    dnnl_status_t status = dnnl.memory_set_data_handle(c->weights.outer, bytes);
    if (!status)
        status = reorder(c, &c->weights, true);
    if (!status)
        status = dnnl.stream_wait(c->onednn->stream);
    c->weights_packed = !status;
    return status;
}

static void describe_choice(const struct cpu_onednn_conv *c, const char *name, struct assay_text *kernel)
{
    const char *weights = c->weights_packed ? "packed at compile" : c->weights.reorder ? "reordered per run" : "as they are";
    assay_text_add(kernel, "oneDNN 2%s %s%s%s, weights %s", names[c->kind].what, name, c->x.reorder ? ", input reordered" : "",
                   c->y.reorder ? ", output reordered" : "", weights);
}

enum assay_code cpu_onednn_conv_new(struct cpu_onednn *self, enum cpu_onednn_kind kind, const struct cpu_conv_shape *shape,
                                    const float *weights, struct cpu_onednn_conv **out, struct assay_text *kernel,
                                    struct assay_error *err)
{
    struct cpu_onednn_conv *c = calloc(1, sizeof *c);
    if (!c)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a convolution");
    c->onednn = self;
    c->kind = kind;
    dnnl_primitive_desc_t desc = NULL;
    const char           *name = "";
    dnnl_status_t         status = describe_conv(self, kind, shape, &desc);
    if (!status)
        status = dnnl.primitive_create(&c->primitive, desc);
    if (!status)
        status = make_memories(c, shape, desc);
    if (!status)
        status = pack_weights(c, weights);
    if (!status)
        status = dnnl.primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name);
    if (!status)
        describe_choice(c, name, kernel);
    if (desc)
        dnnl.primitive_desc_destroy(desc);
    if (status) {
        cpu_onednn_conv_free(c);
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "oneDNN does not take this convolution: status %d", (int)status);
    }
    *out = c;
    return ASSAY_OK;
}

void cpu_onednn_conv_free(struct cpu_onednn_conv *c)
{
    if (!c)
        return;
    if (c->primitive)
        dnnl.primitive_destroy(c->primitive);
    free_side(&c->x);
    free_side(&c->weights);
    free_side(&c->y);
    if (c->bias)
        dnnl.memory_destroy(c->bias);
    if (c->scratchpad)
        dnnl.memory_destroy(c->scratchpad);
    free(c->scratchpad_bytes);
    free(c);
}

static dnnl_status_t set(dnnl_memory_t memory, const float *at)
{
    void *bytes;
    memcpy(&bytes, &at, sizeof bytes);
    return memory ? dnnl.memory_set_data_handle(memory, bytes) : dnnl_success;
}

/* Reorders the sides that are read before, the one that is written after. */
static dnnl_status_t reorder_sides(const struct cpu_onednn_conv *c, bool before)
{
    bool          writes_x = c->kind == CPU_ONEDNN_INPUT_GRAD, writes_weights = c->kind == CPU_ONEDNN_WEIGHT_GRAD;
    dnnl_status_t status = dnnl_success;
    if (writes_x != before)
        status = reorder(c, &c->x, before);
    if (!status && writes_weights != before && !c->weights_packed)
        status = reorder(c, &c->weights, before);
    if (!status && (c->kind == CPU_ONEDNN_OUTPUT) != before)
        status = reorder(c, &c->y, before);
    return status;
}

enum assay_code cpu_onednn_conv_run(struct cpu_onednn_conv *c, const struct cpu_onednn_operands *at, struct assay_error *err)
{
    const struct names *n = &names[c->kind];
    dnnl_status_t       status = set(c->x.outer, at->x);
    if (!status)
        status = set(c->y.outer, at->y);
    if (!status && !c->weights_packed)
        status = set(c->weights.outer, at->weights);
    if (!status)
        status = set(c->bias, at->bias);
    if (!status)
        status = reorder_sides(c, true);
    const dnnl_exec_arg_t args[] = {{n->x, c->x.inner},
                                    {n->weights, c->weights.inner},
                                    {n->y, c->y.inner},
                                    {DNNL_ARG_SCRATCHPAD, c->scratchpad},
                                    {DNNL_ARG_BIAS, c->bias}};
    if (!status)
        status = dnnl.primitive_execute(c->primitive, c->onednn->stream, c->bias ? 5 : 4, args);
    if (!status)
        status = reorder_sides(c, false);
    if (!status)
        status = dnnl.stream_wait(c->onednn->stream);
    return status ? ASSAY_FAIL(err, ASSAY_DEVICE, "oneDNN's convolution failed: status %d", (int)status) : ASSAY_OK;
}

#endif
