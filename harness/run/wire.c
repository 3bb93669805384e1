#include "harness/run/wire.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define MOST_WAIT_NS 1000000000000ull /* at a time: what fits into poll's milliseconds */

enum assay_code assay_wire_say(int fd, json_t *message, struct assay_error *err)
{
    char *line = assay_json_line(message);
    json_decref(message);
    if (!line)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a message");
    size_t length = strlen(line), done = 0;
    line[length++] = '\n'; /* the NUL's place: the text is written by length */
    while (done < length) {
        ssize_t n = write(fd, line + done, length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int saved = errno;
            free(line);
            errno = saved;
            return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot write to the other process");
        }
        done += (size_t)n;
    }
    free(line);
    return ASSAY_OK;
}

enum assay_code assay_wire_init(struct assay_wire *wire, int fd, struct assay_error *err)
{
    *wire = (struct assay_wire){.fd = fd, .capacity = ASSAY_WIRE_LINE_BYTES};
    wire->bytes = malloc(wire->capacity);
    return wire->bytes ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a line");
}

void assay_wire_release(struct assay_wire *wire)
{
    free(wire->bytes);
    wire->bytes = NULL;
}

/* Takes the first whole line out of the buffer. */
static bool take_line(struct assay_wire *wire, json_t **out, enum assay_code *code, struct assay_error *err)
{
    char *end = memchr(wire->bytes, '\n', wire->length);
    if (!end)
        return false;
    size_t length = (size_t)(end - wire->bytes);
    *code = assay_json_parse(wire->bytes, length, "a message", out, err);
    if (*code)
        err->code = *code = ASSAY_PROTOCOL;
    else if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        *code = ASSAY_FAIL(err, ASSAY_PROTOCOL, "a message is not an object");
    }
    wire->length -= length + 1;
    memmove(wire->bytes, end + 1, wire->length);
    return true;
}

enum assay_code assay_wire_next(struct assay_wire *wire, uint64_t timeout_ns, json_t **out, struct assay_error *err)
{
    uint64_t        begin = assay_clock_now_ns();
    enum assay_code code = ASSAY_OK;
    *out = NULL;
    while (!take_line(wire, out, &code, err)) {
        if (wire->ended)
            return ASSAY_OK;
        if (wire->length == wire->capacity)
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "a message is longer than %u bytes", ASSAY_WIRE_LINE_BYTES);
        uint64_t      gone = assay_clock_now_ns() - begin, left = gone < timeout_ns ? timeout_ns - gone : 0;
        struct pollfd p = {.fd = wire->fd, .events = POLLIN};
        int           ready = poll(&p, 1, left < MOST_WAIT_NS ? (int)((left + 999999) / 1000000) : (int)(MOST_WAIT_NS / 1000000));
        if (ready < 0 && errno != EINTR)
            return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot wait for the other process");
        if (ready == 0 && assay_clock_now_ns() - begin < timeout_ns)
            continue;
        if (ready == 0)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "nothing was said for %.3f s", (double)timeout_ns / 1e9);
        if (ready < 0)
            continue;
        ssize_t n = read(wire->fd, wire->bytes + wire->length, wire->capacity - wire->length);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read from the other process");
        if (n == 0)
            wire->ended = true;
        if (n > 0)
            wire->length += (size_t)n;
    }
    return code;
}

json_t *assay_error_to_json(const struct assay_error *err)
{
    json_t *frames = json_array();
    for (uint32_t i = 0; i < err->nframes && i < ASSAY_ERROR_FRAMES; i++)
        json_array_append_new(frames, assay_json_string(err->frame[i]));
    return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "code", assay_code_name(err->code), "errno", err->sys_errno,
                     "vendor", json_integer(err->vendor), "where", assay_json_string(err->where), "message",
                     assay_json_string(err->message), "hint", assay_json_string(err->hint), "frames", frames);
}

static void copy_text(const json_t *json, const char *key, char *to, size_t capacity)
{
    const char *text = json_string_value(json_object_get(json, key));
    (void)assay_string_copy(to, capacity, text ? text : "");
}

void assay_error_from_json(const json_t *json, struct assay_error *out)
{
    const char *code = json_string_value(json_object_get(json, "code"));
    memset(out, 0, sizeof *out);
    out->code = ASSAY_PROTOCOL;
#define X(name, number, text)          \
    if (code && !strcmp(code, #name)) \
        out->code = ASSAY_##name;
    ASSAY_CODES(X)
#undef X
    if (out->code == ASSAY_OK) /* whoever says that it failed and gives this for a reason is wrong about one of the two */
        out->code = ASSAY_PROTOCOL;
    out->sys_errno = (int)json_integer_value(json_object_get(json, "errno"));
    out->vendor = json_integer_value(json_object_get(json, "vendor"));
    copy_text(json, "where", out->where, sizeof out->where);
    copy_text(json, "message", out->message, sizeof out->message);
    if (!*out->message)
        (void)assay_string_copy(out->message, sizeof out->message, assay_code_text(out->code));
    copy_text(json, "hint", out->hint, sizeof out->hint);
    const json_t *frames = json_object_get(json, "frames");
    for (size_t i = 0; i < json_array_size(frames) && i < ASSAY_ERROR_FRAMES; i++) {
        const char *text = json_string_value(json_array_get(frames, i));
        (void)assay_string_copy(out->frame[out->nframes++], sizeof out->frame[0], text ? text : "");
    }
}
