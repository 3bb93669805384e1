/* The plug-in's handles. */
#ifndef CPU_SESSION_H
#define CPU_SESSION_H

#include "backends/cpu/cpu.h"

/* Launches that may be waited for at once. */
#define CPU_EVENTS 256

struct assay_event {
    bool     used;
    uint64_t begin_ns, end_ns;
    struct assay_program *program; /* and which of its launches, for trace */
    uint64_t launch;
};

struct assay_buffer {
    char    *bytes;
    uint64_t n_bytes;
};

struct assay_session {
    const struct assay_host *host;
    struct cpu_engine        engine;
    struct cpu_onednn       *onednn; /* of the engine, whatever it is for; NULL: not opened */
    int64_t                  integer; /* enum cpu_integer: what the option asks for */
    bool                     integers_settled;
    struct assay_event       events[CPU_EVENTS];
    uint32_t                 next_event;
    struct assay_memory      memory;
};

/* Decides what multiplies 8-bit integers, once, before the first program that does: the library for it starts threads and has to prove
 * itself, which no other program shall pay for. */
void            cpu_session_settle_integers(struct assay_session *s);
enum assay_code cpu_program_compile(struct assay_session *s, const struct assay_compile *how,
                                    struct assay_program **out, struct assay_error *err);
void            cpu_program_discard(struct assay_session *s, struct assay_program *p);
enum assay_code cpu_program_execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                                    struct assay_error *err);
void            cpu_program_describe(struct assay_session *s, const struct assay_program *p, struct assay_text *out);
enum assay_code cpu_program_trace(struct assay_session *s, struct assay_event *e, struct assay_trace_row *rows,
                                  size_t stride, size_t capacity, size_t *n, struct assay_error *err);

#endif
