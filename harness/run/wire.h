/* The wire between parent and worker: one JSON object a line, job down, events up. It carries case names, progress
 * and the record; nothing per execution. Lines are at most ASSAY_WIRE_LINE_BYTES; what a worker says is not trusted.
 *
 *   down  {"do": "case", "case": "gemm/…", "backend": "cpu:host", "plugin": "…/assay-cpu.so", "seed": 1, …}
 *         {"do": "probe", "backend": "cpu"}
 *         {"do": "vectors", "backend": "cpu", "cases": [{"folder": "…", "set": 0}, …]}
 *         {"do": "numerics", "backend": "cpu", "dtype": "f32", "tiles": 10000}
 *         {"do": "repeatability", "backend": "cpu", "case": "gemm/…", "part": "process", "baseline": "…", "writes": true, …}
 *         {"do": "soak", "case": "gemm/…", "backend": "cpu:host", "tally": "…", "for_ns": 60000000000, "verified": ["<32 hex>", null], …}
 *         {"do": "ceiling", "what": "triad", "amount": 0}: to the process that keeps the ceiling; further questions without the "do"
 *         {"rate": 4.7e11, "used_ns": 8400000, "how": "…"} or {"error": {…}}: the answer to what a worker asked while at its job
 *   up    {"say": "ask", "what": "triad", "amount": 0}
 *         {"say": "numerics", "found": {…}}       {"say": "repeatability", "found": {…}}      {"say": "soak"}
 *         {"say": "progress", "phase": "timed", "share": 0.4, "median_ns": 1200}
 *         {"say": "record", "record": {…}}      {"say": "probe", …}      {"say": "failed", "error": {…}} */
#ifndef ASSAY_RUN_WIRE_H
#define ASSAY_RUN_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

#define ASSAY_WIRE_LINE_BYTES (1u << 20)

/* Writes one object as a line; takes the reference (NULL: there was no memory for it). */
enum assay_code assay_wire_say(int fd, json_t *message, struct assay_error *err);

/* Lines as they come out of a descriptor. */
struct assay_wire {
    int    fd;
    char  *bytes;
    size_t length, capacity;
    bool   ended; /* the other side closed it */
};
enum assay_code assay_wire_init(struct assay_wire *wire, int fd, struct assay_error *err);
void            assay_wire_release(struct assay_wire *wire);
/* The next line as an object (new reference), waiting up to timeout_ns. *out NULL with ASSAY_OK: the end; a line that was
 * begun and not ended is left out. ASSAY_TIMEOUT: none came. ASSAY_PROTOCOL: a line that is too long or no object. */
enum assay_code assay_wire_next(struct assay_wire *wire, uint64_t timeout_ns, json_t **out, struct assay_error *err);

/* An error as it travels. Read back, it is an error in any case: with no code or the code OK it is ASSAY_PROTOCOL. */
json_t *assay_error_to_json(const struct assay_error *err);
void    assay_error_from_json(const json_t *json, struct assay_error *out);

#endif
