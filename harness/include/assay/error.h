/* One error object for the whole program, told once, with the path that led to it.
 *
 * Fallible functions return enum assay_code (ASSAY_OK is 0) and take a `struct assay_error *err` last,
 * never NULL. The place that knows decides with ASSAY_FAIL; callers only add where they were with
 * assay_error_in. Outputs are written only on success. The object is plain fixed-size data: it works out
 * of memory and crosses the plug-in line. Everything here is header-only, so a plug-in links nothing. */
#ifndef ASSAY_ERROR_H
#define ASSAY_ERROR_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Numbers cross the plug-in line: rows are only ever appended. */
#define ASSAY_CODES(X)                                                     \
    X(OK, 0, "ok")                                                         \
    X(CONFIG, 1, "configuration or usage is wrong")                        \
    X(DATA, 2, "a file's content is malformed")                            \
    X(IO, 3, "reading or writing failed")                                  \
    X(MEMORY, 4, "out of memory")                                          \
    X(UNSUPPORTED, 5, "not supported")                                     \
    X(UNAVAILABLE, 6, "a device or library is not there")                  \
    X(TIMEOUT, 7, "took too long")                                         \
    X(DEVICE, 8, "the device or its driver failed")                        \
    X(PROTOCOL, 9, "the other side broke the agreement")                   \
    X(INTERRUPTED, 10, "stopped on request")                               \
    X(INTERNAL, 11, "a bug in assay")

enum assay_code {
#define X(name, number, text) ASSAY_##name = number,
    ASSAY_CODES(X)
#undef X
};

#define ASSAY_ERROR_FRAMES 6

struct assay_error {
    enum assay_code code;
    int             sys_errno; /* errno of a failed system call, else 0 */
    int64_t         vendor;    /* the driver's own number, else 0 */
    char            where[48]; /* file:line of the place that decided */
    char            message[256];
    char            hint[200]; /* what to try; empty if there is nothing to say */
    uint32_t        nframes;
    char            frame[ASSAY_ERROR_FRAMES][128]; /* what we were doing, innermost first */
};

static inline const char *assay_code_name(enum assay_code code)
{
    switch (code) {
#define X(name, number, text) \
    case ASSAY_##name: return #name;
        ASSAY_CODES(X)
#undef X
    }
    return "UNKNOWN";
}

static inline const char *assay_code_text(enum assay_code code)
{
    switch (code) {
#define X(name, number, text) \
    case ASSAY_##name: return text;
        ASSAY_CODES(X)
#undef X
    }
    return "unknown code";
}

#if defined(__GNUC__)
#define ASSAY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define ASSAY_PRINTF(fmt, args)
#endif

/* Decides what the error is; everything that stood in *err before is replaced. Returns code. */
ASSAY_PRINTF(4, 5)
static inline enum assay_code assay_error_set(struct assay_error *err, enum assay_code code, const char *where,
                                              const char *fmt, ...)
{
    va_list     args;
    const char *base = strrchr(where, '/');
    memset(err, 0, sizeof *err);
    err->code = code;
    (void)snprintf(err->where, sizeof err->where, "%s", base ? base + 1 : where);
    va_start(args, fmt);
    (void)vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    return code;
}

/* Adds "what we were doing"; keeps the first cause. Frames beyond ASSAY_ERROR_FRAMES are dropped. Returns the code. */
ASSAY_PRINTF(2, 3)
static inline enum assay_code assay_error_in(struct assay_error *err, const char *fmt, ...)
{
    va_list args;
    if (err->nframes < ASSAY_ERROR_FRAMES) {
        va_start(args, fmt);
        (void)vsnprintf(err->frame[err->nframes], sizeof err->frame[0], fmt, args);
        va_end(args);
        err->nframes++;
    }
    return err->code;
}

/* Adds advice. Returns the code. */
ASSAY_PRINTF(2, 3)
static inline enum assay_code assay_error_hint(struct assay_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err->hint, sizeof err->hint, fmt, args);
    va_end(args);
    return err->code;
}

/* As assay_error_set, with errno's text appended. `saved` is the errno value to report. */
ASSAY_PRINTF(5, 6)
static inline enum assay_code assay_error_sys(struct assay_error *err, enum assay_code code, const char *where,
                                              int saved, const char *fmt, ...)
{
    va_list args;
    char    text[200];
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)assay_error_set(err, code, where, "%s: %s", text, strerror(saved));
    err->sys_errno = saved;
    return code;
}

#define ASSAY_STRING_(x) #x
#define ASSAY_STRING(x) ASSAY_STRING_(x)
#define ASSAY_HERE __FILE__ ":" ASSAY_STRING(__LINE__)

/* The code again, in plain sight: a compiler or an analyser that does not look into variadic functions still sees that
 * whoever fails returns what it said, and never OK. */
static inline enum assay_code assay_error_has(struct assay_error *err, enum assay_code code)
{
    err->code = code;
    return code;
}

/* Both use `err` and `code` twice.
 * return ASSAY_FAIL(err, ASSAY_CONFIG, "batch must be positive, got %d", batch); */
#define ASSAY_FAIL(err, code, ...) \
    ((void)assay_error_set((err), (code), ASSAY_HERE, __VA_ARGS__), assay_error_has((err), (code)))
/* return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%s'", path); */
#define ASSAY_FAIL_ERRNO(err, code, ...) \
    ((void)assay_error_sys((err), (code), ASSAY_HERE, errno, __VA_ARGS__), assay_error_has((err), (code)))

#endif
