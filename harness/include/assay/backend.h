/* The plug-in line. A back end is a shared object that exports one symbol,
 *
 *     const struct assay_backend *assay_backend_entry(const struct assay_host *host);
 *
 * and executes graphs on a device. backends/README.md follows one case through it call by call;
 * backends/template is the one to copy.
 *
 * Agreement
 *  - ABI: the major number must be equal; the minor only ever appends. Every struct that crosses carries its
 *    size, every array of structs its stride, so either side may be older: what stands in 1.0 is always there;
 *    before a later field is read or written, look at the size. Fill a struct of the other side field by field,
 *    never by assigning a whole one. struct assay_error and struct assay_text never change. Test an optional
 *    entry with ASSAY_HAS.
 *  - All calls of a session come from one thread. A plug-in may have threads of its own; the host's services
 *    may be called from any of them.
 *  - Launches of one queue run in order; launches of different queues have none: the host polls one to its end
 *    before it launches elsewhere what reads or overwrites the same memory.
 *  - Every handle (session, buffer, program, event) is opaque and freed by the plug-in that made it.
 *  - Strings and structs that the host passes live for the call; graphs live until the program is discarded.
 *  - The plug-in is never unloaded. It runs in a worker process: a crash costs one case.
 *  - Nothing is printed; log through the host. Errors go into *err (error.h), outputs are written only on success.
 *  - A device makes two independent claims: are values computed, and which clock timed them. */
#ifndef ASSAY_BACKEND_H
#define ASSAY_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/comm.h"
#include "assay/dtype.h"
#include "assay/error.h"
#include "assay/graph.h"
#include "assay/option.h"
#include "assay/text.h"

#define ASSAY_ABI_MAJOR 1u
#define ASSAY_ABI_MINOR 4u

struct assay_session;
struct assay_buffer;
struct assay_program;
struct assay_event;
struct assay_device_list;

/* ---- what the host lends ------------------------------------------------------------------------------- */

enum assay_log_level { ASSAY_LOG_DEBUG = 1, ASSAY_LOG_INFO = 2, ASSAY_LOG_WARN = 3 };

enum assay_clock {
    ASSAY_CLOCK_HOST = 1,   /* CLOCK_MONOTONIC of this machine, ns */
    ASSAY_CLOCK_DEVICE = 2, /* the device's own clock, mapped to the host's by the plug-in */
    ASSAY_CLOCK_MODEL = 3,  /* virtual time; nothing was measured */
};

enum assay_origin {
    ASSAY_ORIGIN_REAL = 1,      /* hardware did it */
    ASSAY_ORIGIN_SIMULATED = 2, /* a functional simulator: values may be judged, times never */
    ASSAY_ORIGIN_MODELLED = 3,  /* a performance model */
    ASSAY_ORIGIN_REFERENCE = 4, /* the judge itself, or an instrument of the harness */
};

enum assay_trait {
    ASSAY_TRAIT_VALUES = 1u << 0,  /* outputs are computed */
    ASSAY_TRAIT_MEMORY = 1u << 1,  /* buffers hold bytes: upload and download move them */
    ASSAY_TRAIT_IS_HOST = 1u << 2, /* runs on this machine's own cores: the host's peak and triad are its peak and triad */
};

struct assay_device_info {
    uint32_t          size;
    uint32_t          traits; /* enum assay_trait */
    enum assay_clock  clock;
    enum assay_origin origin;
    uint32_t          queues; /* at least 1; launches of one queue complete in order */
    uint64_t          memory_bytes;
    char              name[64]; /* what follows ':' in a back end's name; lower case */
    char              product[128], vendor[64], serial[64], firmware[64]; /* empty = not readable */
    char              how_known[128]; /* what established the vendor: "cpuid", "loaded libcuda.so.1 …" */
};

/* Services of the host. The pointer given to assay_backend_entry stays valid for the life of the process. */
struct assay_host {
    uint32_t size, abi_major, abi_minor;
    uint64_t (*now_ns)(void); /* ASSAY_CLOCK_HOST */
    void (*log)(enum assay_log_level level, const char *text);

    uint32_t (*graph_values)(const struct assay_graph *g); /* number of values */
    uint32_t (*graph_nodes)(const struct assay_graph *g);  /* number of nodes, in topological order */
    bool (*graph_value)(const struct assay_graph *g, uint32_t value, struct assay_value_view *out); /* false: no such */
    bool (*graph_node)(const struct assay_graph *g, uint32_t node, struct assay_node_view *out);
    /* Attributes, defaults of the op filled in. false / SIZE_MAX / NULL: the op has no such attribute of that
     * type, or it is optional and absent. */
    bool (*attr_i64)(const struct assay_graph *g, uint32_t node, const char *name, int64_t *out);
    bool (*attr_f64)(const struct assay_graph *g, uint32_t node, const char *name, double *out);
    size_t (*attr_i64s)(const struct assay_graph *g, uint32_t node, const char *name, int64_t *out, size_t capacity);
    const char *(*attr_text)(const struct assay_graph *g, uint32_t node, const char *name);
    bool (*cost)(const struct assay_graph *g, uint32_t node, struct assay_cost *out);

    void (*device_add)(struct assay_device_list *list, const struct assay_device_info *info); /* for probe */
};

/* ---- opening a device ---------------------------------------------------------------------------------- */

struct assay_open {
    uint32_t                 size;
    const char              *device;  /* one of the names that probe gave */
    const void              *options; /* parsed by the host with the back end's table */
    const struct assay_comm *comm;    /* NULL: a single rank */
};

/* ---- memory: the untimed control plane ----------------------------------------------------------------- */

struct assay_alloc {
    uint32_t         size;
    enum assay_place place;
    uint64_t         bytes, alignment; /* alignment is a power of two; at least 64 is asked */
};

/* ---- compiling ----------------------------------------------------------------------------------------- */

#define ASSAY_ALL_ROWS UINT64_MAX

/* A value and what stands behind it for one launch (or, at compile, for good). */
struct assay_binding {
    uint32_t             value;      /* index in the graph */
    uint32_t             rank_class; /* index into the compile request's classes; 0 for an ordinary device */
    struct assay_buffer *buffer;     /* or NULL: then `host` */
    void                *host;       /* control inputs always; NULL when a buffer is given */
    uint64_t             offset;     /* bytes into the buffer */
    uint64_t             valid_rows; /* rows of the first axis that count, ASSAY_ALL_ROWS = all; the rest is padding */
};

/* Ranks that all do the same: the graph of one of them. Only a cluster session gets more than one class. */
struct assay_rank_class {
    uint32_t                  size;
    const struct assay_graph *graph;
    uint64_t                  multiplicity; /* ranks in this class */
    uint32_t                  stage;        /* pipeline stage, from 0 */
    const uint64_t           *first_coordinate; /* mesh coordinates of one member, n_axes of them; may be NULL */
};

struct assay_mesh_axis {
    char     name[8]; /* "dp", "tp", "sp", "pp", "ep", "cp" */
    uint64_t length;
};

enum assay_schedule {
    ASSAY_SCHEDULE_NONE = 0,
    ASSAY_SCHEDULE_1F1B = 1,
    ASSAY_SCHEDULE_INTERLEAVED = 2,
    ASSAY_SCHEDULE_ZERO_BUBBLE = 3,
};

struct assay_compile {
    uint32_t    size;
    const void *classes; /* struct assay_rank_class[n_classes], class_stride bytes apart; an ordinary device gets one */
    size_t      n_classes, class_stride;
    const struct assay_binding *fixed; /* params whose content stays until discard: pack them as you like */
    size_t                      n_fixed, binding_stride;
    const struct assay_mesh_axis *axes; /* outermost first; n_axes 0 for a single rank */
    size_t                        n_axes, axis_stride;
    enum assay_schedule           schedule; /* how pipeline stages take turns */
    uint64_t                      micro_batches;
};

/* ---- executing ----------------------------------------------------------------------------------------- */

enum assay_launch_flag {
    ASSAY_LAUNCH_TRACE = 1u << 0, /* trace() will be asked about this event; may cost time */
};

struct assay_launch {
    uint32_t                    size;
    uint32_t                    flags; /* enum assay_launch_flag */
    struct assay_program       *program;
    uint32_t                    queue;
    uint64_t                    earliest_ns; /* model clock: not before; other clocks: 0 */
    /* Every input, control, state and output, and params not fixed. An output that aliases is bound to the very
     * place of the value it aliases. */
    const struct assay_binding *bindings;
    size_t                      n_bindings, binding_stride;
};

/* When it happened. begin and end are on `clock`, stamped by the plug-in at begin and completion, not when
 * the host looks. device_ns: time on the device itself, or 0 and the reason. */
struct assay_span {
    uint32_t         size;
    enum assay_clock clock;
    uint64_t         begin_ns, end_ns;
    uint64_t         device_ns;
    char             why_no_device_ns[64];
};

#define ASSAY_WAIT_FOREVER UINT64_MAX

/* ---- optional answers ---------------------------------------------------------------------------------- */

struct assay_trace_row {
    uint32_t node;       /* index in the graph */
    uint32_t rank_class;
    uint64_t begin_ns, end_ns; /* relative to the launch's begin */
    char     note[64];   /* kernel, fusion, limit; may be empty */
};

/* A counter of the session. Cumulative, and the host takes differences; or a level, which is told as it stands: of a modelled device the
 * host reads it after each draw and keeps its range. */
struct assay_counter_row {
    char     name[48];  /* "dram_read", "stall_memory" */
    char     unit[16];  /* "bytes", "joules", "1" */
    double   value;     /* valid if why is empty; of a level, for one draw, also where `why` says that there is no point of it */
    char     why[96];   /* why there is no value */
    uint32_t level;     /* since ABI 1.4: 1 = a level. Write it only where the stride has room for it */
};

struct assay_telemetry_row {
    uint64_t at_ns;    /* ASSAY_CLOCK_HOST, or the model's clock */
    char     name[32]; /* "power", "temperature", "clock" */
    char     unit[16]; /* "watts", "celsius", "hz" */
    double   value;
};

/* Bytes of the device's memory that a session holds now. */
struct assay_memory {
    uint32_t size;
    uint64_t buffer_bytes;  /* of alloc, until release */
    uint64_t program_bytes; /* of compile, until discard: packed weights, values between nodes, work space */
};

/* One input of a modelled time, and how far it moves that time. */
struct assay_influence {
    char   name[40], from[16]; /* "memory_bytes_per_s", "assumed"; a class of kernels, "band" */
    double share;              /* of the variance of the time's logarithm */
    double low, high;          /* the time at the input's ends, over the time in the middle */
};
#define ASSAY_INFLUENCES 5

/* How sure a modelled figure is (design, section 9). */
struct assay_certainty {
    uint32_t size;
    uint32_t has_point;        /* 0: it rests on a number of which only a range is known; the range of the draws is all there is */
    char     grade[4];         /* "A".."D" */
    char     why_no_point[120];
    /* those that matter most, the largest share first; all zero behind the last */
    struct assay_influence influences[ASSAY_INFLUENCES];
};

/* ---- the back end -------------------------------------------------------------------------------------- */

struct assay_backend {
    uint32_t    size, abi_major, abi_minor;
    const char *name, *summary, *version;
    const struct assay_option *options; /* table, or NULL */
    size_t      option_stride;          /* sizeof(struct assay_option) */
    size_t      options_bytes;          /* of the struct that the table fills */

    /* Lists the devices that are there: device_add for each. None, with a reason in *err, is ASSAY_UNAVAILABLE. */
    enum assay_code (*probe)(const void *options, struct assay_device_list *out, struct assay_error *err);
    enum assay_code (*open)(const struct assay_open *how, struct assay_session **out, struct assay_error *err);
    void (*close)(struct assay_session *s);

    /* Would this node run here? No = false with a reason that a person can read. */
    bool (*accepts)(struct assay_session *s, const struct assay_graph *g, uint32_t node, struct assay_text *why_not);

    enum assay_code (*alloc)(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out,
                             struct assay_error *err);
    void (*release)(struct assay_session *s, struct assay_buffer *b);
    enum assay_code (*upload)(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from,
                              uint64_t bytes, struct assay_error *err);
    enum assay_code (*download)(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to,
                                uint64_t bytes, struct assay_error *err);

    enum assay_code (*compile)(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err);
    void (*discard)(struct assay_session *s, struct assay_program *p);

    /* Starts (or, for a synchronous device, does) one execution. Neither the bindings nor the control content behind
     * their `host` need outlive the call. */
    enum assay_code (*execute)(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err);
    /* Waits until any of the n >= 1 events is done; *done = its index, *span = when; of several, the one that ended first.
     * ASSAY_TIMEOUT if none was. On a model clock every event is done at once. */
    enum assay_code (*poll)(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns,
                            size_t *done, struct assay_span *span, struct assay_error *err);
    /* Ends the event's life, once; one that is not done is waited for first. */
    void (*forget)(struct assay_session *s, struct assay_event *e);

    /* Optional from here: NULL, or beyond `size`, is absent. */

    /* What compile did that a reader of the record must know: fusions, layouts, libraries. */
    void (*describe)(struct assay_session *s, const struct assay_program *p, struct assay_text *out);
    /* Fills at most `capacity` rows, stride bytes apart; *n = how many there are. */
    enum assay_code (*trace)(struct assay_session *s, struct assay_event *e, struct assay_trace_row *rows, size_t stride,
                             size_t capacity, size_t *n, struct assay_error *err);
    enum assay_code (*counters)(struct assay_session *s, struct assay_counter_row *rows, size_t stride, size_t capacity,
                                size_t *n, struct assay_error *err);
    enum assay_code (*telemetry)(struct assay_session *s, uint64_t since_ns, struct assay_telemetry_row *rows,
                                 size_t stride, size_t capacity, size_t *n, struct assay_error *err);
    /* From here on, be the k-th sample of a modelled device's uncertainty; 0 = the middle. */
    enum assay_code (*draw)(struct assay_session *s, uint64_t k, struct assay_error *err);
    /* A library this plug-in really loaded, the i-th: its path; NULL after the last. For the manifest. */
    const char *(*library)(uint32_t i);
    /* Since ABI 1.1. */
    void (*memory)(struct assay_session *s, struct assay_memory *out);
    /* Since ABI 1.2: for modelled devices, of the program's times. */
    void (*certainty)(struct assay_session *s, const struct assay_program *p, struct assay_certainty *out);
};

/* Is the optional entry there? */
#define ASSAY_HAS(b, entry) (offsetof(struct assay_backend, entry) + sizeof((b)->entry) <= (b)->size && (b)->entry)

/* The struct returned lives as long as the process. NULL: this host lacks something the plug-in cannot do without. */
#define ASSAY_BACKEND_ENTRY "assay_backend_entry"
typedef const struct assay_backend *assay_backend_entry_fn(const struct assay_host *host);

#if defined(__cplusplus)
#define ASSAY_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define ASSAY_EXPORT __attribute__((visibility("default")))
#endif

/* A plug-in defines this; the declaration makes it visible and its type right. */
ASSAY_EXPORT const struct assay_backend *assay_backend_entry(const struct assay_host *host);

#endif
