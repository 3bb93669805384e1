#include "suites/data/shapes.h"

#include <math.h>

#include "harness/base/random.h"

#include "assay/banned.h"

#define SIDE ASSAY_SHAPES_SIDE
#define PI 3.14159265358979323846

/* Each is a signed distance (below zero inside) in units of the shape's size, to the point (x, y) about its middle. */
static double disc(double x, double y)
{
    return hypot(x, y) - 1;
}

static double ring(double x, double y)
{
    return fabs(hypot(x, y) - 0.8) - 0.2;
}

static double square(double x, double y)
{
    return fmax(fabs(x), fabs(y)) - 0.85;
}

static double frame(double x, double y)
{
    return fabs(fmax(fabs(x), fabs(y)) - 0.75) - 0.2;
}

static double triangle(double x, double y)
{
    return fmax(y - 0.6, fmax(0.866 * x - 0.5 * y, -0.866 * x - 0.5 * y) - 0.55);
}

static double plus(double x, double y)
{
    return fmin(fmax(fabs(x) - 0.25, fabs(y) - 1), fmax(fabs(x) - 1, fabs(y) - 0.25));
}

static double cross(double x, double y)
{
    return plus((x + y) * 0.70710678, (x - y) * 0.70710678);
}

static double bars(double x, double y)
{
    return fmax(fabs(fabs(x) - 0.6) - 0.25, fabs(y) - 0.95);
}

static const struct {
    const char *name;
    double (*distance)(double x, double y);
} shapes[ASSAY_SHAPES_CLASSES] = {{"disc", disc},   {"ring", ring}, {"square", square}, {"frame", frame},
                                  {"triangle", triangle}, {"plus", plus}, {"cross", cross},   {"bars", bars}};

const char *assay_shapes_name(int shape)
{
    return shape >= 0 && shape < ASSAY_SHAPES_CLASSES ? shapes[shape].name : "none";
}

static double between(struct assay_random *r, double low, double high)
{
    return low + (high - low) * assay_random_unit(r);
}

int assay_shapes_draw(uint64_t seed, uint64_t index, float out[SIDE * SIDE])
{
    struct assay_random r;
    assay_random_init(&r, (seed + 1) * 0xBF58476D1CE4E5B9ull ^ (index + 1) * 0x94D049BB133111EBull);
    int    shape = (int)assay_random_below(&r, ASSAY_SHAPES_CLASSES);
    double size = between(&r, 5, 8), turn = between(&r, -PI / 12, PI / 12); /* half the turn that makes a cross of a plus */
    double middle_x = between(&r, size, SIDE - size) - 0.5, middle_y = between(&r, size, SIDE - size) - 0.5;
    double dark = between(&r, -0.3, 0.3), light = dark + between(&r, 0.6, 1.4);
    for (int i = 0; i < SIDE * SIDE; i++) {
        int    column = i % SIDE, row = i / SIDE;
        double x = (column - middle_x) / size, y = (row - middle_y) / size;
        double inside = 0.5 - size * shapes[shape].distance(x * cos(turn) + y * sin(turn), y * cos(turn) - x * sin(turn));
        double share = inside < 0 ? 0 : inside > 1 ? 1 : inside; /* of the pixel that is covered, about */
        out[i] = (float)(dark + (light - dark) * share + 0.1 * assay_random_normal(&r));
    }
    return shape;
}
