/* How long each node of a graph took: the file trace/ID.BACKEND.LAUNCH.json that a launch leaves. README.md shows it. */
#ifndef ASSAY_STORE_TRACE_H
#define ASSAY_STORE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/store/record.h"

#define ASSAY_TRACE_MAX_NODES 200000u

struct assay_trace_node {
    uint32_t node;      /* index in the graph; ascending in a trace, each at most once */
    double   ns;        /* median over the traced executions */
    char     name[128]; /* of the node in the graph */
    char     op[64];    /* qualified name: "Conv", "assay.Copy" */
    char     note[64];  /* the back end's: kernel, fusion, limit; may be empty */
};

struct assay_trace {
    uint32_t                 executions;
    struct assay_trace_node *nodes; /* owned */
    size_t                   n;
};

enum assay_code assay_trace_write(const char *path, const struct assay_trace *trace, struct assay_error *err);
/* The record's trace, checked against its SHA-256. ASSAY_UNAVAILABLE, with the record's reason: there is none. Release *out. */
enum assay_code assay_trace_read(const char *folder, const struct assay_record *record, struct assay_trace *out,
                                 struct assay_error *err);
void            assay_trace_release(struct assay_trace *trace);

#endif
