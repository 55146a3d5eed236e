/* The network's arithmetic: linear layers, gated recurrent units, and what stands between them.
   Single precision, four numbers at a time, no library, no memory of its own: network.js says where
   everything lies. README.md has the command that makes network.wasm of it. */

#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define ROWS 5   /* worked on together: with 8 outputs each, ten sums stay in registers */
#define CHUNK 60 /* rows that stay in the cache while all the weights pass by */

typedef v128_t v4; /* four floats */

#define ADD wasm_f32x4_add
#define SUB wasm_f32x4_sub
#define MUL wasm_f32x4_mul
static inline v4 all(float a) { return wasm_f32x4_splat(a); }
static inline v4 load(const float *p) { return wasm_v128_load(p); }
static inline void store(float *p, v4 a) { wasm_v128_store(p, a); }

/* y = W x + b for `count` rows of x (a constant where this is called) and one panel of 8 outputs */
static inline __attribute__((always_inline)) void panel(const int count, const float *x, int ldx,
    const float *W, const float *b, float *y, int ldy, int inputs) {
  v4 left[ROWS], right[ROWS];
  for (int r = 0; r < count; r++) left[r] = load(b), right[r] = load(b + 4);
  for (int k = 0; k < inputs; k++, W += 8) {
    v4 w_left = load(W), w_right = load(W + 4);
    for (int r = 0; r < count; r++) {
      v4 x_k = wasm_v128_load32_splat(x + r * ldx + k);
      left[r] = ADD(left[r], MUL(x_k, w_left));
      right[r] = ADD(right[r], MUL(x_k, w_right));
    }
  }
  for (int r = 0; r < count; r++) store(y + r * ldy, left[r]), store(y + r * ldy + 4, right[r]);
}

/* y = W x + b. x (rows, ldx), y (rows, ldy); W in panels: outputs / 8 times (inputs, 8). */
EXPORT(linear) void linear(const float *x, int ldx, const float *W, const float *b, float *y,
    int ldy, int rows, int outputs, int inputs) {
  for (int chunk = 0; chunk < rows; chunk += CHUNK) {
    int end = chunk + CHUNK < rows ? chunk + CHUNK : rows;
    for (int n = 0; n < outputs; n += 8) {
      int m = chunk;
      for (; m + ROWS <= end; m += ROWS)
        panel(ROWS, x + m * ldx, ldx, W + n * inputs, b + n, y + m * ldy + n, ldy, inputs);
      for (; m < end; m++)
        panel(1, x + m * ldx, ldx, W + n * inputs, b + n, y + m * ldy + n, ldy, inputs);
    }
  }
}

/* e^x: 2^n times Taylor's series, whose rest is below a rounding for |r| <= ln 2 / 2 */
static inline v4 exponential(v4 x) {
  x = wasm_f32x4_min(wasm_f32x4_max(x, all(-87.0f)), all(87.0f));
  v4 n = wasm_f32x4_nearest(MUL(x, all(1.44269504f)));
  /* ln 2 in two parts, of which the first has few digits, so that n times it is exact */
  v4 r = SUB(SUB(x, MUL(n, all(0.693359375f))), MUL(n, all(-2.12194440e-4f)));
  v4 sum = all(1.0f / 5040);
  const float terms[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 1.0f / 2, 1.0f, 1.0f};
  for (int i = 0; i < 7; i++) sum = ADD(MUL(sum, r), all(terms[i]));
  v4 exponent = wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_splat(127));
  return MUL(sum, wasm_i32x4_shl(exponent, 23));
}

static inline v4 sigmoid(v4 x) {
  return wasm_f32x4_div(all(1), ADD(all(1), exponential(wasm_f32x4_neg(x))));
}

static inline v4 tangent(v4 x) { /* tanh x = 1 - 2 / (1 + e^2x) */
  return SUB(all(1), wasm_f32x4_div(all(2), ADD(all(1), exponential(ADD(x, x)))));
}

/* h, the state of one sequence, a step on: x and u are W x + b and U h + c, three gates long */
static inline void step(float *h, const float *x, const float *u, int hidden) {
  for (int i = 0; i < hidden; i += 4) {
    v4 reset = sigmoid(ADD(load(x + i), load(u + i)));
    v4 keep = sigmoid(ADD(load(x + hidden + i), load(u + hidden + i)));
    v4 fresh = tangent(ADD(load(x + 2 * hidden + i), MUL(reset, load(u + 2 * hidden + i))));
    store(h + i, ADD(fresh, MUL(keep, SUB(load(h + i), fresh))));
  }
}

/* A GRU over `count` sequences of `frames` steps, forward or backward in time.
   x (count, frames, ldx): W x + b; U, c: the recurrent weights; y (count, frames, ldy): the states.
   h (count, hidden): the last states, and if `warm` the first; u (count, ldx) is room to work in. */
EXPORT(gru) void gru(const float *x, int ldx, const float *U, const float *c, float *h, float *u,
    float *y, int ldy, int count, int frames, int hidden, int backward, int warm) {
  for (int i = 0; i < count * hidden && !warm; i++) h[i] = 0;
  for (int s = 0; s < frames; s++) {
    int t = backward ? frames - 1 - s : s;
    linear(h, hidden, U, c, u, ldx, count, ldx, hidden);
    for (int b = 0; b < count; b++) {
      step(h + b * hidden, x + (b * frames + t) * ldx, u + b * ldx, hidden);
      for (int i = 0; i < hidden; i += 4)
        store(y + (b * frames + t) * ldy + i, load(h + b * hidden + i));
    }
  }
}

/* y = max(y, 0) v, a mask times what it is laid on; without v the ReLU alone. n: four at a time. */
EXPORT(relu) void relu(float *y, const float *v, int n) {
  for (int i = 0; i < n; i += 4) {
    v4 mask = wasm_f32x4_max(load(y + i), all(0));
    store(y + i, v ? MUL(mask, load(v + i)) : mask);
  }
}
