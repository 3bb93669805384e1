/* What the parts of this back end share: the engine that kernels run on, a node as an op sees it, and the step that an
 * op makes of it. An op family is a folder; each op is one struct cpu_op, listed in operators.c. */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/backend.h"
#include "backends/cpu/pool/pool.h"
#include "backends/cpu/vector/isa.h"

#define CPU_MAX_INPUTS 32
#define CPU_MAX_OUTPUTS 32
#define CPU_CACHE_LINE 64

enum cpu_blas { CPU_BLAS_AUTO = 0, CPU_BLAS_OPENBLAS = 1, CPU_BLAS_OWN = 2 };
enum cpu_integer { CPU_INTEGER_AUTO = 0, CPU_INTEGER_ONEDNN = 1, CPU_INTEGER_OWN = 2 };
enum cpu_conv { CPU_CONV_AUTO = 0, CPU_CONV_ONEDNN = 1, CPU_CONV_OWN = 2 };

struct cpu_openblas;
struct cpu_ranks;
struct cpu_onednn;

/* What kernels run on; made by open, constant while the session lives. */
struct cpu_engine {
    struct cpu_pool           *pool;
    const struct cpu_kernels  *kernels;
    const struct cpu_openblas *openblas; /* NULL: not there, or not wanted */
    struct cpu_onednn         *onednn;   /* for convolutions. NULL: not there, or not wanted */
    struct cpu_onednn         *integer_products; /* oneDNN, for products of 8-bit integers. NULL: ours */
    struct cpu_ranks          *ranks; /* the others of the case (ranks/ranks.h) */
    bool                       prefer_onednn; /* for convolutions that both it and ours take */
    bool                       batch_invariant; /* no row's result may tell how many rows there are */
};

/* What a step computes besides its node (fusion/fusion.h): its operands stand behind the node's own. */
enum { CPU_IN_ADDED = 8, CPU_IN_SCALE = 9 };
struct cpu_fused {
    uint32_t    normalization; /* a BatchNormalization that goes into weights and bias; UINT32_MAX: none */
    int32_t     known_id[4];   /* its scale, bias, mean and variance, */
    const void *known[4];      /* and what they hold */
    int         activation; /* enum cpu_unary; -1: none */
    float       alpha;
};

/* A node with its operands, read through the host's accessors. */
struct cpu_node {
    const struct assay_host  *host;
    const struct assay_graph *graph;
    uint32_t                  index;
    const char               *op;
    uint32_t                  n_in, n_out;
    int32_t                   in_id[CPU_MAX_INPUTS], out_id[CPU_MAX_OUTPUTS]; /* ASSAY_NO_VALUE = absent */
    struct assay_value_view   in[CPU_MAX_INPUTS], out[CPU_MAX_OUTPUTS];
    const void               *known[CPU_MAX_INPUTS]; /* content of consts and, at compile, of fixed params; else NULL */
    struct cpu_fused          fused;
};

static inline bool cpu_has_in(const struct cpu_node *node, uint32_t i)
{
    return i < node->n_in && node->in_id[i] != ASSAY_NO_VALUE;
}

static inline bool cpu_has_out(const struct cpu_node *node, uint32_t i)
{
    return i < node->n_out && node->out_id[i] != ASSAY_NO_VALUE;
}

/* Attributes, with what stands when the host has none. */
int64_t     cpu_attr_i64(const struct cpu_node *node, const char *name, int64_t if_absent);
double      cpu_attr_f64(const struct cpu_node *node, const char *name, double if_absent);
const char *cpu_attr_text(const struct cpu_node *node, const char *name, const char *if_absent);
/* Numbers in the list, 0 if absent; at most `capacity` are written. */
size_t cpu_attr_i64s(const struct cpu_node *node, const char *name, int64_t *out, size_t capacity);

/* For ops that look at their types themselves: is input (output) i, if it is there, of one of the types, given as bits
 * 1 << dtype? Says why not. */
bool cpu_in_is(const struct cpu_node *node, uint32_t i, uint32_t types, struct assay_text *why_not);
bool cpu_out_is(const struct cpu_node *node, uint32_t i, uint32_t types, struct assay_text *why_not);
#define CPU_TYPE(id) (1u << ASSAY_##id)
#define CPU_TYPES_INDEX (CPU_TYPE(I32) | CPU_TYPE(I64))
/* "f32[2,3]". */
void cpu_describe_value(const struct assay_value_view *v, struct assay_text *out);

/* Where one execution finds a step's operands; absent ones are NULL. */
struct cpu_call {
    const struct cpu_engine *engine;
    const void              *in[CPU_MAX_INPUTS];
    void                    *out[CPU_MAX_OUTPUTS];
};

/* One compiled node. */
struct cpu_step {
    uint32_t node, n_in, n_out;
    int32_t  in_id[CPU_MAX_INPUTS], out_id[CPU_MAX_OUTPUTS];
    void    *state; /* the op's own; freed by `release` */
    void (*release)(void *state);
    /* Allocates nothing. */
    enum assay_code (*run)(const void *state, const struct cpu_call *call, struct assay_error *err);
    char kernel[160]; /* what runs, for people */
};

struct cpu_op {
    const char *name, *domain;
    /* An output may take over the memory of an equally shaped input of the same node. */
    bool in_place;
    /* Exact: true only if prepare and run will succeed. Operand types are looked at before, see any_type. */
    bool (*accepts)(const struct cpu_node *node, struct assay_text *why_not);
    /* Fills state, release, run and kernel of *step; allocates all that run needs. */
    enum assay_code (*prepare)(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                               struct assay_error *err);
    bool any_type; /* moves bytes without looking at them */
    uint32_t integer_inputs; /* bit i: input i is not data (axes, shape, mask); the op looks at its type itself */
};

/* NULL: this back end has no such op. */
const struct cpu_op *cpu_op_find(const char *name, const char *domain);
/* Reads a node; false with a reason if it has more operands than any op here. */
bool cpu_node_read(const struct assay_host *host, const struct assay_graph *g, uint32_t index, struct cpu_node *out,
                   struct assay_text *why_not);
bool cpu_node_accepts(const struct cpu_node *node, const struct cpu_op **op, struct assay_text *why_not);

/* Zeroed, aligned to a cache line; NULL when out of memory. Free with free(). */
void *cpu_block_new(size_t bytes);
/* free() of a block that goes before its program does, so that cpu_blocks_bytes knows. */
void cpu_block_free(void *block);
/* Bytes of the blocks that this thread made, less those that cpu_block_free took back. */
uint64_t cpu_blocks_bytes(void);

#endif
