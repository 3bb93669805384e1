#include "harness/run/ceiling_process.h"

#include "harness/base/clock.h"
#include "harness/run/kept_ceiling.h"

#include "assay/banned.h"

#define PATIENCE_NS (60 * ASSAY_NS_PER_S) /* the first answer is after arrays larger than the caches were touched */
#define LOOK_NS 20000000ull               /* how often the stop flag is looked at */

static enum assay_code start(struct assay_ceiling_process *p, struct assay_error *err)
{
    char  program[512], word[] = "worker";
    char *argv[] = {program, word, NULL};
    if (assay_program_path(program, sizeof program, err) || assay_wire_init(&p->answers, -1, err))
        return err->code;
    if (assay_process_start(argv, &p->process, err)) {
        assay_wire_release(&p->answers);
        return err->code;
    }
    p->answers.fd = p->process.from;
    return ASSAY_OK;
}

static void end(struct assay_ceiling_process *p)
{
    struct assay_process_end how;
    if (!p->answers.bytes)
        return;
    assay_process_kill(&p->process, &how);
    assay_wire_release(&p->answers);
    p->process = (struct assay_process){.pid = 0};
}

static enum assay_code hear(struct assay_ceiling_process *p, const volatile sig_atomic_t *stop, json_t **answer, struct assay_error *err)
{
    uint64_t        begin = assay_clock_now_ns(), patience_ns = p->patience_ns ? p->patience_ns : PATIENCE_NS;
    enum assay_code code;
    do {
        code = assay_wire_next(&p->answers, LOOK_NS, answer, err);
        if (stop && *stop)
            return ASSAY_FAIL(err, ASSAY_INTERRUPTED, "stopped while the ceiling was asked for");
    } while (code == ASSAY_TIMEOUT && assay_clock_now_ns() - begin < patience_ns);
    if (code == ASSAY_TIMEOUT)
        return ASSAY_FAIL(err, ASSAY_TIMEOUT, "who keeps the ceiling said nothing for %.1f s", (double)patience_ns / 1e9);
    return code || *answer ? code : ASSAY_FAIL(err, ASSAY_PROTOCOL, "who keeps the ceiling has ended");
}

/* The first question is its job. */
static enum assay_code converse(struct assay_ceiling_process *p, const json_t *asked, const volatile sig_atomic_t *stop, json_t **answer,
                                struct assay_error *err)
{
    json_t *question = json_deep_copy(asked);
    if (!p->tried && question && (json_object_set_new(question, "do", json_string("ceiling")) || start(p, err))) {
        json_decref(question);
        return err->code ? err->code : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a question");
    }
    return assay_wire_say(p->process.to, question, err) ? err->code : hear(p, stop, answer, err);
}

json_t *assay_ceiling_process_ask(struct assay_ceiling_process *p, const json_t *asked, const volatile sig_atomic_t *stop)
{
    json_t            *answer = NULL;
    struct assay_error err = {.code = ASSAY_OK};
    if (p->tried && !p->process.pid)
        return assay_kept_ceiling_refuse(&p->why_not);
    if (converse(p, asked, stop, &answer, &err)) {
        end(p);
        p->why_not = err;
        answer = assay_kept_ceiling_refuse(&err);
    }
    p->tried = true;
    return answer;
}

void assay_ceiling_process_end(struct assay_ceiling_process *p)
{
    end(p);
    p->tried = false;
}
