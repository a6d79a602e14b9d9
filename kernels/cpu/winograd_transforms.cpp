#include "kernels/cpu/winograd_transforms.h"

#include <cstddef>
#include <type_traits>

#include "kernels/cpu/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/winograd_transforms.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rho::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

// All of this must be inlined, or the vectors of a line go through memory.

HWY_ATTR Vector times(float factor, Vector x) { return hn::Mul(hn::Set(Tag(), factor), x); }
/// x + factor y, of the same rounding whichever way: on some machines additions do not wait for the
/// units that multiply.
HWY_ATTR HWY_INLINE Vector plus(Vector x, float factor, Vector y) {
  if (__builtin_constant_p(factor) && factor == 1.0F) return hn::Add(x, y);
  if (__builtin_constant_p(factor) && factor == -1.0F) return hn::Sub(x, y);
  return hn::MulAdd(hn::Set(Tag(), factor), y, x);
}

/// The points 0, p and -p for each of `pairs` numbers p, and infinity. What is even in p is shared
/// by p and -p, what is odd changes its sign.
template <int pairs>
struct Points {
  static constexpr int kCount = 2 * pairs + 2;

  static constexpr double at(int pair) {
    constexpr double kPoints[] = {1.0, 2.0, 0.5};
    return kPoints[pair];
  }
  /// The coefficients of prod (t - p^2) in powers of t, over all pairs but one: those that the
  /// other points make vanish.
  struct Polynomial {
    float coefficients[pairs + 1] = {};
    int degree = 0;
  };
  static constexpr Polynomial without(int pair) {
    double product[pairs + 1] = {1.0};
    Polynomial out;
    for (int q = 0; q < pairs; ++q) {
      if (q == pair) continue;
      ++out.degree;
      for (int i = out.degree; i >= 0; --i)
        product[i] = (i > 0 ? product[i - 1] : 0.0) - at(q) * at(q) * product[i];
    }
    for (int i = 0; i <= pairs; ++i) out.coefficients[i] = static_cast<float>(product[i]);
    return out;
  }
  static constexpr int kNone = -1;

  /// 1 / (the derivative at p of the polynomial that all finite points make vanish): S.
  static constexpr float scale(int pair) {
    const double p = pair == kNone ? 0.0 : at(pair);
    double slope = pair == kNone ? 1.0 : 2.0 * p * p;
    for (int q = 0; q < pairs; ++q)
      if (q != pair) slope *= p * p - at(q) * at(q);
    return static_cast<float>(1.0 / slope);
  }

  /// p^i of a pair, [i]
  struct Powers {
    float of[WinogradScheme::kMaxTaps];
  };
  static constexpr Powers powers(int pair) {
    Powers out{};
    double power = 1.0;
    for (float& to : out.of) {
      to = static_cast<float>(power);
      power *= at(pair);
    }
    return out;
  }
};

/// sum of the polynomial's coefficients times x[0], x[2], x[4], ...; the last is 1
template <int pairs, int pair>
HWY_ATTR HWY_INLINE Vector combine(const Vector* x) {
  constexpr auto kOf = Points<pairs>::without(pair);
  Vector sum = x[2 * kOf.degree];
#pragma GCC unroll 3
  for (std::ptrdiff_t i = kOf.degree - 1; i >= 0; --i)
    sum = plus(sum, kOf.coefficients[i], x[2 * i]);
  return sum;
}

/// Calls body of every pair, as a constant.
template <int pairs, class Body>
HWY_ATTR HWY_INLINE void for_each_pair(const Body& body) {
  body(std::integral_constant<int, 0>());
  body(std::integral_constant<int, 1>());
  if constexpr (pairs > 2) body(std::integral_constant<int, 2>());
}

/// out = B^T d; for a filter whose last tap is 0, without infinity and the input that it alone sees
template <int pairs, bool kInfinity = true>
struct Interpolate {
  using Of = Points<pairs>;
  static constexpr int kIn = Of::kCount - (kInfinity ? 0 : 1), kOut = kIn;
  static HWY_ATTR HWY_INLINE void apply(const Vector* d, Vector* out) {
    out[0] = combine<pairs, Of::kNone>(d);
    for_each_pair<pairs>([&](auto pair) __attribute__((always_inline)) HWY_ATTR {
      const Vector even = combine<pairs, pair()>(d + 2), odd = combine<pairs, pair()>(d + 1);
      constexpr auto kPoint = static_cast<float>(Of::at(pair()));
      out[2 * pair() + 1] = plus(even, kPoint, odd);
      out[2 * pair() + 2] = plus(even, -kPoint, odd);
    });
    if constexpr (kInfinity) out[kOut - 1] = combine<pairs, Of::kNone>(d + 1);
  }
};

/// out = S E(k) w
template <int pairs, int k>
struct Evaluate {
  using Of = Points<pairs>;
  static constexpr int kIn = k, kOut = Of::kCount;
  static HWY_ATTR HWY_INLINE void apply(const Vector* w, Vector* out) {
    out[0] = times(Of::scale(Of::kNone), w[0]);
    for_each_pair<pairs>([&](auto pair) __attribute__((always_inline)) HWY_ATTR {
      constexpr auto kPowers = Of::powers(pair());
      Vector even = w[0], odd = times(kPowers.of[1], w[1]);
#pragma GCC unroll 5
      for (int i = 2; i < k; ++i) {
        Vector& part = i % 2 == 0 ? even : odd;
        part = plus(part, kPowers.of[i], w[i]);
      }
      constexpr float kScale = Of::scale(pair());
      out[2 * pair() + 1] = times(kScale, hn::Add(even, odd));
      out[2 * pair() + 2] = times(kScale, hn::Sub(even, odd));
    });
    out[kOut - 1] = w[k - 1];
  }
};

/// out = E(k)^T m; for a filter whose first tap is 0, without the point 0
template <int pairs, int k, bool kZero = true>
struct EvaluateTransposed {
  using Of = Points<pairs>;
  static constexpr int kIn = Of::kCount, kOut = k;
  static HWY_ATTR HWY_INLINE void apply(const Vector* m, Vector* out) {
    for_each_pair<pairs>([&](auto pair) __attribute__((always_inline)) HWY_ATTR {
      constexpr auto kPowers = Of::powers(pair());
      const Vector plain = m[2 * pair() + 1], negative = m[2 * pair() + 2];
      const Vector even = hn::Add(plain, negative), odd = hn::Sub(plain, negative);
#pragma GCC unroll 5
      for (int i = 0; i < k; ++i) {
        const Vector part = i % 2 == 0 ? even : odd;
        out[i] = pair() == 0 ? part : plus(out[i], kPowers.of[i], part);
      }
    });
    if constexpr (kZero) out[0] = hn::Add(out[0], m[0]);
    out[k - 1] = hn::Add(out[k - 1], m[kIn - 1]);
  }
};

/// Two taps: out = B^T d of five points.
HWY_ATTR HWY_INLINE void interpolate_five(Vector d0, Vector d1, Vector d2, Vector d3, Vector d4,
                                          Vector* out) {
  const Vector difference = hn::Sub(d3, d1);
  out[0] = plus(difference, 2.0F, hn::Sub(d0, d2));
  out[1] = plus(hn::Sub(d3, d2), -2.0F, d1);
  out[2] = plus(plus(d3, 2.0F, d1), -3.0F, d2);
  out[3] = difference;
  out[4] = plus(hn::Sub(d4, d2), -2.0F, difference);
}

/// out = E(4)^T m of five points.
HWY_ATTR HWY_INLINE void evaluate_five_transposed(const Vector* m, Vector* out) {
  const Vector even = hn::Add(m[1], m[2]), odd = hn::Sub(m[1], m[2]);
  out[0] = hn::Add(hn::Add(m[0], even), m[3]);
  out[1] = plus(odd, 2.0F, m[3]);
  out[2] = plus(even, 4.0F, m[3]);
  out[3] = plus(hn::Add(odd, m[4]), 8.0F, m[3]);
}

// Stride 2: five frequencies of two taps, and four of the one tap between them.

struct StridedInput {
  static constexpr int kIn = 9, kOut = 9;
  static HWY_ATTR HWY_INLINE void apply(const Vector* d, Vector* out) {
    interpolate_five(d[0], d[2], d[4], d[6], d[8], out);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) out[5 + i] = d[2 * i + 1];
  }
};

struct StridedFilter {
  static constexpr int kIn = 3, kOut = 6;
  static HWY_ATTR HWY_INLINE void apply(const Vector* w, Vector* out) {
    out[0] = times(1.0F / 2, w[0]);
    out[1] = times(-1.0F / 2, hn::Add(w[0], w[2]));
    out[2] = times(-1.0F / 6, hn::Sub(w[0], w[2]));
    out[3] = times(1.0F / 6, plus(w[0], 2.0F, w[2]));
    out[4] = w[2];
    out[5] = w[1];
  }
};

struct StridedOutput {
  static constexpr int kIn = 9, kOut = 4;
  static HWY_ATTR HWY_INLINE void apply(const Vector* m, Vector* out) {
    evaluate_five_transposed(m, out);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) out[i] = hn::Add(out[i], m[5 + i]);
  }
};

struct StridedGradient {
  static constexpr int kIn = 5, kOut = 9;
  static HWY_ATTR HWY_INLINE void apply(const Vector* g, Vector* out) {
    interpolate_five(g[0], g[1], g[2], g[3], g[4], out);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) out[5 + i] = g[i];
  }
};

struct StridedInputGrad {
  static constexpr int kIn = 9, kOut = 8;
  static HWY_ATTR HWY_INLINE void apply(const Vector* m, Vector* out) {
    Vector odd[4];
    evaluate_five_transposed(m, odd);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      out[2 * i] = m[5 + i];
      out[2 * i + 1] = odd[i];
    }
  }
};

struct StridedGradientFilter {
  static constexpr int kIn = 4, kOut = 9;
  static HWY_ATTR HWY_INLINE void apply(const Vector* g, Vector* out) {
    const Vector even = hn::Add(g[0], g[2]), odd = hn::Add(g[1], g[3]);
    out[0] = times(1.0F / 2, g[0]);
    out[1] = times(-1.0F / 2, hn::Add(even, odd));
    out[2] = times(-1.0F / 6, hn::Sub(even, odd));
    out[3] = times(1.0F / 6, plus(plus(g[0], 4.0F, g[2]), 2.0F, plus(g[1], 4.0F, g[3])));
    out[4] = g[3];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) out[5 + i] = g[i];
  }
};

struct StridedWeightGrad {
  static constexpr int kIn = 6, kOut = 3;
  static HWY_ATTR HWY_INLINE void apply(const Vector* m, Vector* out) {
    out[0] = hn::Add(hn::Add(m[0], m[1]), hn::Add(m[2], m[3]));
    out[1] = m[5];
    out[2] = plus(hn::Add(hn::Sub(m[1], m[2]), m[4]), 2.0F, m[3]);
  }
};

/// Applies Down to the columns, then Across to the rows. load(i, j) -> Vector for the columns that
/// are there(j), others are zeros; store(i, out) takes row i.
template <class Down, class Across, class There, class Load, class Store>
HWY_ATTR HWY_INLINE void apply_twice(const There& there, const Load& load, const Store& store) {
  Vector half[Down::kOut][Across::kIn];
#pragma GCC unroll 9
  for (int j = 0; j < Across::kIn; ++j) {
    Vector column[Down::kIn], out[Down::kOut];
    if (there(j)) {
#pragma GCC unroll 9
      for (int i = 0; i < Down::kIn; ++i) column[i] = load(i, j);
      Down::apply(column, out);
    } else {
#pragma GCC unroll 9
      for (int i = 0; i < Down::kOut; ++i) out[i] = hn::Zero(Tag());
    }
#pragma GCC unroll 9
    for (int i = 0; i < Down::kOut; ++i) half[i][j] = out[i];
  }
#pragma GCC unroll 9
  for (int i = 0; i < Down::kOut; ++i) {
    Vector out[Across::kOut];
    Across::apply(half[i], out);
    store(i, out);
  }
}

/// A whole vector of channels.
struct Whole {
  static HWY_ATTR HWY_INLINE Vector load(const float* from) { return hn::LoadU(Tag(), from); }
  template <bool kStream>
  static HWY_ATTR HWY_INLINE void store(Vector v, float* to) {
    if constexpr (kStream)
      hn::Stream(v, Tag(), to);
    else
      hn::StoreU(v, Tag(), to);
  }
};
/// The last channels, which fill none.
struct Part {
  hn::Mask<Tag> rest;
  HWY_ATTR HWY_INLINE Vector load(const float* from) const {
    return hn::MaskedLoad(rest, Tag(), from);
  }
  template <bool kStream>
  HWY_ATTR HWY_INLINE void store(Vector v, float* to) const {
    hn::BlendedStore(v, rest, Tag(), to);
  }
};

/// Calls body(c, vector) for the vectors of channels, of which each begins with channel c.
template <class Body>
HWY_ATTR HWY_INLINE void for_each_vector(std::int64_t channels, const Body& body) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Tag()));
  std::int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(c, Whole());
  if (c < channels) body(c, Part{hn::FirstN(Tag(), static_cast<std::size_t>(channels - c))});
}

// Not inlined into the loop over vectors, for which the compiler would keep a pointer for each
// frequency, more than there are registers.
template <class Line, class Down, class Across, class Channels>
HWY_ATTR HWY_NOINLINE void forwards_vector(const WinogradScheme::Square<const float>& square,
                                           std::int64_t c, const Channels& vector, float* out,
                                           std::int64_t stride) {
  apply_twice<Down, Across>(
      [&](int j) HWY_ATTR { return square.has(j); },
      [&](int i, int j) HWY_ATTR { return vector.load(square.rows[i] + j * square.across + c); },
      [&](int i, const Vector* row) HWY_ATTR {
        float* const to = out + i * Line::kOut * stride + c;
#pragma GCC unroll 9
        for (int j = 0; j < Across::kOut; ++j) hn::StoreU(row[j], Tag(), to + j * stride);
      });
}

/// Cells to frequencies, by Down and Across, which are the line or its beginning: they take the
/// first cells and give the first frequencies of each column and row.
template <class Line, class Down, class Across>
HWY_ATTR void forwards(const WinogradScheme::Square<const float>& square, std::int64_t channels,
                       float* out, std::int64_t stride) {
  for_each_vector(channels, [&](std::int64_t c, const auto& vector) HWY_ATTR {
    forwards_vector<Line, Down, Across>(square, c, vector, out, stride);
  });
}

// What happens to cells before they are stored: stored(v, cell) of every one of a vector's cells
// that are there, in order, and then done().

/// Nothing.
struct Plain {
  template <class Channels>
  struct Cells {
    HWY_ATTR HWY_INLINE Cells(const Plain&, std::int64_t, const Channels&) {}
    HWY_ATTR HWY_INLINE Vector stored(Vector v, const float*) { return v; }
    HWY_ATTR HWY_INLINE void done() {}
  };
};

struct Finished {
  const WinogradScheme::Finish& finish;

  template <class Channels>
  struct Cells {
    HWY_ATTR HWY_INLINE Cells(const Finished& by, std::int64_t c, const Channels& vector_)
        : vector(vector_),
          bias(vector.load(by.finish.bias + c)),
          floor(hn::Set(Tag(), by.finish.floor)),
          residual(by.finish.residual),
          out(by.finish.out) {}
    HWY_ATTR HWY_INLINE Vector stored(Vector v, const float* cell) {
      Vector sum = hn::Add(v, bias);
      if (residual != nullptr) sum = hn::Add(sum, vector.load(residual + (cell - out)));
      return hn::IfThenElse(hn::Lt(sum, floor), floor, sum);
    }
    HWY_ATTR HWY_INLINE void done() {}

    Channels vector;
    Vector bias, floor;
    const float *residual, *out;
  };
};

struct Summed {
  const WinogradScheme::Moments& moments;

  template <class Channels>
  struct Cells {
    HWY_ATTR HWY_INLINE Cells(const Summed& by, std::int64_t c_, const Channels&)
        : moments(by.moments),
          c(c_),
          first(moments.first),
          centre(hn::LoadU(Tag(), moments.centre + c)),
          sum(hn::Zero(Tag())),
          squares(hn::Zero(Tag())) {}
    HWY_ATTR HWY_INLINE Vector stored(Vector v, const float*) {
      if (first) centre = v;
      first = false;
      const Vector deviation = hn::Sub(v, centre);
      sum = hn::Add(sum, deviation);
      squares = hn::MulAdd(deviation, deviation, squares);
      return v;
    }
    HWY_ATTR HWY_INLINE void done() {
      constexpr auto kLanes = static_cast<std::int64_t>(hn::MaxLanes(Tag()));
      float of_tile[2][kLanes];
      hn::StoreU(centre, Tag(), moments.centre + c);
      hn::StoreU(sum, Tag(), of_tile[0]);
      hn::StoreU(squares, Tag(), of_tile[1]);
      for (std::int64_t i = 0; i < kLanes; ++i) {
        moments.sums[c + i] += static_cast<double>(of_tile[0][i]);
        moments.squares[c + i] += static_cast<double>(of_tile[1][i]);
      }
    }

    const WinogradScheme::Moments& moments;
    std::int64_t c;
    bool first;
    Vector centre, sum, squares;
  };
};

template <class Line, class Down, class Across, bool kStream, class Channels, class Way>
HWY_ATTR HWY_NOINLINE void backwards_vector(const float* m, std::int64_t stride, std::int64_t c,
                                            const WinogradScheme::Square<float>& square,
                                            const Channels& vector, const Way& way) {
  typename Way::template Cells<Channels> cells(way, c, vector);
  apply_twice<Down, Across>(
      [](int) HWY_ATTR { return true; },
      [&](int i, int j) HWY_ATTR { return vector.load(m + (i * Line::kIn + j) * stride + c); },
      [&](int i, const Vector* row) HWY_ATTR {
        if (square.rows[i] == nullptr) return;
#pragma GCC unroll 9
        for (int j = 0; j < Line::kOut; ++j) {
          if (!square.has(j)) continue;
          float* const cell = square.rows[i] + j * square.across + c;
          vector.template store<kStream>(cells.stored(row[j], cell), cell);
        }
      });
  cells.done();
}

/// Frequencies to cells, by Down and Across, which are the line or leave out a point.
template <class Line, class Down, class Across, bool kStream>
HWY_ATTR void backwards(const float* m, std::int64_t stride, std::int64_t channels,
                        const WinogradScheme::Square<float>& square,
                        const WinogradScheme::Finish* finish) {
  for_each_vector(channels, [&](std::int64_t c, const auto& vector) HWY_ATTR {
    if (finish == nullptr)
      backwards_vector<Line, Down, Across, kStream>(m, stride, c, square, vector, Plain());
    else
      backwards_vector<Line, Down, Across, kStream>(m, stride, c, square, vector,
                                                    Finished{*finish});
  });
}

template <class Line, bool kStream>
HWY_ATTR void backwards_summing(const float* m, std::int64_t stride, std::int64_t channels,
                                const WinogradScheme::Square<float>& square,
                                const WinogradScheme::Moments& moments) {
  constexpr auto kLanes = static_cast<std::int64_t>(hn::MaxLanes(Tag()));
  for (std::int64_t c = 0; c < channels; c += kLanes)
    backwards_vector<Line, Line, Line, kStream>(m, stride, c, square, Whole(), Summed{moments});
}

template <class Line, class Down = Line, class Across = Line>
WinogradScheme::Forwards forwards_of() {
  return {.cells = Line::kIn, .apply = forwards<Line, Down, Across>};
}

template <class Line, class Down = Line, class Across = Line>
WinogradScheme::Backwards backwards_of() {
  constexpr bool kWholeLines = hn::MaxLanes(Tag()) * sizeof(float) == 64;
  WinogradScheme::Backwards of{.cells = Line::kOut, .apply = backwards<Line, Down, Across, false>};
  if constexpr (kWholeLines) of.stream = backwards<Line, Down, Across, true>;
  return of;
}

/// Of outputs, whose statistics may be wanted.
template <class Line>
WinogradScheme::Backwards outputs_of() {
  WinogradScheme::Backwards of = backwards_of<Line>();
  of.apply_summing = backwards_summing<Line, false>;
  if (of.stream != nullptr) of.stream_summing = backwards_summing<Line, true>;
  return of;
}

/// Stride 1, tiles of four outputs.
template <int taps>
WinogradScheme scheme() {
  constexpr int kTile = WinogradScheme::kTile, kPairs = (taps + kTile - 3) / 2;
  static_assert(Points<kPairs>::kCount == taps + kTile - 1);
  const WinogradScheme::Direction slide{{forwards_of<Interpolate<kPairs>>()},
                                        {outputs_of<EvaluateTransposed<kPairs, kTile>>()}};
  return {.points = Points<kPairs>::kCount,
          .filter_points = Points<kPairs>::kCount,
          .filter = forwards_of<Evaluate<kPairs, taps>>(),
          .forward = slide,
          .input_grad = slide,
          .gradient = forwards_of<Evaluate<kPairs, kTile>>(),
          .weight_grad = backwards_of<EvaluateTransposed<kPairs, taps>>()};
}

/// Five taps, stride 2: even phases have three taps, odd ones two.
WinogradScheme scheme_of_phases() {
  constexpr int kTile = WinogradScheme::kTile;
  using In = Interpolate<2>;
  using OddIn = Interpolate<2, false>;
  using Out = EvaluateTransposed<2, kTile>;
  using OddOut = EvaluateTransposed<2, kTile, false>;
  WinogradScheme of = scheme<3>();
  of.forward.absent = of.points - 1;
  of.input_grad.absent = 0;
  of.forward.input[1] = forwards_of<In, In, OddIn>();
  of.forward.input[2] = forwards_of<In, OddIn, In>();
  of.forward.input[3] = forwards_of<In, OddIn, OddIn>();
  of.input_grad.output[1] = backwards_of<Out, Out, OddOut>();
  of.input_grad.output[2] = backwards_of<Out, OddOut, Out>();
  of.input_grad.output[3] = backwards_of<Out, OddOut, OddOut>();
  return of;
}

WinogradSchemes table() {
  return {
      .taps3 = scheme<3>(),
      .taps5 = scheme<5>(),
      .taps3_stride2 = {.points = 9,
                        .filter_points = 6,
                        .filter = forwards_of<StridedFilter>(),
                        .forward = {{forwards_of<StridedInput>()}, {outputs_of<StridedOutput>()}},
                        .input_grad = {{forwards_of<StridedGradient>()},
                                       {backwards_of<StridedInputGrad>()}},
                        .gradient = forwards_of<StridedGradientFilter>(),
                        .weight_grad = backwards_of<StridedWeightGrad>()},
      .taps5_stride2 = scheme_of_phases()};
}

}  // namespace rho::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rho::kernels::cpu {

HWY_EXPORT(table);

const WinogradSchemes& winograd_schemes() {
  static const WinogradSchemes schemes = HWY_DYNAMIC_DISPATCH(table)();
  return schemes;
}

}  // namespace rho::kernels::cpu
#endif
