/* A device in this machine's memory that computes every op of the table as the reference does: in double, each output
 * rounded to its own format once, at the end. Back end `reference` is nothing else; `chaos` is this where it is honest;
 * `emulate` has its memory and bindings, and computes for itself. */
#ifndef REFERENCE_DEVICE_H
#define REFERENCE_DEVICE_H

#include "assay/backend.h"
#include "assay/error.h"

struct assay_buffer {
    unsigned char *at;
    uint64_t bytes; /* what was asked for; more may be there */
};

struct device_program;

bool device_accepts(const struct assay_host *host, const struct assay_graph *g, uint32_t node,
                    struct assay_text *why_not);

/* `extra` bytes more than asked are there, behind what upload and download reach. */
enum assay_code device_alloc(const struct assay_alloc *how, uint64_t extra, struct assay_buffer **out,
                             struct assay_error *err);
void device_release(struct assay_buffer *b);
enum assay_code device_upload(struct assay_buffer *b, uint64_t offset, const void *from, uint64_t bytes,
                              struct assay_error *err);
enum assay_code device_download(struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes,
                                struct assay_error *err);

struct rebuild_fault; /* rebuild.h; NULL: none */
enum assay_code device_compile(const struct assay_host *host, const struct assay_compile *how, const struct rebuild_fault *fault,
                               struct device_program **out, struct assay_error *err);
void device_discard(struct device_program *p);

/* Three steps of one execution. bind: where everything is. compute: all outputs, into the program's own memory. store:
 * from there to where they were bound; only now is anything that an output aliases overwritten. */
enum assay_code device_bind(struct device_program *p, const struct assay_launch *launch, struct assay_error *err);
enum assay_code device_compute(struct device_program *p, struct assay_error *err);
void device_store(struct device_program *p);

/* For a device that computes in its own way: the graph, and what each value is bound to in the launch that runs (NULL: a node
 * writes it). */
const struct assay_graph *device_graph(const struct device_program *p);
const void *const *device_bound(const struct device_program *p);

/* One output of a program, in the order of their values. */
struct device_output {
    enum assay_dtype dtype;
    int32_t value;
    uint64_t elements, bytes;
    void *computed;       /* the program's own memory: what store will copy */
    unsigned char *bound; /* where to */
    uint64_t room_after;  /* bytes of its buffer behind the output */
};
size_t device_outputs(struct device_program *p);
struct device_output *device_output(struct device_program *p, size_t i);

/* When an execution ran by the host's clock, as `poll` tells it. */
void device_tell_span(uint64_t begin_ns, uint64_t end_ns, struct assay_span *span);

/* What the inputs are bound to, as a number: equal for equal buffers and offsets, whatever they hold. */
uint64_t device_inputs_look(const struct device_program *p);

#endif
