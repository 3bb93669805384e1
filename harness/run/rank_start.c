#include "harness/run/rank_start.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/run/ranks/mpi_link.h"
#include "harness/run/ranks/remote.h"

#include "assay/banned.h"

/* ---- ranks that this process starts ------------------------------------------------------------------------------ */

static json_t *job_of(const struct assay_session *s, uint32_t rank)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:I}", "do", "rank", "case", s->with.what->name, "backend", s->with.backend, "plugin",
                     s->with.plugin, "rank", (int)rank, "patience_ns", (json_int_t)s->with.patience_ns);
}

static enum assay_code no_job(struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_CONFIG, "a name in the job is not UTF-8 (or memory ran out)");
}

static enum assay_code start(struct assay_session *s, char *const argv[], struct assay_error *err)
{
    struct assay_process *p = &s->process[s->n_processes];
    if (assay_process_start(argv, p, err))
        return assay_error_in(err, "starting ranks");
    s->n_processes++;
    (void)fcntl(p->errors, F_SETFL, O_NONBLOCK);
    return ASSAY_OK;
}

static enum assay_code start_forked(struct assay_session *s, uint32_t rank, struct assay_error *err)
{
    char           program[512], word[] = "worker";
    char          *argv[] = {program, word, NULL};
    struct assay_rank_member *m = &s->member[rank];
    json_t        *job = job_of(s, rank);
    if (!job || json_object_set_new(job, "region", json_string(s->path)))
        return no_job(err);
    if (assay_program_path(program, sizeof program, err) || start(s, argv, err) || assay_wire_init(&m->wire, s->process[rank].from, err)) {
        json_decref(job);
        return err->code;
    }
    m->is_wired = true;
    return assay_wire_say(s->process[rank].to, job, err);
}

static enum assay_code await_forked(struct assay_session *s, uint32_t rank, struct assay_error *err)
{
    json_t  *message = NULL;
    uint64_t begin = assay_clock_now_ns();
    for (;;) {
        enum assay_code code = assay_wire_next(&s->member[rank].wire, ASSAY_RANKS_NAP_NS, &message, err);
        if (!code)
            break;
        if (code != ASSAY_TIMEOUT || assay_clock_now_ns() - begin > ASSAY_RANKS_START_NS)
            return assay_error_in(err, "waiting for rank %u on %.48s", rank, assay_ranks_host(s, rank));
        *err = (struct assay_error){.code = ASSAY_OK};
        assay_ranks_drain(s);
    }
    const char *say = json_string_value(json_object_get(message, "say"));
    if (!message) {
        struct assay_process_end end = {.text = "it went away"};
        (void)assay_process_wait(&s->process[rank], ASSAY_NS_PER_S, &end);
        s->process[rank].pid = 0;
        (void)ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u on %.48s ended before it was ready: %s", rank, assay_ranks_host(s, rank), end.text);
    } else if (!say || strcmp(say, "ready") != 0) {
        assay_error_from_json(json_object_get(message, "error"), err);
        (void)assay_error_in(err, "opening rank %u on %.48s", rank, assay_ranks_host(s, rank));
    }
    json_decref(message);
    return err->code;
}

enum assay_code assay_ranks_start_forked(struct assay_session *s, struct assay_error *err)
{
    if (assay_region_make(s->with.n, &s->region, s->path, err) || assay_region_post(s->region, &s->post, err))
        return err->code;
    s->has_post = true;
    for (uint32_t r = 0; r < s->with.n; r++)
        assay_host_name(s->member[r].ready.host);
    for (uint32_t r = 0; !err->code && r < s->with.n; r++)
        (void)start_forked(s, r, err);
    for (uint32_t r = 0; !err->code && r < s->with.n; r++)
        (void)await_forked(s, r, err);
    return err->code;
}

/* ---- ranks that the cluster's launcher starts ---------------------------------------------------------------------- */

const char *const assay_launchers[] = {"fork", "mpirun", "srun", NULL};

static enum assay_code find_program(const char *name, char path[512], struct assay_error *err)
{
    const char *list = getenv("PATH");
    char        each[4096], *save = NULL;
    (void)assay_string_copy(each, sizeof each, list ? list : "/usr/bin:/bin");
    for (char *folder = strtok_r(each, ":", &save); folder; folder = strtok_r(NULL, ":", &save)) {
        int n = snprintf(path, 512, "%s/%s", folder, name);
        if (n > 0 && n < 512 && !access(path, X_OK))
            return ASSAY_OK;
    }
    (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "there is no %s in PATH", name);
    return assay_error_hint(err, !strcmp(name, "srun") ? "package slurm-client, on a host of the cluster" : "packages openmpi-bin and libopenmpi3");
}

enum assay_code assay_launcher_look(const char *launcher, char what[160], struct assay_error *err)
{
    char  path[512], version[] = "--version", out[160] = "", library[128] = "";
    char *argv[] = {path, version, NULL};
    int   status = 0;
    if (!strcmp(launcher, "fork")) {
        (void)assay_string_copy(what, 160, "processes of one machine");
        return ASSAY_OK;
    }
    if (find_program(launcher, path, err) || (!strcmp(launcher, "mpirun") && assay_mpi_look(library, err)))
        return err->code;
    if (assay_process_capture(argv, NULL, 20 * ASSAY_NS_PER_S, out, sizeof out, &status, err))
        return err->code;
    if (status) {
        (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "%s --version ends with %d", path, status);
        return assay_error_hint(err, "a host of the cluster, or SLURM_CONF for its slurm.conf");
    }
    out[strcspn(out, "\n")] = 0;
    (void)snprintf(what, 160, "%.90s%s%.60s", out, *library ? "; " : "", library);
    return ASSAY_OK;
}

static enum assay_code start_launcher(struct assay_session *s, const struct assay_remote *remote, struct assay_error *err)
{
    char  launcher[512], program[512], number[16], address[ASSAY_ADDRESSES_BYTES + 8];
    char  n_word[] = "-n", pass[] = "-x", token[] = ASSAY_RANK_TOKEN, mpi[] = "--mpi=none", rank[] = "rank";
    char *for_mpirun[] = {launcher, n_word, number, pass, token, program, rank, address, NULL};
    char *for_srun[] = {launcher, n_word, number, mpi, program, rank, address, NULL};
    (void)snprintf(number, sizeof number, "%u", s->with.n);
    (void)assay_string_copy(address, sizeof address, assay_remote_address(remote));
    if (find_program(s->with.launcher, launcher, err) || assay_program_path(program, sizeof program, err))
        return err->code;
    if (setenv(ASSAY_RANK_TOKEN, assay_remote_token(remote), 1))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the environment");
    if (start(s, !strcmp(s->with.launcher, "mpirun") ? for_mpirun : for_srun, err))
        return err->code;
    (void)fcntl(s->process[0].from, F_SETFL, O_NONBLOCK);
    (void)close(s->process[0].to);
    s->process[0].to = -1;
    return ASSAY_OK;
}

/* Until all have come; the launcher that ends before that has not started them. */
static enum assay_code gather(struct assay_session *s, struct assay_remote *remote, struct assay_error *err)
{
    uint64_t                 begin = assay_clock_now_ns();
    struct assay_process_end end;
    while (!assay_remote_gather(remote, ASSAY_RANKS_NAP_NS)) {
        uint32_t missing = 0;
        while (assay_remote_has(remote, missing))
            missing++;
        assay_ranks_drain(s);
        if (assay_process_wait(&s->process[0], 0, &end)) {
            s->process[0].pid = 0;
            (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "%s ended (%s) and rank %u had not come", s->with.launcher, end.text, missing);
            return assay_error_hint(err, "the run's log has what it printed");
        }
        if (assay_clock_now_ns() - begin > ASSAY_RANKS_START_NS)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "rank %u did not come within %.3g s of %s", missing, ASSAY_RANKS_START_NS / 1e9, s->with.launcher);
    }
    return ASSAY_OK;
}

/* Every rank's job, with where all the others are. */
static enum assay_code give_jobs(struct assay_session *s, const struct assay_remote *remote, struct assay_error *err)
{
    json_t *peers = json_array();
    for (uint32_t r = 0; r < s->with.n; r++) {
        const struct assay_arrival *a = assay_remote_arrival(remote, r);
        (void)assay_string_copy(s->member[r].ready.host, sizeof s->member[r].ready.host, a->host);
        (void)json_array_append_new(peers, json_pack("{s:o, s:i}", "addresses", assay_json_string(a->peer.addresses), "port", (int)a->peer.port));
    }
    for (uint32_t r = 0; r < s->with.n && !err->code; r++) {
        json_t *job = job_of(s, r);
        if (!job || json_object_set(job, "peers", peers) || json_object_set_new(job, "token", json_string(assay_remote_token(remote))) ||
            json_object_set_new(job, "link", json_string(!strcmp(s->with.launcher, "mpirun") ? "mpi" : "sockets")))
            (void)no_job(err);
        else
            (void)assay_wire_say(assay_remote_fd(remote, r), job, err);
    }
    json_decref(peers);
    return err->code;
}

/* The first that is not ready is told at once: the others may wait for it. */
static enum assay_code await_ready(struct assay_session *s, struct assay_error *err)
{
    uint64_t begin = assay_clock_now_ns();
    for (uint32_t ready = 0; ready < s->with.n;) {
        ready = 0;
        for (uint32_t r = 0; r < s->with.n; r++) {
            bool is_done = s->post.is_done(s->post.self, r);
            ready += is_done;
            if (is_done && assay_ranks_box(s, r)->error.code) {
                *err = assay_ranks_box(s, r)->error;
                return assay_error_in(err, "opening rank %u on %.48s", r, assay_ranks_host(s, r));
            }
        }
        if (ready < s->with.n && assay_ranks_look(s, err))
            return err->code;
        if (assay_clock_now_ns() - begin > ASSAY_RANKS_START_NS)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "%u of %u ranks were ready within %.3g s", ready, s->with.n, (double)ASSAY_RANKS_START_NS / 1e9);
        if (ready < s->with.n)
            s->post.rest(s->post.self, ASSAY_RANKS_NAP_NS);
    }
    return ASSAY_OK;
}

enum assay_code assay_ranks_start_launched(struct assay_session *s, struct assay_error *err)
{
    struct assay_remote *remote = NULL;
    if (assay_remote_open(s->with.n, &remote, err))
        return err->code;
    if (start_launcher(s, remote, err) || gather(s, remote, err) || give_jobs(s, remote, err)) {
        assay_remote_close(remote);
        return err->code;
    }
    assay_remote_post(remote, &s->post);
    s->has_post = true;
    return await_ready(s, err);
}
