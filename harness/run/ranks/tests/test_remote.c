#include "harness/run/ranks/remote.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"

#define SOON_NS (50 * 1000000ull)

/* A rank of its own process: comes, answers that it is ready, obeys until it is told to leave. */
static void as_rank(const struct assay_remote *r, uint32_t number)
{
    struct assay_arrival mine = {.rank = number};
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_duty    duty;
    int                  fd;
    (void)snprintf(mine.host, sizeof mine.host, "node%u", number);
    if (assay_remote_join(assay_remote_address(r), assay_remote_token(r), &mine, &fd, &err) || assay_remote_duty(fd, &duty, &err))
        _exit(2);
    struct assay_order_box *box = duty.box(duty.self);
    memcpy(box->stage, "ready", 6);
    duty.done(duty.self, 6);
    for (bool ended = false;;) {
        if (!duty.next(duty.self, 20 * ASSAY_NS_PER_S, &ended))
            _exit(1);
        box->arg[3] = box->arg[0] + number;
        box->error = (struct assay_error){.code = ASSAY_OK};
        box->missed = ASSAY_RANK_NONE;
        if (box->what == ASSAY_ORDER_UPLOAD) /* gives back what it was given, the last byte first */
            box->stage[0] = box->stage[sizeof box->stage - 1];
        if (box->what == ASSAY_ORDER_EXECUTE) {
            (void)ASSAY_FAIL(&box->error, ASSAY_DEVICE, "no");
            box->missed = 1 - number;
            (void)snprintf(box->why, sizeof box->why, "it went for a walk");
        }
        bool leaves = box->what == ASSAY_ORDER_LEAVE;
        duty.done(duty.self, box->what == ASSAY_ORDER_UPLOAD ? sizeof box->stage : 0);
        if (leaves)
            break;
    }
    duty.close(duty.self);
    _exit(0);
}

static pid_t fork_rank(const struct assay_remote *r, uint32_t number)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        as_rank(r, number);
    return child;
}

static void gather(struct assay_remote *r)
{
    uint64_t begin = assay_clock_now_ns();
    while (!assay_remote_gather(r, SOON_NS))
        cr_assert_lt(assay_clock_now_ns() - begin, 10 * ASSAY_NS_PER_S);
}

static void await(struct assay_post *post, uint32_t rank)
{
    uint64_t begin = assay_clock_now_ns();
    while (!post->is_done(post->self, rank)) {
        post->rest(post->self, SOON_NS);
        cr_assert_lt(assay_clock_now_ns() - begin, 10 * ASSAY_NS_PER_S);
    }
}

static void expect_exit(pid_t child, int status)
{
    int how = -1;
    cr_assert_eq(waitpid(child, &how, 0), child);
    cr_expect(WIFEXITED(how) && WEXITSTATUS(how) == status, "status %d", how);
}

Test(remote, passes_orders_and_answers_with_their_stages, .timeout = 30)
{
    struct assay_remote *r;
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_post    post;
    pid_t                child[2];
    cr_assert_eq(assay_remote_open(2, &r, &err), ASSAY_OK, "%s", err.message);
    for (uint32_t i = 0; i < 2; i++)
        child[i] = fork_rank(r, i);
    gather(r);
    cr_expect_str_eq(assay_remote_arrival(r, 1)->host, "node1");
    assay_remote_post(r, &post);
    for (uint32_t i = 0; i < 2; i++) {
        await(&post, i);
        cr_expect_str_eq((const char *)post.box(post.self, i)->stage, "ready");
    }
    struct assay_order_box *box = post.box(post.self, 1);
    memset(box->stage, 7, sizeof box->stage);
    box->stage[sizeof box->stage - 1] = 9;
    box->what = ASSAY_ORDER_UPLOAD;
    box->arg[0] = 41;
    cr_assert_eq(post.give(post.self, 1, sizeof box->stage - 1, 1, &err), ASSAY_OK);
    await(&post, 1);
    cr_expect_eq(box->arg[3], 42);
    cr_expect_eq(box->stage[0], 9);
    cr_expect_eq(box->stage[sizeof box->stage - 2], 7);
    for (uint32_t i = 0; i < 2; i++) {
        post.box(post.self, i)->what = ASSAY_ORDER_LEAVE;
        cr_assert_eq(post.give(post.self, i, 0, 0, &err), ASSAY_OK);
        await(&post, i);
    }
    post.close(post.self);
    for (uint32_t i = 0; i < 2; i++)
        expect_exit(child[i], 0);
}

Test(remote, hears_of_the_rank_that_another_missed_and_of_one_that_died, .timeout = 30)
{
    for (int dies = 0; dies < 2; dies++) {
        struct assay_remote *r;
        struct assay_error   err = {.code = ASSAY_OK};
        struct assay_post    post;
        char                 why[ASSAY_LINK_WHY] = "";
        uint32_t             rank = 9;
        pid_t                child[2];
        cr_assert_eq(assay_remote_open(2, &r, &err), ASSAY_OK, "%s", err.message);
        for (uint32_t i = 0; i < 2; i++)
            child[i] = fork_rank(r, i);
        gather(r);
        assay_remote_post(r, &post);
        for (uint32_t i = 0; i < 2; i++)
            await(&post, i);
        cr_expect_not(post.lost(post.self, &rank, why));
        if (dies) {
            (void)kill(child[1], SIGKILL);
            (void)waitpid(child[1], NULL, 0);
        } else {
            post.box(post.self, 0)->what = ASSAY_ORDER_EXECUTE;
            cr_assert_eq(post.give(post.self, 0, 0, 0, &err), ASSAY_OK);
            await(&post, 0);
            cr_expect_eq(post.box(post.self, 0)->error.code, ASSAY_DEVICE);
        }
        cr_expect(post.lost(post.self, &rank, why) && rank == 1, "rank %u", rank);
        cr_expect_str_eq(why, dies ? "its process is gone" : "it went for a walk");
        post.close(post.self); /* and ranks whose leader is gone end */
        expect_exit(child[0], 1);
        if (!dies)
            expect_exit(child[1], 1);
    }
}

/* Sends `bytes` to whoever listens there; true: it was sent away. */
static bool is_sent_away(struct assay_remote *r, const void *data, size_t bytes)
{
    struct assay_error err = {.code = ASSAY_OK};
    const char        *colon = strrchr(assay_remote_address(r), ':');
    int                fd = -1;
    char               byte;
    cr_assert_eq(assay_socket_connect("127.0.0.1", (uint16_t)strtol(colon + 1, NULL, 10), ASSAY_NS_PER_S, &fd, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_socket_send(fd, data, bytes, ASSAY_NS_PER_S, &err), ASSAY_OK);
    (void)shutdown(fd, SHUT_WR);
    (void)assay_remote_gather(r, SOON_NS);
    bool away = assay_socket_receive(fd, &byte, 1, ASSAY_NS_PER_S, &err) == ASSAY_IO;
    (void)close(fd);
    return away;
}

Test(remote, sends_away_who_does_not_show_the_word, .timeout = 30)
{
    struct assay_remote *r;
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_arrival a = {.rank = 0};
    int                  fd;
    cr_assert_eq(assay_remote_open(2, &r, &err), ASSAY_OK, "%s", err.message);
    cr_expect(is_sent_away(r, "GET / HTTP/1.1\r\n\r\n", 18));
    memset(&a, 0xFF, sizeof a);
    cr_expect(is_sent_away(r, &a, sizeof a));
    char word[ASSAY_TOKEN_BYTES];
    memcpy(word, assay_remote_token(r), sizeof word);
    word[31] = word[31] == '0' ? '1' : '0';
    a = (struct assay_arrival){.rank = 0};
    cr_expect_eq(assay_remote_join(assay_remote_address(r), word, &a, &fd, &err), ASSAY_OK, "%s", err.message);
    cr_expect_not(assay_remote_gather(r, SOON_NS));
    cr_expect_not(assay_remote_has(r, 0), "another word");
    (void)close(fd);
    static const uint32_t number[] = {2, 1, 1}; /* there is none; one; it is taken */
    for (int i = 0; i < 3; i++) {
        char byte;
        a = (struct assay_arrival){.rank = number[i]};
        cr_expect_eq(assay_remote_join(assay_remote_address(r), assay_remote_token(r), &a, &fd, &err), ASSAY_OK);
        cr_expect_not(assay_remote_gather(r, SOON_NS));
        cr_expect_eq(assay_remote_has(r, 1), i > 0);
        cr_expect_eq(assay_socket_receive(fd, &byte, 1, SOON_NS, &err), i == 1 ? ASSAY_TIMEOUT : ASSAY_IO, "%d: %s", i, err.message);
    }
    assay_remote_close(r);
}

Test(remote, does_not_believe_an_answer_that_is_none, .timeout = 30)
{
    struct assay_remote *r;
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_arrival a = {.rank = 0};
    struct assay_post    post;
    static unsigned char garbage[8192];
    uint32_t             rank = 9;
    char                 why[ASSAY_LINK_WHY];
    int                  fd;
    cr_assert_eq(assay_remote_open(1, &r, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_remote_join(assay_remote_address(r), assay_remote_token(r), &a, &fd, &err), ASSAY_OK);
    gather(r);
    assay_remote_post(r, &post);
    memset(garbage, 0xA5, sizeof garbage);
    cr_assert_eq(assay_socket_send(fd, garbage, sizeof garbage, ASSAY_NS_PER_S, &err), ASSAY_OK);
    uint64_t begin = assay_clock_now_ns();
    while (!post.lost(post.self, &rank, why) && assay_clock_now_ns() - begin < 5 * ASSAY_NS_PER_S)
        post.rest(post.self, SOON_NS);
    cr_expect_eq(rank, 0);
    cr_expect_str_eq(why, "its answer is none");
    post.close(post.self);
    (void)close(fd);
}

Test(remote, refuses_what_is_no_address)
{
    static const char *const wrong[] = {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", ":"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct assay_error   err = {.code = ASSAY_OK};
        struct assay_arrival a = {.rank = 0};
        int                  fd;
        cr_expect_eq(assay_remote_join(wrong[i], "0123456789abcdef0123456789abcdef", &a, &fd, &err), ASSAY_CONFIG, "'%s'", wrong[i]);
    }
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_arrival a = {.rank = 0};
    int                  fd;
    cr_expect_eq(assay_remote_join("127.0.0.1:9", "short", &a, &fd, &err), ASSAY_CONFIG);
}
