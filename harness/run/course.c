#include "harness/run/course.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/ir/ops.h"
#include "harness/store/run_folder.h"

#include "assay/banned.h"

void assay_course_enter(struct assay_course *course, enum assay_phase phase)
{
    uint64_t now = assay_clock_now_ns();
    course->record->phase_ns[course->phase] += now - course->phase_begin_ns;
    course->phase = phase;
    course->phase_begin_ns = now;
    if (course->job->progress)
        course->job->progress(course->job->self, phase, 0, 0);
}

void assay_course_tell_cost(struct assay_course *course)
{
    struct assay_cost cost = assay_graph_cost(course->graph);
    course->record->flops = cost.flops;
    course->record->transcendentals = cost.transcendentals;
    course->record->read_bytes = cost.read_bytes;
    course->record->written_bytes = cost.written_bytes;
}

enum assay_code assay_course_accepted(const struct assay_course *c, const struct assay_graph *g, struct assay_error *err)
{
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        char              reason[160];
        struct assay_text why = ASSAY_TEXT(reason);
        if (!c->opened.backend->accepts(c->opened.session, g, i, &why))
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "node '%.48s' (%s): %s", g->nodes[i].name, g->nodes[i].op->name,
                              *reason ? reason : "no reason given");
    }
    return ASSAY_OK;
}

void assay_course_on_target_phase(void *course, enum assay_target_phase phase)
{
    static const enum assay_phase of[] = {ASSAY_PHASE_FILL, ASSAY_PHASE_UPLOAD, ASSAY_PHASE_COMPILE};
    assay_course_enter(course, of[phase]);
}

void assay_course_on_compiled(void *course, const struct assay_program *program)
{
    struct assay_course *c = course;
    struct assay_text    text = ASSAY_TEXT(c->record->compiled);
    if (ASSAY_HAS(c->opened.backend, describe))
        c->opened.backend->describe(c->opened.session, program, &text);
    if (!c->second.opened || !ASSAY_HAS(c->second.opened->backend, describe))
        return;
    assay_text_add(&text, "\nfurther tokens: ");
    c->second.opened->backend->describe(c->second.opened->session, c->second.program, &text);
}

void assay_course_on_warmed(void *course)
{
    assay_course_enter(course, ASSAY_PHASE_TIMED);
}

void assay_course_progress(const struct assay_course *course, double share, uint64_t median_ns)
{
    if (course->job->progress)
        course->job->progress(course->job->self, ASSAY_PHASE_TIMED, share, median_ns);
}

void assay_course_settle(struct assay_course *course, uint64_t n)
{
    if (course->settled_n)
        return;
    assay_course_memory(course->memory_before);
    course->settled_n = n;
}

void assay_course_memory(uint64_t out[2])
{
    struct mallinfo2 heap = mallinfo2();
    unsigned long    pages = 0, ignored;
    FILE            *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%lu %lu", &ignored, &pages) != 2)
        pages = 0;
    if (f)
        (void)fclose(f);
    out[0] = heap.uordblks + heap.hblkhd;
    out[1] = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

enum assay_code assay_course_name_file(const struct assay_course *course, const char *kind, char record_name[160], char path[700],
                                       struct assay_error *err)
{
    assay_run_folder_file(kind, course->job->what->id, course->record->backend, course->job->launch, record_name);
    return assay_path_join(path, 700, course->job->folder, record_name, err);
}

enum assay_code assay_course_unmade(struct assay_course *course, const struct assay_error *err)
{
    course->unstored = err->code == ASSAY_IO;
    return err->code;
}

void assay_course_remark(struct assay_course *course, const char *fmt, ...)
{
    char   *complaint = course->record->noise_complaint;
    size_t  room = sizeof course->record->noise_complaint, length = strlen(complaint);
    va_list args;
    if (length)
        length += (size_t)snprintf(complaint + length, room - length, "; ");
    va_start(args, fmt);
    if (length < room)
        (void)vsnprintf(complaint + length, room - length, fmt, args);
    va_end(args);
}
