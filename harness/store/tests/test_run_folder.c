#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness/store/record_lines.h"
#include "harness/store/run_folder.h"
#include "harness/store/tests/scratch.h"

static json_t *plan_of(int seed)
{
    return json_pack("{s:s, s:i, s:[{s:s},{s:s}]}", "format", "assay-plan/1", "seed", seed, "cases", "case", "gemm/k=0",
                     "case", "gemm/k=1");
}

static enum assay_code create(const char *path, struct assay_run_folder **out, struct assay_error *err)
{
    json_t *manifest = json_pack("{s:s}", "host", "here"), *plan = plan_of(1);
    enum assay_code code = assay_run_folder_create(path, manifest, plan, NULL, out, err);
    json_decref(manifest);
    json_decref(plan);
    return code;
}

/* A closed run folder "run" with records of cases 0 .. n-1. */
static void make_run(const struct scratch *s, unsigned n)
{
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    cr_assert_eq(create(in(s, "run"), &f, &err), ASSAY_OK, "%s", err.message);
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(assay_run_folder_append(f, record_of(i, 0), &err), ASSAY_OK, "%s", err.message);
    assay_run_folder_close(f);
}

static size_t count(const struct assay_run_folder *f)
{
    size_t n;
    (void)assay_run_folder_records(f, &n);
    return n;
}

/* Start of line i (from 0) of n bytes. */
static size_t line_start(const char *bytes, size_t n, unsigned i)
{
    const char *at = bytes;
    while (i-- > 0)
        at = (const char *)memchr(at, '\n', n - (size_t)(at - bytes)) + 1;
    return (size_t)(at - bytes);
}

Test(run_folder, keeps_what_was_appended)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    size_t n;
    make_run(&s, 5);
    cr_assert_eq(assay_run_folder_read(in(&s, "run"), &f, &err), ASSAY_OK, "%s", err.message);
    const struct assay_record *r = assay_run_folder_records(f, &n);
    cr_assert_eq(n, 5u);
    for (unsigned i = 0; i < 5; i++) {
        struct assay_record *was = record_of(i, 0);
        cr_expect_str_eq(r[i].case_name, was->case_name);
        cr_expect_eq(r[i].metric[ASSAY_METRIC_latency_ns].value, was->metric[ASSAY_METRIC_latency_ns].value);
        cr_expect(assay_run_folder_has(f, was->id, was->backend, 0));
        cr_expect_not(assay_run_folder_has(f, was->id, was->backend, 1));
        cr_expect_not(assay_run_folder_has(f, was->id, "cpu", 0));
    }
    cr_expect_not(assay_run_folder_has(f, "0000000000000005", r[0].backend, 0));
    cr_expect_null(assay_run_folder_torn(f));
    cr_expect_str_eq(json_string_value(json_object_get(assay_run_folder_manifest(f), "host")), "here");
    cr_expect_eq(json_array_size(json_object_get(assay_run_folder_plan(f), "cases")), 2u);
    cr_expect_eq(assay_run_folder_append(f, record_of(9, 0), &err), ASSAY_INTERNAL, "opened for reading");
    assay_run_folder_close(f);
    scratch_remove(&s);
}

/* The commands of README.md, so that nobody has to trust this program about its own files. */
Test(run_folder, has_a_chain_that_standard_tools_can_check, .timeout = 60)
{
    static const char check[] =
        "cd '%s/run' && before=$(printf '0%%.0s' $(seq 64)) && n=0 && "
        "while IFS= read -r line; do n=$((n + 1)); "
        "printf '%%s\\n' \"$line\" | grep -q '\"before\":\"'$before'\"' || exit 1; "
        "own=$(printf '%%s\\n' \"$line\" | sed 's/,\"sha256\":\"[0-9a-f]*\"}$/}/' | sha256sum); "
        "printf '%%s\\n' \"$line\" | grep -q '\"sha256\":\"'${own%%%% *}'\"}$' || exit 2; "
        "before=$(printf '%%s\\n' \"$line\" | sha256sum); before=${before%%%% *}; "
        "done < records.jsonl; [ $n = 4 ] || exit 3";
    struct scratch s = scratch_new();
    char command[1024];
    make_run(&s, 4);
    (void)snprintf(command, sizeof command, check, s.path);
    cr_expect_eq(system(command), 0);
    scratch_remove(&s);
}

Test(run_folder, mends_a_line_torn_at_any_byte_and_loses_and_doubles_nothing, .timeout = 120)
{
    struct scratch s = scratch_new();
    size_t n, torn_n, log_n;
    make_run(&s, 5);
    char *whole = get_bytes(in(&s, "run/records.jsonl"), &n);
    size_t last = line_start(whole, n, 4);
    for (size_t cut = last; cut < n; cut++) {
        struct assay_error err = {0};
        struct assay_run_folder *f = NULL;
        put_bytes(in(&s, "run/records.jsonl"), whole, cut);
        (void)unlink(in(&s, "run/records.torn"));
        (void)unlink(in(&s, "run/log.txt"));
        cr_assert_eq(assay_run_folder_read(in(&s, "run"), &f, &err), ASSAY_OK, "%zu: %s", cut, err.message);
        cr_expect_eq(count(f), 4u);
        cr_expect_eq(assay_run_folder_torn(f) != NULL, cut > last);
        assay_run_folder_close(f);
        cr_assert_eq(assay_run_folder_resume(in(&s, "run"), NULL, &f, &err), ASSAY_OK, "%zu: %s", cut, err.message);
        cr_assert_eq(count(f), 4u);
        struct stat mended;
        cr_expect(stat(in(&s, "run/records.jsonl"), &mended) == 0 && (size_t)mended.st_size == last, "cut off at once");
        cr_expect_not(assay_run_folder_has(f, record_of(4, 0)->id, record_of(4, 0)->backend, 0));
        cr_assert_eq(assay_run_folder_append(f, record_of(4, 0), &err), ASSAY_OK, "%s", err.message);
        assay_run_folder_close(f);
        size_t again_n;
        char *again = get_bytes(in(&s, "run/records.jsonl"), &again_n);
        cr_expect(again_n == n && memcmp(again, whole, n) == 0, "cut at %zu: the file is as it was undisturbed", cut);
        free(again);
        cr_expect_eq(access(in(&s, "run/records.torn"), F_OK) == 0, cut > last);
        if (cut == last)
            continue;
        char *torn = get_bytes(in(&s, "run/records.torn"), &torn_n), *log = get_bytes(in(&s, "run/log.txt"), &log_n);
        cr_expect(torn_n == cut - last + 1 && memcmp(torn, whole + last, cut - last) == 0 && torn[torn_n - 1] == '\n');
        cr_expect(strstr(log, "that are no whole record, after 4 records; moved to records.torn"), "%s", log);
        free(torn);
        free(log);
    }
    free(whole);
    scratch_remove(&s);
}

Test(run_folder, takes_a_last_line_with_a_wrong_checksum_for_torn)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    size_t n;
    make_run(&s, 3);
    char *bytes = get_bytes(in(&s, "run/records.jsonl"), &n);
    memset(bytes + line_start(bytes, n, 2) + 10, 0, 20); /* a hole that a power cut leaves */
    put_bytes(in(&s, "run/records.jsonl"), bytes, n);
    cr_assert_eq(assay_run_folder_resume(in(&s, "run"), NULL, &f, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(count(f), 2u);
    cr_expect(assay_run_folder_torn(f));
    assay_run_folder_close(f);
    free(bytes);
    scratch_remove(&s);
}

static void expect_refused(const struct scratch *s, const char *bytes, size_t n, const char *says)
{
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    put_bytes(in(s, "run/records.jsonl"), bytes, n);
    cr_expect_eq(assay_run_folder_read(in(s, "run"), &f, &err), ASSAY_DATA, "taken, but should say %s", says);
    cr_expect(strstr(err.message, says), "'%s' does not say '%s'", err.message, says);
    cr_expect_eq(assay_run_folder_resume(in(s, "run"), NULL, &f, &err), ASSAY_DATA);
    size_t after_n;
    char *after = get_bytes(in(s, "run/records.jsonl"), &after_n);
    cr_expect(after_n == n && memcmp(after, bytes, n) == 0, "a refused folder is left alone");
    free(after);
}

Test(run_folder, names_the_line_of_a_record_that_somebody_edited, .timeout = 120)
{
    struct scratch s = scratch_new();
    size_t n;
    make_run(&s, 5);
    char *bytes = get_bytes(in(&s, "run/records.jsonl"), &n);
    size_t from = line_start(bytes, n, 2), to = line_start(bytes, n, 3);
    for (size_t i = from; i < to; i++) {
        bytes[i] = (char)(bytes[i] ^ 1);
        expect_refused(&s, bytes, n, "records.jsonl:3: not the line that was written: its checksum does not match");
        bytes[i] = (char)(bytes[i] ^ 1);
    }
    free(bytes);
    scratch_remove(&s);
}

Test(run_folder, sees_lines_that_were_removed_moved_or_added)
{
    struct scratch s = scratch_new();
    size_t n;
    make_run(&s, 4);
    char *bytes = get_bytes(in(&s, "run/records.jsonl"), &n), *other = malloc(2 * n);
    size_t l1 = line_start(bytes, n, 1), l2 = line_start(bytes, n, 2), l3 = line_start(bytes, n, 3);

    expect_refused(&s, bytes + l1, n - l1, "records.jsonl:1: is not the first line that was written");
    memcpy(other, bytes, l1);
    memcpy(other + l1, bytes + l2, n - l2);
    expect_refused(&s, other, n - (l2 - l1), "records.jsonl:2: does not follow the line before");
    memcpy(other, bytes, l2); /* line 3 is left out, the last one stays: it is whole, so it is not torn */
    memcpy(other + l2, bytes + l3, n - l3);
    expect_refused(&s, other, n - (l3 - l2), "records.jsonl:3: does not follow the line before");
    memcpy(other, bytes, n);
    memcpy(other + n, bytes, l1);
    expect_refused(&s, other, n + l1, "records.jsonl:5: does not follow the line before");
    memcpy(other, bytes, l1);
    memcpy(other + l1, "\n", 1);
    memcpy(other + l1 + 1, bytes + l1, n - l1);
    expect_refused(&s, other, n + 1, "records.jsonl:2: not the line that was written");
    free(other);
    free(bytes);
    scratch_remove(&s);
}

/* Lines that follow each other as they should, made by hand. */
static char *chain(struct assay_record *const *records, size_t n, size_t *bytes)
{
    struct assay_error err = {0};
    char before[65], hash[65], *all = calloc(1, 1u << 20);
    memset(before, '0', 64);
    before[64] = 0;
    *bytes = 0;
    for (size_t i = 0; i < n; i++) {
        char *line = NULL;
        size_t length = 0;
        cr_assert_eq(assay_record_line_make(records[i], before, &line, &length, hash, &err), ASSAY_OK);
        memcpy(all + *bytes, line, length);
        *bytes += length;
        memcpy(before, hash, sizeof before);
        free(line);
    }
    return all;
}

Test(run_folder, refuses_a_record_that_stands_twice)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    struct assay_record a = *record_of(0, 0), b = *record_of(1, 0), c = *record_of(0, 1);
    size_t n;
    make_run(&s, 0);
    char *bytes = chain((struct assay_record *[]){&a, &b, &c, &b}, 4, &n);
    expect_refused(&s, bytes, n,
                   "records.jsonl:4: launch 0 of 'gemm/k=1' on 'cpu:host,threads=2' stands twice, first in line 2");
    free(bytes);
    bytes = chain((struct assay_record *[]){&a, &b, &c}, 3, &n);
    put_bytes(in(&s, "run/records.jsonl"), bytes, n);
    free(bytes);
    cr_assert_eq(assay_run_folder_resume(in(&s, "run"), NULL, &f, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_run_folder_append(f, &c, &err), ASSAY_INTERNAL);
    cr_expect(strstr(err.message, "launch 1 of 'gemm/k=0'") && strstr(err.message, "recorded already"));
    cr_expect_eq(count(f), 3u);
    assay_run_folder_close(f);
    scratch_remove(&s);
}

Test(run_folder, names_the_line_of_what_is_no_record)
{
    struct scratch s = scratch_new();
    struct assay_record a = *record_of(0, 0), b = *record_of(1, 0), c = *record_of(2, 0);
    size_t n;
    make_run(&s, 0);
    memset(b.id, 'z', 16); /* the chain is right and the record is not */
    char *bytes = chain((struct assay_record *[]){&a, &b, &c}, 3, &n);
    expect_refused(&s, bytes, n, "'id' must be 16 hexadecimal digits, but is \"zzzzzzzzzzzzzzzz\"");
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    (void)assay_run_folder_read(in(&s, "run"), &f, &err);
    cr_expect(strstr(err.frame[0], "records.jsonl:2"), "%s", err.frame[0]);
    free(bytes);
    scratch_remove(&s);
}

Test(run_folder, refuses_a_second_writer_and_tells_its_process)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *first = NULL, *second = NULL;
    char pid[40];
    (void)snprintf(pid, sizeof pid, "is in use by process %ld", (long)getpid());
    cr_assert_eq(create(in(&s, "run"), &first, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_run_folder_append(first, record_of(0, 0), &err), ASSAY_OK);
    cr_expect_eq(assay_run_folder_resume(in(&s, "run"), NULL, &second, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, pid), "%s", err.message);
    cr_expect_eq(assay_run_folder_read(in(&s, "run"), &second, &err), ASSAY_OK, "reading needs no lock");
    cr_expect_eq(count(second), 1u);
    assay_run_folder_close(second);
    assay_run_folder_close(first);
    cr_expect_eq(assay_run_folder_resume(in(&s, "run"), NULL, &second, &err), ASSAY_OK,
                 "the lock went with the writer");
    assay_run_folder_close(second);
    scratch_remove(&s);
}

Test(run_folder, goes_on_only_with_the_same_plan_and_says_what_differs)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    json_t *same = plan_of(1), *other = plan_of(2), *shorter = plan_of(1), *renamed = plan_of(1);
    make_run(&s, 2);
    cr_expect_eq(assay_run_folder_resume(in(&s, "run"), same, &f, &err), ASSAY_OK, "%s", err.message);
    assay_run_folder_close(f);
    cr_expect_eq(assay_run_folder_resume(in(&s, "run"), other, &f, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "'seed' was 1 and is 2 now"), "%s", err.message);
    json_array_remove(json_object_get(shorter, "cases"), 1);
    cr_expect_eq(assay_run_folder_resume(in(&s, "run"), shorter, &f, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "'cases' had 2 entries and has 1 now"), "%s", err.message);
    json_object_set_new(json_array_get(json_object_get(renamed, "cases"), 1), "case", json_string("\x1b[2J\n"));
    cr_expect_eq(assay_run_folder_resume(in(&s, "run"), renamed, &f, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "'cases.1.case' was \"gemm/k=1\" and is"), "%s", err.message);
    cr_expect_not(strpbrk(err.message, "\n\x1b"));
    json_object_set_new(same, "backends", json_pack("[s]", "cpu"));
    cr_expect_eq(assay_run_folder_resume(in(&s, "run"), same, &f, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "'backends' was absent and is [\"cpu\"] now"), "%s", err.message);
    json_decref(same), json_decref(other), json_decref(shorter), json_decref(renamed);
    scratch_remove(&s);
}

Test(run_folder, is_created_only_where_nothing_is_lost)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    make_run(&s, 1);
    cr_expect_eq(create(in(&s, "run"), &f, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "holds a run already") && strstr(err.hint, "--resume"), "%s", err.message);
    cr_expect_eq(create(s.path, &f, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "is not empty: it holds 'run'"), "%s", err.message);
    cr_expect_neq(access(in(&s, "lock"), F_OK), 0, "nothing is left in a folder that is not ours");
    put_bytes(in(&s, "file"), "x", 1);
    cr_expect_eq(create(in(&s, "file"), &f, &err), ASSAY_IO);
    cr_expect_eq(create(in(&s, "file/run"), &f, &err), ASSAY_IO);
    cr_expect(strstr(err.message, "Not a directory"), "%s", err.message);
    cr_expect_eq(create("/proc/assay-run", &f, &err), ASSAY_IO, "a folder where nobody may write");
    cr_expect_eq(assay_run_folder_read(in(&s, "nothing"), &f, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_run_folder_resume(in(&s, "nothing"), NULL, &f, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "there is no run folder"), "%s", err.message);
    cr_expect_eq(assay_run_folder_resume(s.path, NULL, &f, &err), ASSAY_CONFIG);
    cr_expect_neq(access(in(&s, "lock"), F_OK), 0);
    scratch_remove(&s);
}

static void set_limit(rlim_t bytes)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The limit on file sizes stands for a disk that fills up at any byte. */
Test(run_folder, stays_readable_when_an_append_fails_at_any_byte, .timeout = 120)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL, *reader = NULL;
    struct stat st;
    size_t failures = 0;
    cr_assert_eq(create(in(&s, "run"), &f, &err), ASSAY_OK, "%s", err.message);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(stat(in(&s, "run/records.jsonl"), &st), 0);
        rlim_t full = (rlim_t)st.st_size;
        for (;; full += 7) {
            set_limit(full);
            enum assay_code code = assay_run_folder_append(f, record_of(i, 0), &err);
            set_limit(RLIM_INFINITY);
            if (code == ASSAY_OK)
                break;
            failures++;
            cr_expect(code == ASSAY_IO && strstr(err.message, "records.jsonl"), "%s", err.message);
            cr_assert_eq(assay_run_folder_read(in(&s, "run"), &reader, &err), ASSAY_OK, "%s", err.message);
            cr_expect(count(reader) == i && !assay_run_folder_torn(reader), "the file was cut back");
            assay_run_folder_close(reader);
        }
        cr_expect_eq(count(f), i + 1);
    }
    cr_expect_gt(failures, 100u);
    assay_run_folder_close(f);
    cr_assert_eq(assay_run_folder_read(in(&s, "run"), &reader, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(count(reader), 3u);
    assay_run_folder_close(reader);
    scratch_remove(&s);
}

Test(run_folder, says_that_a_disk_is_full_and_keeps_what_is_on_it, .timeout = 60)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    unsigned n = 0;
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || /* goes with this process */
        mount("tmpfs", s.path, "tmpfs", 0, "size=64k")) {
        scratch_remove(&s);
        cr_skip_test("mounting a small disk is not permitted here");
    }
    cr_assert_eq(create(in(&s, "run"), &f, &err), ASSAY_OK, "%s", err.message);
    while (n < 1000 && assay_run_folder_append(f, record_of(n, 0), &err) == ASSAY_OK)
        n++;
    cr_expect(n > 10 && n < 1000 && err.sys_errno == ENOSPC, "%u records, then %s", n, err.message);
    cr_expect(strstr(err.message, "No space left on device"), "%s", err.message);
    assay_run_folder_log(f, "a line that finds no room");
    assay_run_folder_close(f);
    cr_expect_eq(assay_run_folder_read(in(&s, "run"), &f, &err), ASSAY_OK, "%s", err.message);
    cr_expect(count(f) == n && !assay_run_folder_torn(f));
    assay_run_folder_close(f);
    cr_expect_eq(umount(s.path), 0);
    scratch_remove(&s);
}

Test(run_folder, can_be_created_again_after_a_creation_that_failed_anywhere)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    enum assay_code code = ASSAY_IO;
    for (rlim_t limit = 0; code != ASSAY_OK; limit++) {
        cr_assert_lt(limit, 1000u);
        set_limit(limit);
        code = create(in(&s, "run"), &f, &err);
        set_limit(RLIM_INFINITY);
        cr_expect(code == ASSAY_OK || code == ASSAY_IO, "%s", err.message);
    }
    assay_run_folder_close(f);
    scratch_remove(&s);

    s = scratch_new(); /* what a kill leaves behind */
    put_bytes(in(&s, "lock"), "99\n", 3);
    put_bytes(in(&s, "plan.json"), "{", 1);
    put_bytes(in(&s, "manifest.json.12-0.tmp"), "{", 1);
    cr_expect_eq(create(s.path, &f, &err), ASSAY_OK, "%s", err.message);
    assay_run_folder_close(f);
    scratch_remove(&s);
}

Test(run_folder, keeps_every_acknowledged_record_of_a_killed_writer, .timeout = 120)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    size_t acknowledged = 0;
    make_run(&s, 0);
    for (unsigned round = 0; round < 10; round++) {
        int ends[2];
        cr_assert_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            if (assay_run_folder_resume(in(&s, "run"), NULL, &f, &err))
                _exit(1);
            for (unsigned i = (unsigned)count(f);; i++)
                if (assay_run_folder_append(f, record_of(i, 0), &err) || write(ends[1], "x", 1) != 1)
                    _exit(2);
        }
        (void)close(ends[1]);
        char byte;
        for (unsigned i = 0; i < 1 + round % 4; i++, acknowledged++)
            cr_assert_eq(read(ends[0], &byte, 1), 1);
        (void)usleep(200 * round);
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        while (read(ends[0], &byte, 1) == 1)
            acknowledged++;
        (void)close(ends[0]);
        cr_assert_eq(assay_run_folder_resume(in(&s, "run"), NULL, &f, &err), ASSAY_OK, "%s", err.message);
        cr_assert(count(f) == acknowledged || count(f) == acknowledged + 1, "%zu of %zu", count(f), acknowledged);
        acknowledged = count(f); /* one may have been synced and not told */
        assay_run_folder_close(f);
    }
    scratch_remove(&s);
}

Test(run_folder, changes_nothing_when_it_only_reads)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    struct stat before, after, folder_before, folder_after;
    size_t n;
    make_run(&s, 3);
    char *bytes = get_bytes(in(&s, "run/records.jsonl"), &n);
    put_bytes(in(&s, "run/records.jsonl"), bytes, n - 5);
    cr_assert(!unlink(in(&s, "run/lock")) && !stat(in(&s, "run/records.jsonl"), &before));
    cr_assert_eq(stat(in(&s, "run"), &folder_before), 0);
    cr_assert_eq(assay_run_folder_read(in(&s, "run"), &f, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(count(f), 2u);
    assay_run_folder_log(f, "unheard");
    assay_run_folder_close(f);
    cr_assert(!stat(in(&s, "run/records.jsonl"), &after) && !stat(in(&s, "run"), &folder_after));
    cr_expect_eq(before.st_size, after.st_size);
    cr_expect_eq(memcmp(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim), 0);
    cr_expect_eq(memcmp(&folder_before.st_mtim, &folder_after.st_mtim, sizeof folder_before.st_mtim), 0);
    free(bytes);
    scratch_remove(&s);
}

Test(run_folder, says_which_file_of_a_malformed_folder_is_wrong)
{
    static const struct {
        char name[16], content[32], says[48];
    } rows[] = {
        {"plan.json", "{\"a\":1,}", "plan.json:1:"},       {"plan.json", "[]", "plan.json: must be an object"},
        {"manifest.json", "", "manifest.json:1:"},         {"manifest.json", "{\"a\":1,\"a\":2}", "manifest.json:1:"},
        {"records.jsonl", "{}\n{}\n", "records.jsonl:1:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scratch s = scratch_new();
        struct assay_error err = {0};
        struct assay_run_folder *f = NULL;
        char path[128];
        make_run(&s, 1);
        (void)snprintf(path, sizeof path, "%s/run/%.15s", s.path, rows[i].name);
        put_bytes(path, rows[i].content, strlen(rows[i].content));
        cr_expect_eq(assay_run_folder_read(in(&s, "run"), &f, &err), ASSAY_DATA);
        cr_expect(strstr(err.message, rows[i].says), "row %zu: %s", i, err.message);
        (void)unlink(path);
        cr_expect_neq(assay_run_folder_read(in(&s, "run"), &f, &err), ASSAY_OK);
        scratch_remove(&s);
    }
}

Test(run_folder, survives_records_with_hostile_strings)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    struct assay_record r = *record_of(0, 0);
    const struct assay_record *kept;
    size_t n;
    (void)snprintf(r.backend, sizeof r.backend, "\xff\xfe\"}\n{\"sha256\":\"");
    (void)snprintf(r.reason, sizeof r.reason, ",\"sha256\":\"%064d\"}\n", 0);
    cr_assert_eq(create(in(&s, "run"), &f, &err), ASSAY_OK);
    cr_assert_eq(assay_run_folder_append(f, &r, &err), ASSAY_OK, "%s", err.message);
    kept = assay_run_folder_records(f, &n);
    cr_expect(assay_run_folder_has(f, r.id, kept->backend, 0));
    cr_expect_eq(assay_run_folder_append(f, &r, &err), ASSAY_INTERNAL, "the same record again");
    r.id[3] = '\n';
    cr_expect_eq(assay_run_folder_append(f, &r, &err), ASSAY_DATA, "what cannot be read back is not written");
    assay_run_folder_close(f);
    cr_assert_eq(assay_run_folder_read(in(&s, "run"), &f, &err), ASSAY_OK, "%s", err.message);
    kept = assay_run_folder_records(f, &n);
    cr_assert_eq(n, 1u);
    cr_expect_str_eq(kept->reason, r.reason);
    cr_expect_str_eq(kept->backend, "\xef\xbf\xbd\xef\xbf\xbd\"}\n{\"sha256\":\"");
    assay_run_folder_close(f);
    scratch_remove(&s);
}

Test(run_folder, gives_every_launch_a_file_of_its_own_with_a_safe_name)
{
    static const char names[][160] = {
        "cpu",
        "cpu:host",
        "cpu_host",
        "CPU",
        "/etc/passwd",
        "../..",
        "a,b=\"\n\"",
        "cpu:host,threads=2",
        "cpu:host,threads=22",
        "a very long name a very long name a very long name a very long name a very long name a very long name 1",
        "a very long name a very long name a very long name a very long name a very long name a very long name 2"};
    enum { N = sizeof names / sizeof names[0] };
    char out[N + 1][160];
    for (size_t i = 0; i < N; i++) {
        assay_run_folder_file("witness", "0123456789abcdef", names[i], UINT32_MAX, out[i]);
        cr_expect_eq(strncmp(out[i], "witness/0123456789abcdef.", 25), 0);
        cr_expect_eq(strspn(out[i] + 25, "abcdefghijklmnopqrstuvwxyz0123456789-_=."), strlen(out[i] + 25), "%s",
                     out[i]);
        cr_expect_null(strstr(out[i], ".."));
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(out[i], out[j]);
    }
    cr_expect_str_eq(out[0], "witness/0123456789abcdef.cpu.4294967295.bin");
    assay_run_folder_file("samples", "../../../../x", "cpu", 0, out[N]);
    cr_expect_null(strstr(out[N], ".."));
}

Test(run_folder, logs_one_line_whatever_is_said)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    size_t n, lines = 0;
    cr_assert_eq(create(in(&s, "run"), &f, &err), ASSAY_OK);
    assay_run_folder_log(f, "%s", "a\nb\x1b[31m");
    char longest[4096];
    memset(longest, '\x01', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assay_run_folder_log(f, "%s", longest);
    assay_run_folder_close(f);
    char *log = get_bytes(in(&s, "run/log.txt"), &n);
    for (size_t i = 0; i < n; i++)
        lines += log[i] == '\n';
    cr_expect_eq(lines, 3u, "%s", log);
    cr_expect_eq(log[n - 1], '\n');
    cr_expect(strstr(log, "Z a\\x0ab\\x1b[31m\n"), "%s", log);
    cr_expect_not(strpbrk(log, "\x01\x1b"));
    free(log);
    scratch_remove(&s);
}

static atomic_long allocations_left = -1;

static void *failing_malloc(size_t bytes)
{
    return allocations_left >= 0 && atomic_fetch_sub(&allocations_left, 1) <= 0 ? NULL : malloc(bytes);
}

Test(run_folder, writes_nothing_when_memory_ends_in_the_middle_of_an_append, .timeout = 60)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    struct stat st;
    enum assay_code code = ASSAY_MEMORY;
    json_set_alloc_funcs(failing_malloc, free);
    cr_assert_eq(create(in(&s, "run"), &f, &err), ASSAY_OK);
    for (long n = 0; code != ASSAY_OK; n++) {
        cr_assert_lt(n, 10000);
        allocations_left = n;
        code = assay_run_folder_append(f, record_of(0, 0), &err);
        allocations_left = -1;
        cr_assert_eq(stat(in(&s, "run/records.jsonl"), &st), 0);
        cr_expect_eq(st.st_size > 0, code == ASSAY_OK, "%ld: %s", n, err.message);
        cr_expect_eq(count(f), code == ASSAY_OK ? 1u : 0u);
    }
    assay_run_folder_close(f);
    scratch_remove(&s);
}

Test(run_folder, reads_thousands_of_records, .timeout = 120)
{
    enum { N = 5000 };
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_run_folder *f = NULL;
    char before[65], hash[65];
    make_run(&s, 0);
    FILE *file = fopen(in(&s, "run/records.jsonl"), "wb");
    memset(before, '0', 64);
    before[64] = 0;
    for (unsigned i = 0; i < N; i++) {
        char *line = NULL;
        size_t length = 0;
        cr_assert_eq(assay_record_line_make(record_of(i / 5, i % 5), before, &line, &length, hash, &err), ASSAY_OK);
        cr_assert_eq(fwrite(line, 1, length, file), length);
        memcpy(before, hash, sizeof before);
        free(line);
    }
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(assay_run_folder_resume(in(&s, "run"), NULL, &f, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(count(f), (size_t)N);
    for (unsigned i = 0; i < N; i++) {
        struct assay_record *r = record_of(i / 5, i % 5);
        cr_assert(assay_run_folder_has(f, r->id, r->backend, r->launch));
        cr_assert_not(assay_run_folder_has(f, r->id, r->backend, 5));
    }
    for (unsigned i = N; i < N + 50; i++) /* past every size that memory was taken for */
        cr_assert_eq(assay_run_folder_append(f, record_of(i, 0), &err), ASSAY_OK, "%s", err.message);
    cr_expect(assay_run_folder_has(f, record_of(N + 49, 0)->id, record_of(0, 0)->backend, 0));
    assay_run_folder_close(f);
    scratch_remove(&s);
}
