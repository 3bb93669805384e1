/* Element by element. What is said of an op is its definition. */
#include "harness/ir/onnx/spell.h"

#include <math.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

#define PUT ASSAY_ONNX_PUT
#define GIVE ASSAY_ONNX_GIVE
#define HALF_PI 1.5707963267948966

static int32_t number(struct assay_onnx_spelling *s, double value)
{
    return assay_onnx_scalar(s, s->x.dtype, value);
}

static int32_t x_of(const struct assay_onnx_spelling *s)
{
    return assay_onnx_in(s, 0);
}

/* ---- activations ---- */

/* x below 0: x times slope */
static enum assay_code p_relu(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), below = PUT(s, "Less", x, number(s, 0));
    return GIVE(s, "Where", below, PUT(s, "Mul", x, assay_onnx_in(s, 1)), x);
}

static enum assay_code leaky_relu(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), below = PUT(s, "Less", x, number(s, 0));
    return GIVE(s, "Where", below, PUT(s, "Mul", x, number(s, assay_onnx_f64(s, "alpha", 0.01))), x);
}

/* x above alpha: x, else 0 */
static enum assay_code thresholded_relu(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), above = PUT(s, "Greater", x, number(s, assay_onnx_f64(s, "alpha", 1)));
    return GIVE(s, "Where", above, x, number(s, 0));
}

/* alpha (e^(x / over) - 1) where x is below 0; of what is above, as of 0 */
static int32_t bent(struct assay_onnx_spelling *s, double alpha, double over)
{
    int32_t low = PUT(s, "Min", x_of(s), number(s, 0));
    if (over != 1)
        low = PUT(s, "Div", low, number(s, over));
    return PUT(s, "Mul", PUT(s, "Sub", PUT(s, "Exp", low), number(s, 1)), number(s, alpha));
}

static enum assay_code elu(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Add", PUT(s, "Max", x_of(s), number(s, 0)), bent(s, assay_onnx_f64(s, "alpha", 1), 1));
}

static enum assay_code celu(struct assay_onnx_spelling *s)
{
    double alpha = assay_onnx_f64(s, "alpha", 1);
    return GIVE(s, "Add", PUT(s, "Max", x_of(s), number(s, 0)), bent(s, alpha, alpha));
}

static enum assay_code selu(struct assay_onnx_spelling *s)
{
    int32_t low = bent(s, assay_onnx_f64(s, "alpha", 1.67326319217681884765625), 1);
    int32_t y = PUT(s, "Add", PUT(s, "Max", x_of(s), number(s, 0)), low);
    return GIVE(s, "Mul", y, number(s, assay_onnx_f64(s, "gamma", 1.05070102214813232421875)));
}

static int32_t ramp(struct assay_onnx_spelling *s, double alpha, double beta)
{
    return PUT(s, "Clip", PUT(s, "Add", PUT(s, "Mul", x_of(s), number(s, alpha)), number(s, beta)), number(s, 0), number(s, 1));
}

/* alpha x + beta between 0 and 1 */
static enum assay_code hard_sigmoid(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Identity", ramp(s, assay_onnx_f64(s, "alpha", 0.2), assay_onnx_f64(s, "beta", 0.5)));
}

static enum assay_code hard_swish(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Mul", x_of(s), ramp(s, 1.0 / 6, 0.5));
}

/* log(1 + e^-|x|), which overflows nowhere */
static int32_t rest_of_softplus(struct assay_onnx_spelling *s)
{
    int32_t e = PUT(s, "Exp", PUT(s, "Neg", PUT(s, "Abs", x_of(s))));
    return PUT(s, "Log", PUT(s, "Add", e, number(s, 1)));
}

/* log(1 + e^x) */
static enum assay_code softplus(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Add", PUT(s, "Max", x_of(s), number(s, 0)), rest_of_softplus(s));
}

static enum assay_code mish(struct assay_onnx_spelling *s)
{
    int32_t plus = PUT(s, "Add", PUT(s, "Max", x_of(s), number(s, 0)), rest_of_softplus(s));
    return GIVE(s, "Mul", x_of(s), PUT(s, "Tanh", plus));
}

/* x / (1 + |x|) */
static enum assay_code softsign(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Div", x_of(s), PUT(s, "Add", PUT(s, "Abs", x_of(s)), number(s, 1)));
}

/* x below -lambd: x + bias; above lambd: x - bias; else 0 */
static enum assay_code shrink(struct assay_onnx_spelling *s)
{
    double  bias = assay_onnx_f64(s, "bias", 0), lambd = assay_onnx_f64(s, "lambd", 0.5);
    int32_t x = x_of(s), low = PUT(s, "Less", x, number(s, -lambd)), high = PUT(s, "Greater", x, number(s, lambd));
    int32_t upper = PUT(s, "Where", high, PUT(s, "Sub", x, number(s, bias)), number(s, 0));
    return GIVE(s, "Where", low, PUT(s, "Add", x, number(s, bias)), upper);
}

/* ---- functions ---- */

static enum assay_code tangent(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Div", PUT(s, "Sin", x_of(s)), PUT(s, "Cos", x_of(s)));
}

/* (e^x ∓ e^-x) / 2 */
static enum assay_code hyperbolic(struct assay_onnx_spelling *s, const char *op)
{
    int32_t up = PUT(s, "Exp", x_of(s)), down = PUT(s, "Exp", PUT(s, "Neg", x_of(s)));
    return GIVE(s, "Mul", PUT(s, op, up, down), number(s, 0.5));
}

static enum assay_code sinh_of(struct assay_onnx_spelling *s)
{
    return hyperbolic(s, "Sub");
}

static enum assay_code cosh_of(struct assay_onnx_spelling *s)
{
    return hyperbolic(s, "Add");
}

/* log(|x| + √(x² + 1)) with the sign of x */
static enum assay_code asinh_of(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), size = PUT(s, "Abs", x);
    int32_t root = PUT(s, "Sqrt", PUT(s, "Add", PUT(s, "Mul", x, x), number(s, 1)));
    return GIVE(s, "Mul", PUT(s, "Sign", x), PUT(s, "Log", PUT(s, "Add", size, root)));
}

/* log(x + √(x² - 1)) */
static enum assay_code acosh_of(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), root = PUT(s, "Sqrt", PUT(s, "Sub", PUT(s, "Mul", x, x), number(s, 1)));
    return GIVE(s, "Log", PUT(s, "Add", x, root));
}

/* log((1 + x) / (1 - x)) / 2 */
static enum assay_code atanh_of(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), one = number(s, 1);
    int32_t q = PUT(s, "Div", PUT(s, "Add", one, x), PUT(s, "Sub", one, x));
    return GIVE(s, "Mul", PUT(s, "Log", q), number(s, 0.5));
}

/* The angle whose tangent is t >= 0: twice that of t / (1 + √(1 + t²)), four times over, of which a series does. After two
 * halvings |t| is at most tan(π/8); a third makes it 0.2, where the term that is left out, t¹³/13, is below 10⁻¹⁰. */
static int32_t angle(struct assay_onnx_spelling *s, int32_t t)
{
    int32_t one = number(s, 1);
    for (int halving = 0; halving < 3; halving++)
        t = PUT(s, "Div", t, PUT(s, "Add", one, PUT(s, "Sqrt", PUT(s, "Add", one, PUT(s, "Mul", t, t)))));
    int32_t square = PUT(s, "Mul", t, t), sum = number(s, -1.0 / 11);
    for (int k = 9; k >= 1; k -= 2)
        sum = PUT(s, "Add", PUT(s, "Mul", sum, square), number(s, (k % 4 == 1 ? 1.0 : -1.0) / k));
    return PUT(s, "Mul", PUT(s, "Mul", t, sum), number(s, 8));
}

static enum assay_code atan_of(struct assay_onnx_spelling *s)
{
    int32_t size = PUT(s, "Abs", x_of(s)), large = PUT(s, "Greater", size, number(s, 1));
    int32_t t = PUT(s, "Where", large, PUT(s, "Reciprocal", size), size), a = angle(s, t);
    int32_t folded = PUT(s, "Where", large, PUT(s, "Sub", number(s, HALF_PI), a), a);
    return GIVE(s, "Where", PUT(s, "Less", x_of(s), number(s, 0)), PUT(s, "Neg", folded), folded);
}

/* Of |x|: twice the angle of |x| / (1 + √(1 - x²)); 1 - x² as (1 - x)(1 + x), which loses nothing near 1 */
static enum assay_code asin_of(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), size = PUT(s, "Abs", x), one = number(s, 1);
    int32_t root = PUT(s, "Sqrt", PUT(s, "Mul", PUT(s, "Sub", one, size), PUT(s, "Add", one, size)));
    int32_t a = PUT(s, "Mul", angle(s, PUT(s, "Div", size, PUT(s, "Add", one, root))), number(s, 2));
    return GIVE(s, "Where", PUT(s, "Less", x, number(s, 0)), PUT(s, "Neg", a), a);
}

/* Of |x|: twice the angle of √((1 - x) / (1 + x)); of -|x| what is left to π */
static enum assay_code acos_of(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), size = PUT(s, "Abs", x), one = number(s, 1);
    int32_t q = PUT(s, "Div", PUT(s, "Sub", one, size), PUT(s, "Add", one, size));
    int32_t a = PUT(s, "Mul", angle(s, PUT(s, "Sqrt", q)), number(s, 2));
    return GIVE(s, "Where", PUT(s, "Less", x, number(s, 0)), PUT(s, "Sub", number(s, 2 * HALF_PI), a), a);
}

/* ---- whole numbers ---- */

/* From here on, or below minus this, every number of the type is whole. */
static double all_whole(enum assay_dtype dtype)
{
    return dtype == ASSAY_F64 ? 0x1p52 : dtype == ASSAY_F32 ? 0x1p23 : dtype == ASSAY_F16 ? 0x1p10 : 0x1p7;
}

/* The whole number that x is cut to, x itself where it is whole anyway or no number. */
static int32_t whole(struct assay_onnx_spelling *s, int32_t x)
{
    enum assay_dtype dtype = assay_onnx_seen(s, x).dtype;
    int32_t          cut = assay_onnx_cast(s, assay_onnx_cast(s, x, ASSAY_I64), dtype);
    return PUT(s, "Where", PUT(s, "Less", PUT(s, "Abs", x), assay_onnx_scalar(s, dtype, all_whole(dtype))), cut, x);
}

static int32_t floor_of(struct assay_onnx_spelling *s, int32_t x)
{
    int32_t cut = whole(s, x);
    return PUT(s, "Where", PUT(s, "Less", x, cut), PUT(s, "Sub", cut, number(s, 1)), cut);
}

static enum assay_code floor_op(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Identity", floor_of(s, x_of(s)));
}

static enum assay_code ceil_op(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), cut = whole(s, x);
    return GIVE(s, "Where", PUT(s, "Greater", x, cut), PUT(s, "Add", cut, number(s, 1)), cut);
}

/* What is left of x when y is taken away as often as it fits. Of floats, and of whole numbers with fmod, with the sign of x; else with
 * that of y. Whole numbers in int64, floats narrower than f32 in f32: the number of times must be whole in them. */
static enum assay_code mod(struct assay_onnx_spelling *s)
{
    enum assay_dtype dtype = s->x.dtype;
    bool             is_float = assay_dtype_is_float(dtype), by_x = assay_onnx_i64(s, "fmod", 0) != 0;
    enum assay_dtype in = !is_float ? ASSAY_I64 : dtype == ASSAY_F64 ? ASSAY_F64 : ASSAY_F32;
    if (is_float && !by_x)
        return assay_onnx_not_spelled(s, "is of floats and has no fmod");
    int32_t x = assay_onnx_cast(s, x_of(s), in), y = assay_onnx_cast(s, assay_onnx_in(s, 1), in), times = PUT(s, "Div", x, y);
    int32_t zero = assay_onnx_scalar(s, in, 0);
    if (is_float)
        times = whole(s, times);
    int32_t left = PUT(s, "Sub", x, PUT(s, "Mul", times, y));
    if (!by_x) {
        int32_t same = PUT(s, "Equal", PUT(s, "Less", left, zero), PUT(s, "Less", y, zero));
        int32_t other = PUT(s, "And", PUT(s, "Not", same), PUT(s, "Not", PUT(s, "Equal", left, zero)));
        left = PUT(s, "Where", other, PUT(s, "Add", left, y), left);
    }
    return GIVE(s, "Identity", assay_onnx_cast(s, left, dtype));
}

/* To the nearest, of two the even one. */
static enum assay_code round_op(struct assay_onnx_spelling *s)
{
    int32_t x = x_of(s), low = floor_of(s, x), over = PUT(s, "Sub", x, low), half = number(s, 0.5);
    int32_t even = PUT(s, "Mul", floor_of(s, PUT(s, "Mul", low, half)), number(s, 2));
    int32_t odd = PUT(s, "Less", even, low), above = PUT(s, "Greater", over, half), tie = PUT(s, "Equal", over, half);
    int32_t stays = PUT(s, "And", PUT(s, "Not", above), PUT(s, "Not", PUT(s, "And", tie, odd)));
    return GIVE(s, "Where", stays, low, PUT(s, "Add", low, number(s, 1)));
}

/* ---- truth ---- */

static enum assay_code or_op(struct assay_onnx_spelling *s)
{
    int32_t neither = PUT(s, "And", PUT(s, "Not", x_of(s)), PUT(s, "Not", assay_onnx_in(s, 1)));
    return GIVE(s, "Not", neither);
}

static enum assay_code xor_op(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Not", PUT(s, "Equal", x_of(s), assay_onnx_in(s, 1)));
}

static enum assay_code is_nan(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Not", PUT(s, "Equal", x_of(s), x_of(s)));
}

static enum assay_code is_inf(struct assay_onnx_spelling *s)
{
    bool    up = assay_onnx_i64(s, "detect_positive", 1), down = assay_onnx_i64(s, "detect_negative", 1);
    int32_t x = up && down ? PUT(s, "Abs", x_of(s)) : x_of(s);
    if (!up && !down)
        return assay_onnx_not_spelled(s, "looks for nothing");
    return GIVE(s, "Equal", x, number(s, up ? (double)INFINITY : -(double)INFINITY));
}

/* ---- of any number of operands; types ---- */

/* All operands by `op`, from the first on; `times` is what the result is multiplied by, 1 for nothing. */
static enum assay_code chain(struct assay_onnx_spelling *s, const char *op, double times)
{
    int32_t y = x_of(s);
    size_t  n = s->call->n_in;
    for (size_t i = 1; i < n - (times == 1 && n > 1); i++) {
        int32_t next = s->call->in[i];
        y = PUT(s, op, y, next);
    }
    if (times != 1)
        return GIVE(s, "Mul", y, number(s, times));
    int32_t last = s->call->in[n - 1];
    return n == 1 ? GIVE(s, "Identity", y) : GIVE(s, op, y, last);
}

static enum assay_code sum(struct assay_onnx_spelling *s)
{
    return chain(s, "Add", 1);
}

static enum assay_code mean(struct assay_onnx_spelling *s)
{
    return chain(s, "Add", 1 / (double)s->call->n_in);
}

static enum assay_code most(struct assay_onnx_spelling *s)
{
    return chain(s, "Max", 1);
}

static enum assay_code least(struct assay_onnx_spelling *s)
{
    return chain(s, "Min", 1);
}

/* ir's own take two. */
static bool are_not_two(const struct assay_onnx_call *call)
{
    return call->n_in != 2;
}

static enum assay_code cast_like(struct assay_onnx_spelling *s)
{
    int64_t to = assay_onnx_number(assay_onnx_seen(s, assay_onnx_in(s, 1)).dtype);
    return assay_onnx_give(s, 0, "Cast", s->call->in, 1,
                           (struct assay_attr[]){ASSAY_ATTR_INT("to", to), ASSAY_ATTR_INT("saturate", assay_onnx_i64(s, "saturate", 1)),
                                                 ASSAY_ATTR_END});
}

/* Of inference: X, and a mask that lets all through. */
static enum assay_code dropout(struct assay_onnx_spelling *s)
{
    struct assay_value training = assay_onnx_seen(s, assay_onnx_in(s, 2));
    bool               known = training.role == ASSAY_ROLE_CONST && training.bytes == 1;
    if (assay_onnx_in(s, 2) != ASSAY_NO_VALUE && (!known || *(const unsigned char *)training.data))
        return assay_onnx_not_spelled(s, "trains or may train");
    if (s->call->n_out > 1 && s->names[1]) {
        int32_t all[] = {assay_onnx_scalar(s, ASSAY_BOOL, 1), assay_onnx_numbers(s, (size_t)s->x.rank, s->x.dims)};
        (void)assay_onnx_give(s, 1, "Expand", all, 2, NULL);
    }
    return GIVE(s, "Identity", x_of(s));
}

const struct assay_onnx_spelled_row assay_onnx_spelled_elementwise[] = {
    {"PRelu", p_relu, NULL},      {"LeakyRelu", leaky_relu, NULL}, {"ThresholdedRelu", thresholded_relu, NULL},
    {"Elu", elu, NULL},           {"Celu", celu, NULL},            {"Selu", selu, NULL},
    {"HardSigmoid", hard_sigmoid, NULL}, {"HardSwish", hard_swish, NULL}, {"Softplus", softplus, NULL},
    {"Mish", mish, NULL},         {"Softsign", softsign, NULL},    {"Shrink", shrink, NULL},
    {"Tan", tangent, NULL},       {"Sinh", sinh_of, NULL},         {"Cosh", cosh_of, NULL},
    {"Asinh", asinh_of, NULL},    {"Acosh", acosh_of, NULL},       {"Atanh", atanh_of, NULL},
    {"Floor", floor_op, NULL},    {"Ceil", ceil_op, NULL},         {"Round", round_op, NULL},
    {"Or", or_op, NULL},          {"Xor", xor_op, NULL},           {"IsNaN", is_nan, NULL},
    {"IsInf", is_inf, NULL},      {"Sum", sum, NULL},              {"Mean", mean, NULL},
    {"Max", most, are_not_two}, {"Min", least, are_not_two}, {"CastLike", cast_like, NULL},
    {"Dropout", dropout, NULL},   {"Atan", atan_of, NULL},         {"Asin", asin_of, NULL},
    {"Acos", acos_of, NULL},      {"Mod", mod, NULL},              {NULL, NULL, NULL},
};
