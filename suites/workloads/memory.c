/* Moving bytes: copy reads and writes each byte once; read only reads (the sums of rows of 4 KiB); add is the sum of two streams. */
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

enum { KIND_COPY, KIND_READ, KIND_ADD };

#define ROW_BYTES 4096

struct memory {
    int64_t kind;
    uint64_t bytes;
};

static const char *const kinds[] = {"copy", "read", "add", NULL};

static const struct assay_option params[] = {
    {.name = "kind", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct memory, kind), .dflt = "copy", .choices = kinds,
     .help = "copy: y = x; read: sums of 4 KiB rows of x; add: z = x + y"},
    {.name = "bytes", .type = ASSAY_OPT_BYTES, .offset = offsetof(struct memory, bytes), .dflt = "64MiB", .min = 4096,
     .max = 1e12, .help = "size of each array"},
    {0},
};

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct memory *p = given;
    (void)phase;
    if (p->bytes % ROW_BYTES)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "bytes must be a multiple of %d, got %llu", ROW_BYTES, (unsigned long long)p->bytes);
    int64_t dims[2] = {(int64_t)(p->bytes / ROW_BYTES), ROW_BYTES / 4};
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 2, dims, ASSAY_FILL_SIGNED);
    int32_t y = ASSAY_NO_VALUE;
    if (p->kind == KIND_COPY) {
        y = assay_graph_op(g, "assay.Copy", "y", &x, 1, NULL);
    } else if (p->kind == KIND_READ) {
        int32_t axes = assay_graph_i64s(g, "axes", 1, (int64_t[]){1});
        y = assay_graph_op(g, "ReduceSum", "s", (int32_t[]){x, axes}, 2, NULL);
    } else {
        int32_t z = assay_graph_input(g, "y", ASSAY_F32, 2, dims, ASSAY_FILL_SIGNED);
        y = assay_graph_op(g, "Add", "z", (int32_t[]){x, z}, 2, NULL);
    }
    assay_graph_output(g, y);
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_memory = {
    .name = "memory",
    .summary = "streams of bytes: copy, read, add",
    .params = params,
    .params_bytes = sizeof(struct memory),
    .headline = "bytes_per_s",
    .build = build,
};
