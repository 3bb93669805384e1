/* A model from an ONNX file, as it stands: its initializers are consts, its inputs come from the generator or from --inputs. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/ir/infer.h"
#include "harness/ir/onnx/import.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define FILE_BYTES_MOST ((size_t)2 << 30) /* of the model alone: no message is longer */

struct onnx {
    char    file[256], sha256[72];
    int64_t named;
};

static const struct assay_option params[] = {
    {.name = "file", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct onnx, file), .bytes = sizeof(((struct onnx *)0)->file), .dflt = "",
     .help = "the model: path of an .onnx file, whose external data lie beside it"},
    {.name = "sha256", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct onnx, sha256), .bytes = sizeof(((struct onnx *)0)->sha256),
     .dflt = "", .help = "that the file must have; assay run FILE.onnx writes it down"},
    ASSAY_PARAM_SIZE(struct onnx, named, "named", "1", "what lengths are that have a name in the file, like a batch"),
    {0},
};

/* What inputs are whose lengths are not all numbers. NULL: no memory. */
static struct assay_onnx_known *settle(const struct assay_onnx_graph *g, int64_t named, size_t *n)
{
    struct assay_onnx_known *known = calloc(g->n_inputs + 1, sizeof *known);
    *n = 0;
    for (size_t i = 0; known && i < g->n_inputs; i++) {
        const struct assay_onnx_value       *v = &g->inputs[i];
        const struct assay_onnx_tensor_type *type = v->type ? v->type->tensor : NULL;
        bool                                 open = false;
        if (!v->name || !type || !type->shape || type->shape->n_dims > ASSAY_MAX_RANK || !assay_onnx_dtype(type->type))
            continue; /* told by whoever reads it */
        struct assay_onnx_array a = {.dtype = assay_onnx_dtype(type->type), .rank = (int32_t)type->shape->n_dims};
        for (int32_t d = 0; d < a.rank; d++) {
            open = open || type->shape->dims[d].symbol;
            a.dims[d] = type->shape->dims[d].symbol ? named : type->shape->dims[d].value;
        }
        if (open)
            known[(*n)++] = (struct assay_onnx_known){v->name, a};
    }
    return known;
}

static enum assay_code read_model(const struct onnx *p, const char *bytes, size_t length, struct assay_graph *g, struct assay_error *err)
{
    struct assay_arena       arena = {.first = NULL};
    struct assay_onnx_model  model;
    const char              *slash = strrchr(p->file, '/');
    char                     folder[sizeof p->file] = "";
    struct assay_onnx_known *known = NULL;
    size_t                   n;
    if (slash)
        (void)assay_string_copy(folder, (size_t)(slash - p->file) + 2, p->file);
    if (!assay_onnx_model_read(bytes, length, p->file, &arena, &model, err)) {
        known = settle(model.graph, p->named, &n);
        if (!known)
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the inputs of '%.110s'", p->file);
        else
            (void)assay_onnx_import_into(&model, p->file, folder, known, n, g, err);
    }
    free(known);
    assay_arena_clear(&arena);
    return err->code;
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct onnx *p = given;
    char              *bytes = NULL, digest[65];
    size_t             length = 0;
    (void)phase;
    memset(err, 0, sizeof *err);
    if (!*p->file)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "workload onnx needs a model: assay run FILE.onnx, or onnx/file=FILE.onnx");
    if (assay_file_read(p->file, FILE_BYTES_MOST, &bytes, &length, err))
        return err->code;
    assay_sha256_hex(bytes, length, digest);
    if (*p->sha256 && strcmp(p->sha256, digest) != 0)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "'%.110s' has SHA-256 %.16s…, the case is of one with %.16s…", p->file, digest, p->sha256);
    else
        (void)read_model(p, bytes, length, g, err);
    free(bytes);
    return err->code;
}

const struct assay_workload assay_workload_onnx = {
    .name = "onnx",
    .summary = "a model from an ONNX file",
    .params = params,
    .params_bytes = sizeof(struct onnx),
    .headline = "items_per_s",
    .item = "execution",
    .build = build,
};
