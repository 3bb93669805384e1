#include "harness/store/trace.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/store/fields.h"

#include "assay/banned.h"

#define FORMAT "assay-trace/1"
#define LIMIT_BYTES ((size_t)256 << 20)

#define NODE(kind, member, required) ASSAY_FIELD(kind, struct assay_trace_node, member, #member, required)
static const struct assay_field node_fields[] = {
    NODE(U32, node, true), NODE(F64, ns, true), NODE(TEXT, name, true), NODE(TEXT, op, true), NODE(TEXT, note, false), ASSAY_FIELD_END,
};
#undef NODE

struct head {
    char     format[32];
    uint32_t executions;
};
static const struct assay_field head_fields[] = {
    ASSAY_FIELD(TEXT, struct head, format, "format", true),
    ASSAY_FIELD(U32, struct head, executions, "executions", true),
    ASSAY_FIELD_END,
};
static const char *const head_also[] = {"nodes", NULL};

/* ---- writing --------------------------------------------------------------------------------------------- */

/* A line a node, so that a person finds one. */
static bool print(FILE *out, const struct assay_trace *trace)
{
    bool ok = fprintf(out, "{\"format\": \"" FORMAT "\", \"executions\": %u, \"nodes\": [\n", trace->executions) > 0;
    for (size_t i = 0; ok && i < trace->n; i++) {
        json_t *object = json_object();
        char   *line = object && assay_fields_write(node_fields, &trace->nodes[i], object) ? assay_json_line(object) : NULL;
        ok = line && fprintf(out, "%s%s\n", line, i + 1 < trace->n ? "," : "") > 0;
        free(line);
        json_decref(object);
    }
    return ok && fputs("]}\n", out) != EOF;
}

enum assay_code assay_trace_write(const char *path, const struct assay_trace *trace, struct assay_error *err)
{
    char  *bytes = NULL;
    size_t length = 0;
    FILE  *out = open_memstream(&bytes, &length);
    bool   ok = out && print(out, trace);
    if ((out && fclose(out) != 0) || !ok)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the trace of %zu nodes", trace->n);
    else
        (void)assay_file_replace(path, bytes, length, err);
    free(bytes);
    return err->code;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static enum assay_code nodes_read(const json_t *list, struct assay_trace *out, struct assay_error *err)
{
    if (!json_is_array(list) || json_array_size(list) > ASSAY_TRACE_MAX_NODES)
        return assay_fields_fail("", "nodes", "a list of nodes", list, err);
    out->nodes = calloc(json_array_size(list) + 1, sizeof *out->nodes);
    if (!out->nodes)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the trace of %zu nodes", json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct assay_trace_node *node = &out->nodes[i];
        const json_t            *json = json_array_get(list, i);
        char                     what[32];
        (void)snprintf(what, sizeof what, "nodes.%zu", i);
        if (assay_fields_read(node_fields, NULL, json, what, node, err))
            return err->code;
        if (i && node->node <= node[-1].node)
            return assay_fields_fail(what, "node", "beyond the node before", json_object_get(json, "node"), err);
        if (!isfinite(node->ns) || node->ns < 0)
            return assay_fields_fail(what, "ns", "a time", json_object_get(json, "ns"), err);
        out->n++;
    }
    return ASSAY_OK;
}

static enum assay_code parse(const char *bytes, size_t length, struct assay_trace *out, struct assay_error *err)
{
    struct head head;
    json_t     *json = NULL;
    if (assay_json_parse(bytes, length, "a trace", &json, err))
        return err->code;
    if (!assay_fields_read(head_fields, head_also, json, "", &head, err)) {
        out->executions = head.executions;
        if (strcmp(head.format, FORMAT) != 0)
            (void)assay_fields_fail("", "format", "\"" FORMAT "\"", json_object_get(json, "format"), err);
        else
            (void)nodes_read(json_object_get(json, "nodes"), out, err);
    }
    json_decref(json);
    return err->code;
}

/* A record may come from anywhere: it must not lead out of the run folder. */
static bool is_ours(const char *file)
{
    const char *name = file + strlen("trace/");
    return strncmp(file, "trace/", strlen("trace/")) == 0 && *name && *name != '.' && !strchr(name, '/');
}

enum assay_code assay_trace_read(const char *folder, const struct assay_record *record, struct assay_trace *out,
                                 struct assay_error *err)
{
    char   path[4096], sha256[65], *bytes = NULL;
    size_t length = 0;
    *out = (struct assay_trace){0};
    if (!record->trace_file[0])
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "%s", record->why_no_trace[0] ? record->why_no_trace : "the record has no trace");
    if (!is_ours(record->trace_file))
        return ASSAY_FAIL(err, ASSAY_DATA, "a trace must be a file in 'trace/', not '%.150s'", record->trace_file);
    if (assay_path_join(path, sizeof path, folder, record->trace_file, err) || assay_file_read(path, LIMIT_BYTES, &bytes, &length, err))
        return err->code;
    assay_sha256_hex(bytes, length, sha256);
    if (strcmp(sha256, record->trace_sha256) != 0)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s: not the trace that was written: the record has another SHA-256", path);
    else if (parse(bytes, length, out, err))
        (void)assay_error_in(err, "reading '%.100s'", record->trace_file);
    free(bytes);
    if (err->code)
        assay_trace_release(out);
    return err->code;
}

void assay_trace_release(struct assay_trace *trace)
{
    free(trace->nodes);
    *trace = (struct assay_trace){0};
}
